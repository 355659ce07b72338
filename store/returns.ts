/** What runs earned and what returns of their orders take back: all of it, or a part's share. Call these with the customer locked. */
import { type RawBuilder, sql } from 'kysely'
import type { Properties } from '../domain/journey.ts'
import { type OnReturn, type Unit, allocate, clawBack, paidOrderOf } from '../domain/points.ts'
import { REFUNDED, type RefundTold, type Refunds, refundsOf, shareOf } from '../domain/returns.ts'
import { giveBack, releaseHold } from './budget-holds.ts'
import type { Db, Tx } from './db.ts'
import { decide } from './decisions.ts'
import { type LotState, expireLots, post, spendableLots, taken } from './ledger.ts'

export interface Earned {
  id: number
  key: string
  unit: Unit
  rule: string
  on_return: OnReturn
  lot: number
  original: number
  remaining: number
  state: LotState
  expired: number
  /** Taken back so far, with what is owed. */
  returned: number
  /** Taken back as a whole before. */
  reversed: boolean
  /** The refunds of parts that were looked at before. */
  refunds: string[]
}

/** What a run earned, in the order in which it did. */
export const earnedBy = (tx: Tx, run: string): Promise<Earned[]> => earned(tx, sql`t.enrolment = ${run}`)

/** What was earned under some effect keys, with its bonuses, by whichever run. */
export const earnedUnder = (tx: Tx, keys: readonly string[]): Promise<Earned[]> =>
  earned(
    tx,
    sql`t.enrolment in (select enrolment from point_transfers where key = any(${keys}))
      and split_part(t.key, '+', 1) = any(${keys})`,
  )

async function earned(tx: Tx, which: RawBuilder<unknown>): Promise<Earned[]> {
  const { rows } = await sql<Earned>`
    select t.id, t.key, t.unit, t.rule, t.on_return, l.id as lot, l.original, l.remaining, l.state,
      exists (select 1 from point_transfers r where r.reverses = t.id and r.refund is null) as reversed,
      array(select r.refund from point_transfers r where r.reverses = t.id and r.refund is not null) as refunds,
      coalesce((select sum(p.amount) from point_transfers r join point_postings p on p.transfer = r.id
        where r.reverses = t.id and p.account = 'reversed'), 0)::bigint as returned,
      coalesce((select -sum(m.amount) from point_lot_moves m join point_transfers x on x.id = m.transfer
        where m.lot = l.id and x.kind = 'expire'), 0)::bigint as expired
    from point_transfers t join point_lots l on l.transfer = t.id
    where ${which} and t.kind = 'earn' order by t.id
  `.execute(tx)
  return rows
}

/** A run whose customer is locked. */
export interface ReturningRun {
  id: string
  customer: string
  journey: string
}

/** Takes an award back: all that is left of it, or the share of a refund. A return is looked at once, also where it takes nothing. */
export async function takeBack(
  tx: Tx,
  run: ReturningRun,
  one: Earned,
  by: { refund?: string; share?: number; because?: string; now: number },
): Promise<void> {
  const { key: award, unit, rule, lot, original, remaining, state } = one
  const { refund, share = original, now } = by
  const { customer, journey } = run
  const kind = state === 'pending' ? 'void' : 'claw-back'
  const key = refund === undefined ? `${award}/${kind}` : `${award}/refund/${refund}`
  const of = { reverses: one.id, ...(refund !== undefined && { refund }) }
  const transfer = { key, kind, unit, customer, run: run.id, request: { lot }, ...of, now } as const
  const note = (verdict: string, detail: string): Promise<void> => {
    const because = `${refund === undefined ? '' : `, refund ${refund}`}${by.because ? `, ${by.because}` : ''}`
    const about = { customer, journey, enrolment: run.id, about: 'points' } as const
    return decide(tx, { key, ...about, verdict, detail: `${rule}: ${detail}${because}`, now })
  }
  if (kind === 'void') {
    const amount = Math.min(share, remaining)
    const to = amount === remaining ? 'void' : 'pending'
    await post(tx, transfer, {
      postings: { pending: -amount, reversed: amount },
      lots: amount > 0 ? [{ lot, amount: -amount, from: 'pending', to }] : [],
    })
    if (to === 'void') await releaseHold(tx, { key: award, now })
    return note('voided', `${amount} ${unit}`)
  }
  const lots = await spendableLots(tx, { customer, unit, now })
  const available = lots.reduce((sum, { remaining: left }) => sum + left, 0)
  // What expired is gone already, and what an earlier refund took.
  const asked = Math.max(0, Math.min(share, original - one.expired - one.returned))
  const { taken: amount, owed } = clawBack(one.on_return, asked, available)
  await post(tx, transfer, {
    postings: { available: -amount, debt: -owed, reversed: amount + owed },
    lots: allocate(lots, amount, lot).map(taken),
  })
  await giveBack(tx, { key: award, part: amount + owed, whole: original - one.returned, now })
  return note('clawed back', `${amount} of ${original} ${unit}${owed > 0 ? `, and ${owed} owed` : ''}`)
}

/** What has been told of the refunds of an order that was paid so. */
export async function refundsOfOrder(db: Db, customer: string, paid: Properties): Promise<Refunds> {
  const { rows } = await sql<RefundTold>`
    select id, properties from events where customer = ${customer} and type = ${REFUNDED}
      and properties->>'order' = ${JSON.stringify(paid)}::jsonb->>'order' order by seq
  `.execute(db)
  return refundsOf(paidOrderOf(paid), rows)
}

async function beginningOrder(tx: Tx, run: string): Promise<Properties | undefined> {
  const { rows } = await sql<{ properties: Properties }>`
    select e.properties from enrolments r join events e on e.seq = r.begun_seq
    where r.id = ${run} and r.begun_by = e.type || ' ' || e.id and e.properties ? 'order'
  `.execute(tx)
  return rows[0]?.properties
}

/** Whether the order that began a run is refunded as a whole; true where the run began with none. */
export async function isRefundedWhole(tx: Tx, run: Pick<ReturningRun, 'id' | 'customer'>): Promise<boolean> {
  const paid = await beginningOrder(tx, run.id)
  return paid === undefined || (await refundsOfOrder(tx, run.customer, paid)).whole
}

/**
 * Takes back the shares of those refunds of the run's order that were not looked at before; answers whether growth value that was
 * settled became less, for the tier to be decided anew.
 */
export async function takeBackParts(tx: Tx, run: ReturningRun, now: number): Promise<boolean> {
  const paid = await beginningOrder(tx, run.id)
  const { goods, parts } = paid ? await refundsOfOrder(tx, run.customer, paid) : { goods: 0, parts: [] }
  if (parts.length === 0) return false
  let shrunk = false
  await expireLots(tx, { customer: run.customer, now })
  for (const part of parts) {
    // Read anew for each part: one takes what the next may not.
    for (const one of await earnedBy(tx, run.id)) {
      if (one.reversed || one.refunds.includes(part.refund)) continue
      await takeBack(tx, run, one, { refund: part.refund, share: shareOf(one.original, part, goods), now })
      shrunk ||= one.unit === 'growth' && one.state !== 'pending'
    }
  }
  return shrunk
}

/** The same for every run of the customer that is on and began with the order; whatever its plan, what it gave goes with the order. */
export async function takeBackPartsOf(
  tx: Tx,
  { customer, properties, now }: { customer: string; properties: Properties; now: number },
): Promise<boolean> {
  const { rows } = await sql<ReturningRun>`
    select r.id, r.customer, r.journey from enrolments r join events e on e.seq = r.begun_seq
    where r.customer = ${customer} and r.status = 'running' and r.begun_by = e.type || ' ' || e.id
      and e.properties->>'order' = ${JSON.stringify(properties)}::jsonb->>'order'
      and exists (select 1 from point_transfers t where t.enrolment = r.id and t.kind = 'earn') order by r.id
  `.execute(tx)
  let shrunk = false
  for (const run of rows) shrunk = (await takeBackParts(tx, run, now)) || shrunk
  return shrunk
}
