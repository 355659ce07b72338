/** The same people in two worlds: in the simulation's memory, and on PostgreSQL and Temporal with a day in some seconds. */
import { sql } from 'kysely'
import { expect } from 'vitest'
import { CAMPAIGN_WORKFLOW, type CampaignInput, readCatalogue } from '../../client/catalogue.ts'
import type { Act, Member } from '../../client/simulation/members.ts'
import { simulate } from '../../client/simulation/simulate.ts'
import { DEFAULT_PROGRAMME } from '../../domain/programmes.ts'
import type { CheckedPlan } from '../../domain/contracts/plan.ts'
import { machineSpan } from '../../domain/tempo.ts'
import { occasionsWithin } from '../../domain/timetable.ts'
import { acceptEvent } from '../../store/events.ts'
import { suppress } from '../../store/customers.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { setProgramme } from '../../store/programmes.ts'
import type { Policy } from '../../activities/index.ts'
import { startSink } from '../smtp-sink.ts'
import { type World, NOON, openWorld } from '../world.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
/** The midnight after a world's clock begins. */
export const FROM = NOON + 12 * HOUR

export interface Lived {
  journeys: readonly string[]
  members: readonly Member[]
  days: number
  /** Of the machine's. */
  dayMs: number
  policy: Policy
  /** What is so near to the end may be under way. */
  tail: number
}

export interface Word {
  key: string
  status: string
  code: string | null
  journey: string
  message: string
}

/** What was said of each message and of each order with a coupon. */
export interface Told {
  messages: Word[]
  redeemed: string[]
}

/** Both worlds, held to one another: every message by key, last status and code, every order by the coupon on it. */
export async function liveInBoth(lived: Lived): Promise<Told> {
  const all = await readCatalogue()
  const catalogue = new Map([...all].filter(([name]) => lived.journeys.includes(name)))
  const entries = [...catalogue.values()].map((entry) => ({ ...entry, plan: { ...entry.plan, holdout: 0 } }))
  const { members, days, dayMs, policy } = lived
  const { caps, quiet, auctionMs, release, shopZone } = policy
  const rules = { caps, quiet, auctionMs, release, shopZone }
  const { tally, shop } = await simulate({ entries, members, from: FROM, days, rules, each: true })
  const used = [...shop.people.values()].flatMap(({ coupons }) =>
    [...coupons.values()].flatMap(({ status, order, offer }) => (status === 'redeemed' ? `${order} ${offer}` : [])),
  )

  const sink = await startSink()
  const world = await openWorld({ smtpUrl: sink.url, dayMs, catalogue, policy, idleMs: 60 })
  // Its gifts are offers of that journey.
  if (catalogue.has('tier-upgrade')) await setProgramme(world.db, DEFAULT_PROGRAMME, { now: world.clock.now() })
  const swept = entries.filter(({ plan }) => plan.sweep).map(({ plan }) => plan.name)
  const begun = campaignsIn(
    entries.map(({ plan }) => plan),
    lived,
  )
  await live(world, lived, { swept, begun })

  const foretold = [...tally.messages.values()]
  const end = FROM + (days * DAY - lived.tail)
  const messages = foretold.filter(({ at }) => at < end)
  const orders = used.toSorted((one, other) => (one < other ? -1 : 1))
  const isThere = ({ redeemed, ...real }: Real): boolean =>
    differing(messages, real).length === 0 && redeemed.join() === orders.join()
  const real = await readWhenThere(world, isThere)
  await sink.stop()
  expect(differing(messages, real)).toEqual([])
  const known = new Set(foretold.map(({ key }) => key))
  expect(real.messages.filter(({ key, at }) => at.getTime() < end && !known.has(key)).map(said)).toEqual([])
  expect(real.redeemed).toEqual(orders)
  return { messages, redeemed: used }
}

const said = ({ key, status, code }: Omit<Word, 'journey' | 'message'>): string =>
  `${key} ${status} ${code ?? ''}`.trim()

interface Real {
  messages: (Word & { at: Date })[]
  /** How each run stands, by its id. */
  runs: ReadonlyMap<string, string>
  redeemed: string[]
}

function differing(
  foretold: readonly Word[],
  real: Pick<Real, 'messages' | 'runs'>,
): { foretold: string; was: string }[] {
  const messages = new Map(real.messages.map((row) => [row.key, said(row)]))
  return foretold.flatMap((one) => {
    const run = one.key.split('/send/')[0] ?? ''
    const was = messages.get(one.key) ?? `no such message, run ${real.runs.get(run) ?? 'not entered'}`
    return was === said(one) ? [] : [{ foretold: said(one), was }]
  })
}

/** A machine that has much else to do is behind at the end: it is let go on for a while, and what is not there then is not. */
async function readWhenThere(world: World, isThere: (real: Real) => boolean): Promise<Real> {
  let real = await readReal(world)
  for (let times = 0; times < LOOKS && !isThere(real); times++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    real = await readReal(world)
  }
  return real
}

const LOOKS = 40
const LOOK_MS = 500

async function readReal({ db }: World): Promise<Real> {
  const { rows: messages } = await sql<Word & { at: Date }>`
    select key, status, code, journey, message, created_at as at from messages order by key`.execute(db)
  const { rows: runs } = await sql<{ id: string; how: string }>`
    select id, concat_ws(': ', status, reason) as how from enrolments`.execute(db)
  const { rows: redeemed } = await sql<{ one: string }>`
    select r."order" || ' ' || c.offer as one from redemptions r join coupons c on c.code = r.code
    where r.reversed_at is null order by 1`.execute(db)
  return {
    messages,
    runs: new Map(runs.map((run) => [run.id, run.how])),
    redeemed: redeemed.map(({ one }) => one),
  }
}

/** A campaign that begins in a zone. */
interface Begun {
  campaign: string
  zone: string
  at: number
}

/** When campaigns begin in each zone that somebody lives in, as their schedules say. */
function campaignsIn(plans: readonly CheckedPlan[], { members, days }: Lived): Begun[] {
  const zones = new Set(members.flatMap(({ acts }) => acts.flatMap(({ customer }) => customer?.zone ?? [])))
  const within = { from: FROM, to: FROM + days * DAY }
  return plans.flatMap(({ name, campaign }) => {
    const { begins, ahead = 0 } = campaign ?? {}
    if (!begins) return []
    const due = { from: within.from + ahead, to: within.to + ahead }
    return [...zones].flatMap((zone) =>
      occasionsWithin(begins, zone, due).map(({ instant }) => ({ campaign: name, zone, at: instant - ahead })),
    )
  })
}

/** Sends what the members do at its time, has the sweeps run at each midnight, and begins campaigns. */
async function live(
  world: World,
  { members, days }: Lived,
  { swept, begun }: { swept: readonly string[]; begun: readonly Begun[] },
): Promise<void> {
  const turns = members.flatMap((member) =>
    member.acts.map((act) => ({ at: act.at, go: () => send(world, member, act) })),
  )
  for (let day = 0; day < days; day++)
    turns.push({ at: FROM + day * DAY, go: () => sweep(world, swept, FROM + day * DAY) })
  for (const one of begun) turns.push({ at: one.at, go: () => beginCampaign(world, one) })
  turns.sort((one, other) => one.at - other.at)
  for (const { at, go } of turns) {
    await sleepUntil(world, at)
    await go()
  }
  await sleepUntil(world, FROM + days * DAY)
}

const sleepUntil = (world: World, at: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, machineSpan(world.tempo, at - world.clock.now())))

async function send({ db, plans, clock }: World, { suppressed }: Member, act: Act): Promise<void> {
  const { id, type, properties, customer } = act
  const [, member = ''] = /^(.*)-\d+$/.exec(id) ?? []
  const coupon = await couponOn(db, { member, act, now: clock.now() })
  const event = {
    id,
    type,
    at: null,
    properties: { ...(await withCode(db, properties)), ...(coupon && { coupon }) },
    customer: { ...customer, id: member },
  }
  const email = customer?.email
  if (suppressed && email) await suppress(db, { channel: 'email', address: email, reason: 'bounce', now: clock.now() })
  await acceptEvent(db, event, { plans: [...plans.values()], now: () => clock.now() })
}

/** At the checkout the coupon that ends first of those that go with the order; of a refund the one that was on it. */
async function couponOn(
  db: World['db'],
  { member: customer, act, now }: { member: string; act: Act; now: number },
): Promise<string | undefined> {
  const { order, amount } = act.properties
  if (typeof order !== 'string') return undefined
  if (act.type === 'order.refunded') {
    const { rows } = await sql<{ code: string }>`select code from redemptions where "order" = ${order}`.execute(db)
    return amount === undefined ? rows[0]?.code : undefined
  }
  if (act.type !== 'order.paid' || !act.redeems || typeof amount !== 'number') return undefined
  const { rows } = await sql<{ code: string }>`
    select code from coupons where customer = ${customer} and status = 'open' order by expires_at, code`.execute(db)
  const basket = { lines: [{ id: 'goods', amount }], shipping: 0 }
  for (const { code } of rows) {
    const answer = await redeemCoupon(db, { key: `${act.id} ${code}`, code, customer, order, basket, now })
    if ('ok' in answer && answer.ok) return undefined
  }
  return undefined
}

async function withCode(db: World['db'], properties: Act['properties']): Promise<Act['properties']> {
  const { referral, ...rest } = properties
  if (typeof referral !== 'string') return properties
  const { rows } = await sql<{ code: string }>`
    select code from referral_codes where advocate = ${referral.slice(1)}`.execute(db)
  return rows[0] ? { ...rest, referral: rows[0].code } : rest
}

/** For the occasion that its schedule would be due for. */
async function beginCampaign({ client, taskQueue, tempo }: World, { campaign, zone, at }: Begun): Promise<void> {
  const args = [{ campaign, zone, tempo } satisfies CampaignInput]
  await client.workflow.start(CAMPAIGN_WORKFLOW, {
    workflowId: `${taskQueue}/campaign/${campaign}/${zone}/${at}`,
    taskQueue,
    args,
  })
}

async function sweep({ client, taskQueue, tempo }: World, swept: readonly string[], from: number): Promise<void> {
  const day = new Date(from).toISOString().slice(0, 10)
  const upkeep = { workflowId: `${taskQueue}/upkeep/${day}`, taskQueue, args: [{ tempo }] }
  await client.workflow.start('upkeep', upkeep)
  for (const journey of swept) {
    const args = [{ journey, tempo, progress: { from, after: '', entered: 0 } }]
    await client.workflow.start('sweep', { workflowId: `${taskQueue}/sweep/${journey}/${day}`, taskQueue, args })
  }
}
