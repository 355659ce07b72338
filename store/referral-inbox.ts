/**
 * What an event means to a referral, decided in the transaction that stores it: a claim, the friend's first paid order, a refund
 * of it. So a refund that is stored has voided, and one that comes before the payment keeps it from ever counting.
 */
import { sql } from 'kysely'
import { type Properties, type Routing, occasionOf } from '../domain/journey.ts'
import type { Refusal } from '../domain/errors.ts'
import { claimedCode, whyNotWorth, worthOfOrder } from '../domain/referral.ts'
import { type Tx, at } from './db.ts'
import { decide } from './decisions.ts'
import {
  type Referral,
  type Tell,
  claimIn,
  exactlyOne,
  lockReferral,
  lockTogether,
  ownerOf,
  referralOf,
} from './referrals.ts'

interface Told {
  id: string
  type: string
  customer: { id: string }
  properties: Properties
}

/** What an event is to a referral, and the other customer who is locked for it. */
export type Pair = { is: 'claim'; code: string } | { is: 'order'; advocate: string }

/** The friend's claim went to another advocate while we waited for the locks: ask again from the start. */
export class Moved extends Error {}

const PAID = 'order.paid'
const REFUNDED = 'order.refunded'

/** Locks whoever an event concerns besides its customer, both in the order of ids. Call it before anything else is locked. */
export async function lockPair(tx: Tx, event: Told, plans: readonly Routing[]): Promise<Pair | undefined> {
  const friend = event.customer.id
  if (event.type === PAID || event.type === REFUNDED) {
    const advocate = (await referralOf(tx, friend))?.advocate
    if (advocate === undefined) return undefined
    await lockTogether(tx, [friend, advocate])
    return { is: 'order', advocate }
  }
  const code = claimedCode(event)
  if (code === undefined || !plans.some((plan) => plan.referral)) return undefined
  const advocate = await ownerOf(tx, code)
  if (advocate !== undefined) await lockTogether(tx, [friend, advocate])
  return { is: 'claim', code }
}

interface To {
  plans: readonly Routing[]
  now: number
  tell: Tell
}

/** Carries out what the event means; the customers are locked by `lockPair` and the event is stored. Throws Moved. */
export async function applyToReferral(tx: Tx, event: Told, pair: Pair | undefined, to: To): Promise<void> {
  const friend = event.customer.id
  if (pair?.is === 'claim') {
    await claimIn(tx, { friend, code: pair.code, by: event.id, plans: to.plans, now: to.now }, to.tell)
    return
  }
  if (event.type !== PAID && event.type !== REFUNDED) return
  const referral = await lockReferral(tx, friend)
  if (!referral) return
  if (referral.advocate !== pair?.advocate) throw new Moved()
  if (event.type === PAID) await qualify(tx, event, referral, to)
  else await refund(tx, event, referral, to)
}

/** The first paid order decides, whichever way: later ones are not looked at. */
async function qualify(tx: Tx, event: Told, referral: Referral, { plans, now, tell }: To): Promise<void> {
  if (referral.status !== 'claimed') return
  const { friend, advocate, campaign, programme } = referral
  const order = occasionOf('order', event.properties)
  const refunds = order === undefined ? [] : await refundsOf(tx, friend, order)
  const refused = whyNotQualify({ referral, order, paid: event.properties, refunds, now })
  if (refused || order === undefined) {
    const code = refused ?? 'OCCASION_MISSING'
    const status = code === 'REFERRAL_REFUNDED' ? 'voided' : 'denied'
    await exactlyOne(
      sql`
      update referrals set status = ${status}, reason = ${code}, voided_at = ${status === 'voided' ? at(now) : null}
      where friend = ${friend} and status = 'claimed'
    `.execute(tx),
    )
    return note(tx, referral, event, { verdict: status, code, now })
  }
  await exactlyOne(
    sql`
    update referrals set status = 'pending', "order" = ${order}, qualified_at = ${at(now)},
      returns_until = ${at(now + programme.returns)}
    where friend = ${friend} and status = 'claimed'
  `.execute(tx),
  )
  await note(tx, referral, event, { verdict: 'pending', now })
  const properties = { friend, campaign }
  await tell(
    tx,
    { id: `referral/${friend}/qualified`, type: 'referral.qualified', customer: advocate, properties },
    { plans, now },
  )
}

interface Qualifying {
  referral: Referral
  order: string | undefined
  paid: Properties
  refunds: readonly Properties[]
  now: number
}

function whyNotQualify({ referral, order, paid, refunds, now }: Qualifying): Refusal | undefined {
  if (now > referral.claim_until.getTime()) return 'REFERRAL_WINDOW_OVER'
  if (order === undefined) return 'OCCASION_MISSING'
  const worth = worthOfOrder(paid, refunds)
  return worth === undefined ? 'AMOUNT_MISSING' : whyNotWorth(worth, referral.programme.minimum, refunds.length > 0)
}

async function refund(tx: Tx, event: Told, referral: Referral, { plans, now, tell }: To): Promise<void> {
  const { friend, advocate, status, programme } = referral
  const order = occasionOf('order', event.properties)
  const counts = status === 'pending' || status === 'held' || status === 'in-review' || status === 'approved'
  if (!counts || order === undefined || order !== referral.order) return
  const worth = worthOfOrder(await paidOf(tx, friend, order), await refundsOf(tx, friend, order))
  const code = whyNotWorth(worth ?? 0, programme.minimum, true)
  if (code === undefined) return note(tx, referral, event, { verdict: 'kept', now })
  await exactlyOne(
    sql`
    update referrals set status = 'voided', reason = ${code}, voided_at = ${at(now)} where friend = ${friend} and status = ${status}
  `.execute(tx),
  )
  await note(tx, referral, event, { verdict: 'voided', code, now })
  const properties = { friend, campaign: referral.campaign }
  await tell(
    tx,
    { id: `referral/${friend}/voided`, type: 'referral.voided', customer: advocate, properties },
    { plans, now },
  )
}

async function refundsOf(tx: Tx, friend: string, order: string): Promise<Properties[]> {
  const { rows } = await sql<{ properties: Properties }>`
    select properties from events where customer = ${friend} and type = ${REFUNDED} and properties->>'order' = ${order}
  `.execute(tx)
  return rows.map((row) => row.properties)
}

/** What was told of the payment first: what came under another id since is a double. */
async function paidOf(tx: Tx, friend: string, order: string): Promise<Properties> {
  const { rows } = await sql<{ properties: Properties }>`
    select properties from events where customer = ${friend} and type = ${PAID} and properties->>'order' = ${order}
    order by seq limit 1
  `.execute(tx)
  return rows[0]?.properties ?? {}
}

/** A line for each of the two, as each may be asked about. */
async function note(
  tx: Tx,
  { friend, advocate, campaign }: Referral,
  event: Told,
  { verdict, code, now }: { verdict: string; code?: Refusal; now: number },
): Promise<void> {
  const detail = `${friend}, friend of ${advocate}: ${event.type} ${event.id}`
  const said = {
    journey: campaign,
    enrolment: null,
    about: 'referral',
    verdict,
    code: code ?? null,
    detail,
    now,
  } as const
  const key = `referral/${friend}/${verdict}/${event.id}`
  await decide(tx, { ...said, key, customer: friend })
  await decide(tx, { ...said, key: `${key}/advocate`, customer: advocate })
}
