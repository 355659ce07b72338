/**
 * The inbox. One transaction stores an event, applies it to its customer, decides every conversion, exit, wake-up and entry,
 * logs why not, and writes what Temporal has to be told. A crash anywhere loses nothing and doubles nothing.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { PerennialError } from '../domain/errors.ts'
import { armOf } from '../domain/experiment.ts'
import { isAboutAudiences } from '../domain/audience-review.ts'
import type { Identity } from '../domain/identity.ts'
import { CONFIRM_WITHIN, RETURNED, SILENCE } from '../domain/consent.ts'
import {
  type EndPattern,
  type Properties,
  type Routing,
  canonical,
  concerns,
  decideEntry,
  matches,
  occasionOf,
} from '../domain/journey.ts'
import { pendingBy } from './consents.ts'
import { confirmedSince, withdrawnFor } from './run-consents.ts'
import { REFUNDED } from '../domain/returns.ts'
import { AUDIENCES_MARK, reviewEvent } from './audience-members.ts'
import { type CustomerChange, upsertCustomer } from './customers.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import { wake } from './dispatch.ts'
import { convert, endAndWake, enrol, pastEntries } from './enrolments.ts'
import { rememberIdentities } from './identities.ts'
import { isSwitchedOff } from './journeys.ts'
import { keepLateBirthday } from './occasions.ts'
import { settleOrderCoupons } from './order-coupons.ts'
import { Moved, applyToReferral, lockPair } from './referral-inbox.ts'
import { isRefundedWhole, refundsOfOrder, takeBackPartsOf } from './returns.ts'
import { standAnew } from './standings.ts'
import { reviewTier } from './tiers.ts'

/** An event that passed its contract. `at` is when it happened at the shop, epoch ms. */
export interface ShopEvent {
  id: string
  type: string
  customer: CustomerChange
  at: number | null
  properties: Properties
}

class Duplicate extends Error {}

/** What a customer's standing is reckoned by (standings.ts). */
const MOVES_STANDING: ReadonlySet<string> = new Set(['order.paid', REFUNDED])

/** What an event is decided by: whom it is told to, the time, and the zone of customers who did not tell theirs. */
export interface Accepting {
  plans: readonly Routing[]
  now: () => number
  identities?: readonly Identity[]
  shopZone?: string | undefined
}

/** 'stored', or 'duplicate' when the very same event was stored before. Throws EVENT_ID_REUSED, STORE_UNAVAILABLE. */
export async function acceptEvent(db: Db, event: ShopEvent, to: Accepting): Promise<'stored' | 'duplicate'> {
  const { plans, now, identities = [], shopZone = 'UTC' } = to
  const hash = createHash('sha256').update(canonical(event)).digest('hex')
  try {
    await inTransaction(db, async (tx) => {
      // Where an event concerns two customers both are locked first, in the order of ids.
      const pair = await lockPair(tx, event, plans)
      // Taking the customer's row puts everything about one person in a line; the time is read behind that lock.
      const { received, isNew } = await upsertCustomer(tx, event.customer, event.id, now)
      const stored = await insertEvent(tx, event, hash, received)
      if (stored === undefined) throw new Duplicate()
      await rememberIdentities(tx, { customer: event.customer.id, identities, now: received })
      await settleOrderCoupons(tx, event, received)
      const about = { plans, now: received, shopZone }
      const routed = { ...stored, ...about }
      await route(tx, event, routed)
      if (event.customer.birthday) await keepLateBirthday(tx, event.customer.id, routed)
      if (MOVES_STANDING.has(event.type)) {
        await standAnew(tx, { customer: event.customer.id, now: received }, { plans, shopZone, tell: tellEvent })
      }
      if (event.type === RETURNED) await tellSilenceBroken(tx, event, { plans, now: received, shopZone })
      await applyToReferral(tx, event, pair, { plans, now: received, tell: tellEvent })
      if (event.customer.consent) {
        await askToConfirm(tx, event, about)
        await tellConfirmed(tx, event.customer.id, about)
      }
      await reviewEvent(tx, event, { ...routed, isNew, tell: tellEvent })
    })
    return 'stored'
  } catch (error) {
    if (error instanceof Moved) return acceptEvent(db, event, to)
    if (!(error instanceof Duplicate)) throw error
    const { rows } = await sql<{ content_hash: string }>`
      select content_hash from events where id = ${event.id}`.execute(db)
    if (rows[0]?.content_hash === hash) return 'duplicate'
    throw new PerennialError('EVENT_ID_REUSED', `the id '${event.id}' belongs to another event`, { field: 'id' })
  }
}

/**
 * Tells an event of our own (domain/own-events.ts) in the transaction that made it true: stored and routed as a shop's event is.
 * False where it was told before. Call it with the customer locked.
 */
export async function tellEvent(
  tx: Tx,
  { id, type, customer, properties }: { id: string; type: string; customer: string; properties: Properties },
  { plans, now, shopZone = 'UTC' }: { plans: readonly Routing[]; now: number; shopZone?: string },
): Promise<boolean> {
  const event: ShopEvent = { id, type, customer: { id: customer }, at: null, properties }
  const hash = createHash('sha256').update(canonical(event)).digest('hex')
  const stored = await insertEvent(tx, event, hash, now)
  if (stored === undefined) return false
  await route(tx, event, { ...stored, plans, now, shopZone })
  await reviewEvent(tx, event, { ...stored, plans, now, shopZone, tell: tellEvent })
  return true
}

/**
 * Consent that this event brought and that its customer has yet to confirm begins the journey that asks them to. Said again it asks
 * again only once the link of the mail before is too old.
 */
async function askToConfirm(
  tx: Tx,
  { id: source, customer: { id: customer, consent = {} } }: ShopEvent,
  to: { plans: readonly Routing[]; now: number; shopZone: string },
): Promise<void> {
  const granted = Object.keys(consent).filter((topic) => consent[topic] !== false)
  const pending = (await pendingBy(tx, { customer, channel: 'email' })).filter(({ topic }) => granted.includes(topic))
  if (pending.length === 0) return
  const { rows } = await sql`
    select 1 from events where customer = ${customer} and type = 'consent.asked'
      and received_at > ${at(to.now - CONFIRM_WITHIN)} limit 1`.execute(tx)
  if (rows.length > 0 && pending.every((one) => one.source !== source)) return
  const properties = { ask: source, topics: pending.map(({ topic }) => topic) }
  await tellEvent(tx, { id: `consent/${customer}/${source}`, type: 'consent.asked', customer, properties }, to)
}

/** A sign of life from whom a journey unsubscribed for their silence begins the journey that asks for their consent again. */
async function tellSilenceBroken(
  tx: Tx,
  { id: source, customer: { id: customer } }: ShopEvent,
  to: { plans: readonly Routing[]; now: number; shopZone: string },
): Promise<void> {
  for (const topic of await withdrawnFor(tx, { customer, reason: SILENCE })) {
    const event = { id: `silence/${customer}/${topic}/${source}`, type: 'silence.broken', customer }
    await tellEvent(tx, { ...event, properties: { topic } }, to)
  }
}

/** Tells of consent that was pending and is given in this transaction, whoever's word gave it. Call it with the customer locked. */
export async function tellConfirmed(
  tx: Tx,
  customer: string,
  to: { plans: readonly Routing[]; now: number; shopZone?: string | undefined },
): Promise<void> {
  for (const { id, topic, channel } of await confirmedSince(tx, { customer, now: to.now })) {
    const event = { id: `consent/${customer}/confirmed/${id}`, type: 'consent.confirmed', customer }
    await tellEvent(tx, { ...event, properties: { topic, channel } }, { ...to, shopZone: to.shopZone ?? 'UTC' })
  }
}

interface Stored {
  seq: number
  /** Which audiences are in force. */
  mark: string
}

async function insertEvent(tx: Tx, event: ShopEvent, hash: string, received: number): Promise<Stored | undefined> {
  const { rows } = await sql<Stored>`
    insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
    values (${event.id}, ${event.customer.id}, ${event.type}, ${JSON.stringify(event.properties)}::jsonb, ${hash},
            ${at(event.at ?? received)}, ${at(received)})
    on conflict (id) do nothing returning seq, ${AUDIENCES_MARK} as mark
  `.execute(tx)
  return rows[0]
}

interface Routed extends Stored {
  plans: readonly Routing[]
  now: number
  shopZone: string
}

async function route(tx: Tx, event: ShopEvent, to: Routed): Promise<void> {
  const goals = to.plans.filter((plan) => plan.goal && matches(plan.goal, event))
  if (goals.length > 0) await reachGoals(tx, event, { ...to, plans: goals })
  const exits = to.plans.filter((plan) => plan.exits.some((exit) => matches(exit, event)))
  if (exits.length > 0) await leave(tx, event, { ...to, plans: exits })
  if (event.type === REFUNDED) {
    const customer = event.customer.id
    const shrunk = await takeBackPartsOf(tx, { customer, properties: event.properties, now: to.now })
    if (shrunk) await reviewTier(tx, { customer, now: to.now, because: 'refund' }, { ...to, tell: tellEvent })
  }
  await giveToWaits(tx, event, to)
  for (const plan of to.plans) {
    if (plan.begins?.on === event.type) await tryEntry(tx, event, plan, to)
  }
}

const names = (plans: readonly Routing[]): string[] => plans.map((plan) => plan.name)

interface Ending {
  id: string
  journey: string
  occasion: string | null
  /** What it began with; null where no event began it. */
  begun: Properties | null
}

const endsRun = (plan: Routing, pattern: EndPattern, event: ShopEvent, run: Ending): boolean =>
  plan.name === run.journey &&
  matches(pattern, event) &&
  concerns(plan, pattern, { properties: event.properties, occasion: run.occasion, begun: run.begun ?? {} })

/** Runs that an event may end, as `Ending`s. */
const ENDING = sql`
  select r.id, r.journey, r.occasion, b.properties as begun from enrolments r
  left join events b on b.seq = r.begun_seq and r.begun_by = b.type || ' ' || b.id`

async function reachGoals(tx: Tx, event: ShopEvent, { plans, now }: Routed): Promise<void> {
  const { rows: open } = await sql<Ending>`
    ${ENDING} where r.customer = ${event.customer.id} and r.journey = any(${names(plans)})
      and starts_at <= ${at(now)} and goal_at is null and (goal_until is null or goal_until >= ${at(now)})
  `.execute(tx)
  const rows = open.filter((run) => plans.some((plan) => plan.goal && endsRun(plan, plan.goal, event, run)))
  const ids = rows.map((row) => row.id)
  await convert(tx, ids, event.id, now)
  await endAndWake(tx, ids, { status: 'goal', reason: event.type, now })
  for (const row of rows) await note(tx, event, row, { about: 'goal', verdict: 'reached', now })
}

async function leave(tx: Tx, event: ShopEvent, { plans, now }: Routed): Promise<void> {
  const { rows: open } = await sql<Ending>`
    ${ENDING} where r.customer = ${event.customer.id} and r.journey = any(${names(plans)}) and r.status = 'running'
  `.execute(tx)
  const rows: Ending[] = []
  for (const run of open) {
    const exits = plans.flatMap((plan) => plan.exits.filter((exit) => endsRun(plan, exit, event, run)))
    const whole = exits.some((exit) => !exit.whole)
    if (whole || (exits.length > 0 && (await isRefundedWhole(tx, { ...run, customer: event.customer.id }))))
      rows.push(run)
  }
  await endAndWake(
    tx,
    rows.map((row) => row.id),
    { status: 'exited', reason: event.type, now },
  )
  for (const row of rows) await note(tx, event, row, { about: 'exit', verdict: 'left', now })
}

function note(
  tx: Tx,
  event: ShopEvent,
  run: { id: string; journey: string },
  { about, verdict, now }: { about: 'goal' | 'exit'; verdict: string; now: number },
): Promise<void> {
  const detail = `${event.type} ${event.id}`
  const key = `${run.id}/${about}`
  return decide(tx, {
    key,
    customer: event.customer.id,
    journey: run.journey,
    enrolment: run.id,
    about,
    verdict,
    detail,
    now,
  })
}

async function giveToWaits(tx: Tx, event: ShopEvent, { seq, now }: Routed): Promise<void> {
  // One event ends one wait of a run: where a story has two open for it, the one that is over first.
  const { rows } = await sql<{ enrolment: string }>`
    with given as (
      select distinct on (w.enrolment) w.key from enrolments r join waits w on w.enrolment = r.id
      where r.customer = ${event.customer.id} and r.status = 'running' and w.open and w.type = ${event.type}
        and ${JSON.stringify(event.properties)}::jsonb @> w.match and w.deadline >= ${at(now)}
      order by w.enrolment, w.deadline, w.key)
    update waits set open = false, taken_seq = ${seq} where key in (select key from given) and open returning enrolment
  `.execute(tx)
  await wake(
    tx,
    rows.map((row) => row.enrolment),
  )
}

async function tryEntry(tx: Tx, event: ShopEvent, plan: Routing, { seq, now }: Routed): Promise<void> {
  const customer = event.customer.id
  const occasion = plan.occasion === undefined ? null : occasionOf(plan.occasion, event.properties)
  const refuse = (code: Parameters<typeof decide>[1]['code']): Promise<void> =>
    decide(tx, {
      key: `${plan.name}/${customer}/entry/${event.id}`,
      customer,
      journey: plan.name,
      enrolment: null,
      about: 'entry',
      verdict: 'refused',
      code: code ?? null,
      detail: `${event.type} ${event.id}`,
      now,
    })
  if (plan.begins && !matches(plan.begins, event)) {
    // A journey of one audience has nothing to say of the others.
    return isAboutAudiences(event.type) ? undefined : refuse('BEGINS_NOT_MATCHED')
  }
  if (occasion === undefined) return refuse('OCCASION_MISSING')
  const { properties } = event
  if (occasion !== null && (await isOver(tx, plan, { customer, occasion, properties }))) return refuse('OCCASION_OVER')
  if (await isSwitchedOff(tx, plan)) return refuse('SWITCHED_OFF')
  const past = await pastEntries(tx, plan.name, customer)
  const entry = decideEntry(plan, { occasion, now, past })
  if (!entry.enter) return refuse(entry.code)
  const goalUntil = plan.goal?.within ? now + plan.goal.within : null
  const arm = armOf(plan.name, customer, plan.holdout)
  const begunBy = `${event.type} ${event.id}`
  await enrol(tx, {
    journey: plan.name,
    customer,
    occasion: entry.occasion,
    arm,
    begunBy,
    begunSeq: seq,
    startsAt: now,
    goalUntil,
    now,
  })
}

/** Whether the event that ends a run of this occasion has come already: shops' systems do not keep the order of events. */
async function isOver(
  tx: Tx,
  plan: Routing,
  of: { customer: string; occasion: string; properties: Properties },
): Promise<boolean> {
  const exits = plan.exits.filter((exit) => exit.sameOccasion)
  if (exits.length === 0) return false
  const { rows } = await sql<{ type: string; properties: Properties }>`
    select type, properties from events
    where customer = ${of.customer} and type = any(${exits.map((exit) => exit.on)})
  `.execute(tx)
  const over = exits.filter((exit) =>
    rows.some(
      (row) =>
        matches(exit, row) &&
        concerns(plan, exit, { properties: row.properties, occasion: of.occasion, begun: of.properties }),
    ),
  )
  if (over.some((exit) => !exit.whole)) return true
  return over.length > 0 && (await refundsOfOrder(tx, of.customer, of.properties)).whole
}

/** The properties of the event that began a run; undefined where none did: a sweep or an operator. */
export async function beginningOf(db: Db, run: string): Promise<Properties | undefined> {
  const { rows } = await sql<{ properties: Properties }>`
    select e.properties from enrolments r join events e on e.seq = r.begun_seq
    where r.id = ${run} and r.begun_by = e.type || ' ' || e.id
  `.execute(db)
  return rows[0]?.properties
}

/** The newest seq, from which on a run that no event began listens. */
export async function newestSeq(tx: Tx, customer: string): Promise<number> {
  const { rows } = await sql<{ seq: number | null }>`
    select max(seq) as seq from events where customer = ${customer}`.execute(tx)
  return rows[0]?.seq ?? 0
}

/** The types of event a customer has sent, and when each came last. */
export async function eventTypesOf(db: Db, customer: string): Promise<Map<string, Date>> {
  const { rows } = await sql<{ type: string; last: Date }>`
    select type, max(received_at) as last from events where customer = ${customer} group by type
  `.execute(db)
  return new Map(rows.map((row) => [row.type, row.last]))
}
