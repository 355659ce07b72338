/**
 * What a simulation says and what really happens: two hundred made-up customers live through some weeks in memory, and the same on
 * PostgreSQL and Temporal with a day in some seconds. Their messages are compared one by one: key, last status, code.
 *
 * At this scale a tenth of a second is half an hour of the shop, so nothing that is decided may hang on less than hours: what customers
 * do lies at noon, entries lie at night, and neither caps nor quiet hours bind. The minute of a message is not compared.
 */
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import type { Act, Member } from '../../client/simulation/members.ts'
import { simulate } from '../../client/simulation/simulate.ts'
import { DEFAULT_PROGRAMME } from '../../domain/programmes.ts'
import { machineSpan } from '../../domain/tempo.ts'
import { acceptEvent } from '../../store/events.ts'
import { suppress } from '../../store/customers.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { setProgramme } from '../../store/programmes.ts'
import { OPEN_HOURS } from '../policy.ts'
import { startSink } from '../smtp-sink.ts'
import { type World, NOON, openWorld } from '../world.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const CUSTOMERS = 200
/** Three weeks in the suite; AGREEMENT_DAYS=90 takes seven and a half minutes, on a machine that does nothing else. */
const DAYS = Number(process.env['AGREEMENT_DAYS'] ?? 21)
/** What is so near to the end may be under way. */
const TAIL = 2 * DAY
const DAY_MS = 5_000
/** The midnight after the world's clock begins. */
const FROM = NOON + 12 * HOUR
const JOURNEYS = [
  'birthday',
  'coupon-expiry',
  'first-order',
  'order-rewards',
  'referral-friend',
  'referral-invite',
  'referral-reward',
  'service-recovery',
  'tier-near-miss',
  'tier-upgrade',
  'welcome',
]
const BEGINNINGS = ['customer.registered', 'profile.changed']
const SERVICE = ['service.failed', 'service.withdrawn', 'goods.received']
const KEPT = [...BEGINNINGS, 'cart.added', 'order.paid', 'order.refunded', 'customer.unsubscribed', ...SERVICE]

/** Where neither of those hours is near midnight: a coupon that is issued an hour later would end a day later. */
const ZONES = ['Asia/Shanghai', 'Asia/Hong_Kong', 'Europe/London']

/** Whoever is new buys on the second day after, with whatever coupon they have by then. */
function buying({ acts, ...member }: Member): Member {
  const [first] = acts
  if (first?.type !== 'customer.registered' || first.at > FROM + DAYS * DAY - 4 * DAY) return { ...member, acts }
  const order = `N${member.id.slice(1)}`
  const bought = {
    id: `${member.id}-${acts.length + 1}`,
    at: first.at + 2 * DAY,
    type: 'order.paid',
    properties: { order, amount: 200_00, lines: [] },
    redeems: true,
  }
  return { ...member, acts: [...acts, bought].sort((one, other) => one.at - other.at) }
}

/** One thing a day at most: somebody comes in the first hours of a day in UTC, all else they do lies at its noon. */
function calm({ id, suppressed, acts }: Member): Member {
  const days = new Set<number>()
  const kept = acts.flatMap((act): Act[] => {
    const day = Math.floor((act.at - FROM) / DAY)
    if (!KEPT.includes(act.type) || days.has(day)) return []
    days.add(day)
    const night = HOUR + (Number(id.slice(1)) % 120) * 60_000
    const { zone } = act.customer ?? {}
    const customer = zone && !ZONES.includes(zone) ? { ...act.customer, zone: 'Europe/London' } : act.customer
    return [
      {
        ...act,
        ...(customer && { customer }),
        at: FROM + day * DAY + (BEGINNINGS.includes(act.type) ? night : 12 * HOUR + night / 4),
      },
    ]
  })
  return { id, suppressed, acts: kept }
}

/** Sends what the members do at its time, and has the sweeps run at each midnight. */
async function live(world: World, members: readonly Member[], swept: readonly string[]): Promise<void> {
  const turns = members.flatMap((member) =>
    member.acts.map((act) => ({ at: act.at, go: () => send(world, member, act) })),
  )
  for (let day = 0; day < DAYS; day++)
    turns.push({ at: FROM + day * DAY, go: () => sweep(world, swept, FROM + day * DAY) })
  turns.sort((one, other) => one.at - other.at)
  for (const { at, go } of turns) {
    await sleepUntil(world, at)
    await go()
  }
  await sleepUntil(world, FROM + DAYS * DAY)
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

async function sweep({ client, taskQueue, tempo }: World, swept: readonly string[], from: number): Promise<void> {
  const day = new Date(from).toISOString().slice(0, 10)
  const upkeep = { workflowId: `upkeep/${day}`, taskQueue, args: [{ tempo }] }
  await client.workflow.start('upkeep', upkeep)
  for (const journey of swept) {
    const args = [{ journey, tempo, progress: { from, after: '', entered: 0 } }]
    await client.workflow.start('sweep', { workflowId: `sweep/${journey}/${day}`, taskQueue, args })
  }
}

interface Word {
  key: string
  status: string
  code: string | null
}

it(
  'agrees with a real run, message by message',
  async () => {
    const sink = await startSink()
    const all = await readCatalogue()
    const catalogue = new Map([...all].filter(([name]) => JOURNEYS.includes(name)))
    const members = generatedMembers({ customers: CUSTOMERS, seed: 11, from: FROM, days: DAYS }).map((member) =>
      calm(buying(member)),
    )
    const entries = [...catalogue.values()].map((entry) => ({ ...entry, plan: { ...entry.plan, holdout: 0 } }))
    const { caps, quiet, auctionMs, release, shopZone } = OPEN_HOURS
    const rules = { caps, quiet, auctionMs, release, shopZone }
    const { tally, shop } = await simulate({ entries, members, from: FROM, days: DAYS, rules, each: true })

    const world = await openWorld({ smtpUrl: sink.url, dayMs: DAY_MS, catalogue })
    await setProgramme(world.db, DEFAULT_PROGRAMME, { now: world.clock.now() })
    const swept = entries.filter(({ plan }) => plan.sweep).map(({ plan }) => plan.name)
    await live(world, members, swept)
    const { rows } = await sql<Word & { at: Date }>`
      select key, status, code, created_at as at from messages order by key`.execute(world.db)
    const { rows: runs } = await sql<{ id: string; how: string }>`
      select id, concat_ws(': ', status, reason) as how from enrolments`.execute(world.db)
    const { rows: redeemed } = await sql<{ one: string }>`
      select r."order" || ' ' || c.offer as one from redemptions r join coupons c on c.code = r.code
      where r.reversed_at is null order by 1`.execute(world.db)
    const how = new Map(runs.map((run) => [run.id, run.how]))
    await sink.stop()

    const end = FROM + DAYS * DAY - TAIL
    const said = ({ key, status, code }: Word): string => `${key} ${status} ${code ?? ''}`.trim()
    const foretold = [...tally.messages.values()]
    const real = new Map(rows.map((row) => [row.key, said(row)]))
    const compared = foretold.filter(({ at }) => at < end)
    const differing = compared.flatMap((one) => {
      const run = one.key.split('/send/')[0] ?? ''
      const was = real.get(one.key) ?? `no such message, run ${how.get(run) ?? 'not entered'}`
      return was === said(one) ? [] : [{ foretold: said(one), was }]
    })
    expect(differing).toEqual([])
    const known = new Set(foretold.map(({ key }) => key))
    expect(rows.filter(({ key, at }) => at.getTime() < end && !known.has(key)).map(said)).toEqual([])
    const used = [...shop.people.values()].flatMap(({ coupons }) =>
      [...coupons.values()].flatMap(({ status, order, offer }) => (status === 'redeemed' ? `${order} ${offer}` : [])),
    )
    expect(redeemed.map(({ one }) => one)).toEqual(used.toSorted((one, other) => (one < other ? -1 : 1)))
    expect(used.length).toBeGreaterThan(10)
    // Enough of each for the agreement to mean something.
    const statuses = foretold.map(({ status, code }) => code ?? status)
    for (const one of ['sent', 'NO_CONSENT', 'SUPPRESSED', 'NO_ADDRESS']) expect(statuses, one).toContain(one)
    expect(compared.length).toBeGreaterThan(150)
    expect(new Set(foretold.map(({ journey }) => journey)).size).toBeGreaterThan(4)
  },
  DAYS * DAY_MS * 2,
)
