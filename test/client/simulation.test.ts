/** A population over some weeks: the same bytes for the same seed, and what the gate promises, looked at from outside. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CatalogueEntry, readCatalogue } from '../../client/catalogue.ts'
import { PopulationClock } from '../../client/simulation/clock.ts'
import { Dice } from '../../client/simulation/dice.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import { readMembers } from '../../client/simulation/member-file.ts'
import type { Person } from '../../client/simulation/person.ts'
import { pageOf } from '../../client/simulation/page.ts'
import { reportOf } from '../../client/simulation/report.ts'
import { RULES, type Simulated, simulate } from '../../client/simulation/simulate.ts'
import type { MessageEnd } from '../../client/simulation/tally.ts'
import { localTime } from '../../domain/calendar.ts'
import { armOf } from '../../domain/experiment.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { partsOfRun } from '../../domain/ids.ts'
import { journey } from '../../workflows/kit/index.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const FROM = Date.UTC(2026, 10, 23)
const DAYS = 40
const CAP = 3

let entries: CatalogueEntry[] = []
let once: Simulated
const play = (seed: number, customers = 250) =>
  simulate({
    entries,
    members: generatedMembers({ customers, seed, from: FROM, days: DAYS }),
    from: FROM,
    days: DAYS,
    rules: { caps: [{ messages: CAP, windowMs: 7 * DAY, counts: ['marketing'] }] },
    each: true,
  })
const reported = ({ entries: all, members, from, days, outcome }: Simulated, seed: number) =>
  reportOf({ entries: all, customers: members.length, from, days, seed, pointCost: RULES.pointCost, outcome })
const bytesOf = (simulated: Simulated, seed: number): string =>
  createHash('sha256')
    .update(JSON.stringify(reported(simulated, seed)))
    .digest('hex')
const planOf = (name: string) => entries.find(({ plan }) => plan.name === name)?.plan ?? expect.fail(name)

beforeAll(async () => {
  entries = [...(await readCatalogue()).values()].filter(({ campaign }) => !campaign)
  once = await play(7)
})

describe('a population', () => {
  it('comes to the same bytes for the same seed, and to others for another', async () => {
    const bytes = bytesOf(once, 7)
    expect(bytesOf(await play(7), 7)).toBe(bytes)
    expect(bytesOf(await play(8), 7)).not.toBe(bytes)
  })

  it('does not change those who were there when it grows', () => {
    const span = { seed: 7, from: FROM, days: DAYS }
    expect(generatedMembers({ ...span, customers: 50 }).slice(0, 10)).toEqual(
      generatedMembers({ ...span, customers: 10 }),
    )
  })

  it('is one in which enough happens, and no story fails', () => {
    expect(once.tally.messages.size).toBeGreaterThan(500)
    expect([...once.tally.failures]).toEqual([])
    for (const code of ['NO_CONSENT', 'QUIET_HOURS', 'FREQUENCY_CAP', 'HOLDOUT', 'SUPPRESSED'] as const) {
      expect(once.tally.refusals.get(code), code).toBeDefined()
    }
  })
})

describe('the nightly reckoning', () => {
  const toldTo = ({ events }: Person) => events.filter(({ type }) => type === 'stage.changed')

  it('tells each change of a stage once, and leaves everybody where the rules of the domain have them', () => {
    const { shop } = once
    const orders = [...shop.people.values()].map((person) => person.orders)
    expect(orders.flat().length).toBeGreaterThan(100)
    for (const person of shop.people.values()) {
      const told = toldTo(person).map(({ properties }) => properties)
      told.forEach(({ from }, nth) => expect(from).toBe(told[nth - 1]?.['to'] ?? 'prospect'))
      expect(person.placed?.stage ?? 'prospect').toBe(told.at(-1)?.['to'] ?? 'prospect')
      const standing = shop.standings.standingOf(person)
      expect(standing?.stage ?? 'prospect').toBe(told.at(-1)?.['to'] ?? 'prospect')
      const paid = person.events.filter(({ type }) => type === 'order.paid').length
      expect(person.orders.length).toBeLessThanOrEqual(paid)
      if (person.orders.length === 0) expect(standing?.lastPaidAt ?? null).toBeNull()
    }
    const stages = new Set([...shop.people.values()].map((person) => person.placed?.stage))
    for (const stage of ['prospect', 'new', 'dormant'] as const) expect(stages, stage).toContain(stage)
  })

  it('has those won back who were dormant that morning, once a dormancy', () => {
    const runs = [...once.shop.people.values()].flatMap((person) => {
      const some = person.runs.get('dormant-win-back') ?? []
      expect(new Set(some.map(({ occasion }) => occasion)).size).toBe(some.length)
      return some
    })
    expect(runs.length).toBeGreaterThan(3)
    for (const { person, enteredAt, occasion } of runs) {
      const before = toldTo(person).findLast(({ at }) => Date.parse(at) <= enteredAt)
      expect(before?.properties['to']).toBe('dormant')
      const last = person.events.findLast(({ type, at }) => type === 'order.paid' && Date.parse(at) <= enteredAt)
      expect(last?.at.slice(0, 10)).toBe(occasion)
    }
  })

  it('says when who buys again has run out of it', () => {
    const sent = [...once.tally.messages.values()].filter(({ journey: name }) => name === 'repurchase')
    expect(sent.length).toBeGreaterThan(0)
  })
})

describe('the worst hit customer', () => {
  const story = journey(
    {
      title: 'Each',
      begins: { on: 'page.viewed' },
      occasion: 'page',
      class: 'transactional',
      copy: { seen: { en: 'Seen\n\nYou looked.' } },
    },
    async ({ send }) => void (await send('seen')),
  )
  const entry = { plan: checkPlan('each', story.plan), journey: story, file: new URL('file:///each.ts') }
  const doing = (id: string, type: string, days: readonly number[]) => ({
    id,
    suppressed: false,
    acts: days.map((day, nth) => ({
      id: `${id}-${nth}`,
      at: FROM + day * DAY + nth,
      type,
      properties: { page: `p${nth}` },
      customer: { email: `${id}@mail.example` },
    })),
  })
  const late = doing('late', 'page.viewed', [1, ...Array.from({ length: 27 }, (_, nth) => 20 + (nth % 9))])

  it('is told whole, though nobody would have thought it of them for weeks', async () => {
    const early = doing(
      'early',
      'page.viewed',
      Array.from({ length: 18 }, (_, nth) => 1 + (nth % 6)),
    )
    const simulated = await simulate({ entries: [entry], members: [early, late], from: FROM, days: DAYS })
    const { worst } = reported(simulated, 1)
    expect(worst).toMatchObject({ customer: 'late', sent: 28 })
    expect(worst?.timeline.filter(({ what }) => what === 'message')).toHaveLength(28)
    expect(simulated.shop.people.get('early')?.timeline()).toBeUndefined()
  })

  it('is told whole, though many do more', async () => {
    const days = Array.from({ length: 29 }, (_, nth) => nth)
    const idle = Array.from({ length: 150 }, (_, nth) => doing(`idle-${nth}`, 'customer.checked-in', days))
    const simulated = await simulate({ entries: [entry], members: [late, ...idle], from: FROM, days: DAYS })
    expect(reported(simulated, 1).worst).toMatchObject({ customer: 'late', sent: 28 })
    expect(simulated.outcome.worst?.timeline?.filter(({ what }) => what === 'message')).toHaveLength(28)
  })
})

describe('a tag that a journey gives', () => {
  it('falls off when its time is over, and leaves those of the shop alone', async () => {
    const seen: string[][] = []
    const story = journey(
      { title: 'Tags', begins: { on: 'cart.added' }, copy: {} },
      async ({ tag, untag, wait, customer }) => {
        await tag('looking', { lasts: '2 days' })
        await untag('baby')
        seen.push((await customer()).tags)
        await wait('3 days')
        seen.push((await customer()).tags)
      },
    )
    const entry = { plan: checkPlan('tags', story.plan), journey: story, file: new URL('file:///tags.ts') }
    const act = { at: FROM, type: 'cart.added', properties: {} }
    const ada = { id: 'ada', suppressed: false, acts: [{ ...act, id: 'ada-1', customer: { tags: ['baby'] } }] }
    await simulate({ entries: [entry], members: [ada], from: FROM, days: 5 })
    expect(seen).toEqual([['baby', 'looking'], ['baby']])
  })
})

describe('a campaign', () => {
  it('goes on the clock of each zone to whoever agreed, and gives its coupons to the first', async () => {
    const memberDay = (await readCatalogue()).get('member-day') ?? expect.fail('no member day')
    const members = generatedMembers({ customers: 400, seed: 7, from: FROM, days: DAYS })
    const { shop, tally } = await simulate({ entries: [memberDay], members, from: FROM, days: DAYS, each: true })
    const runs = [...shop.people.values()].flatMap((person) => person.runs.get('member-day') ?? [])
    expect(runs.length).toBeGreaterThan(200)
    for (const { person, occasion, enteredAt } of runs) {
      expect(occasion).toBe('2026-12-15')
      expect(['2026-12-12 10:00', '2026-12-15 09:00', '2026-12-15 19:30']).toContain(localTime(enteredAt, person.zone))
      expect(person.joined).toBeLessThan(enteredAt)
    }
    const half = [...tally.messages.values()].filter(({ message, status }) => message === 'half' && status === 'sent')
    expect(shop.coupons.stocks.get('member-day-half')?.all.issued).toBe(100)
    expect(half.length).toBeLessThanOrEqual(100)
    const double = [...tally.messages.values()].filter(
      ({ message, status }) => message === 'double' && status === 'sent',
    )
    expect(double.length).toBeGreaterThan(0)
    const agreed = members.filter(({ acts: [first] }) => {
      const said = first?.customer?.consent?.['marketing']
      return typeof said === 'object' && said.granted
    })
    const known = new Set(agreed.map(({ id }) => id))
    expect(runs.filter(({ person }) => !known.has(person.id))).toEqual([])
  })
})

describe('what is sent', () => {
  const sent = (): MessageEnd[] => [...once.tally.messages.values()].filter(({ status }) => status === 'sent')
  const binding = (): MessageEnd[] => sent().filter((one) => planOf(one.journey).class !== 'transactional')

  it('is not sent at night', () => {
    const minute = ({ at, customer }: MessageEnd): number => {
      const timeZone = once.shop.people.get(customer)?.zone ?? expect.fail(customer)
      const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
      const [hour = 0, past = 0] = clock.format(at).split(':').map(Number)
      return 60 * hour + past
    }
    const loud = binding().filter((one) => minute(one) >= RULES.quiet.from || minute(one) < RULES.quiet.to)
    expect(loud).toEqual([])
  })

  it('that is held until its run has ended is told as left', async () => {
    const customer = { name: 'Ada', email: 'a@mail.example', zone: 'UTC', consent: { marketing: true } }
    const said = { type: 'customer.registered', properties: {}, customer }
    const paid = { type: 'order.paid', properties: { order: 'O1', amount: 100_00 } }
    const acts = [
      { ...said, id: 'A-1', at: FROM + 2 * HOUR },
      { ...paid, id: 'A-2', at: FROM + 4 * HOUR },
    ]
    const members = [{ id: 'A', suppressed: false, acts }]
    const greeting = entries.filter(({ plan }) => plan.name === 'first-order')
    const { tally } = await simulate({ entries: greeting, members, from: FROM, days: 2, each: true })
    expect([...tally.messages.values()]).toMatchObject([
      { message: 'welcome', status: 'skipped', code: 'LEFT_JOURNEY' },
    ])
  })

  it('is never more than the cap allows', () => {
    const marketing = sent().filter((one) => planOf(one.journey).class === 'marketing')
    const over = marketing.filter(({ customer, at }) => {
      const window = marketing.filter((one) => one.customer === customer && one.at <= at && one.at > at - 7 * DAY)
      return window.length > CAP
    })
    expect(over).toEqual([])
  })

  it('is sent to nobody who has not agreed, is suppressed or is held out', () => {
    const people = new Map(once.members.map((one) => [one.id, one]))
    const wrong = binding().filter(({ customer, journey: name, at }) => {
      const member = people.get(customer) ?? expect.fail(customer)
      const said = member.acts
        .filter((act) => act.at <= at)
        .flatMap((act) => act.customer?.consent?.['marketing'] ?? [])
      const last = said.at(-1)
      const agreed = typeof last === 'object' ? last.granted : last === true
      const { class: kind, holdout } = planOf(name)
      return member.suppressed || (kind === 'marketing' && !agreed) || armOf(name, customer, holdout) === 'holdout'
    })
    expect(wrong).toEqual([])
  })
})

describe('the money', () => {
  it('of a budget is never more than its cap, and a quota never more than its coupons', async () => {
    const { name, title, copy } = { name: 'small', title: 'Small', copy: {} }
    const plan = {
      title,
      begins: { on: 'cart.added' },
      occasion: 'cart',
      budget: { name: 'little', cap: 100_00, line: 0 },
      offers: {
        five: { title: 'Five', quota: 1_000, perMember: 10, gives: { amount: 5_00 } },
        few: { title: 'Few', quota: 3, perMember: 10, gives: { amount: 1 } },
      },
      copy,
    }
    const story = journey(plan, async ({ issueCoupon }) => {
      await issueCoupon('few', { valid: '2 days' })
      await issueCoupon('five', { valid: '2 days' })
    })
    const entry = { plan: checkPlan(name, story.plan), journey: story, file: new URL('file:///small.ts') }
    const members = generatedMembers({ customers: 100, seed: 1, from: FROM, days: DAYS })
    const { shop } = await simulate({ entries: [entry], members, from: FROM, days: DAYS })
    const state = shop.budgets.states.get('little') ?? expect.fail('no budget')
    expect(Math.max(...state.taken)).toBeLessThanOrEqual(100_00)
    expect(state.refused).toBeGreaterThan(0)
    expect(shop.coupons.stocks.get('few')?.all.issued).toBe(3)
    const spent = [...shop.people.values()].flatMap(({ coupons }) => [...coupons.values()])
    // What expired was let go of, so that more were issued than the budget could hold at once.
    expect(spent.filter(({ offer }) => offer === 'five').length).toBeGreaterThan(20)
  })

  it('of an offer that counts occasions goes to so many on each, whatever the zone', async () => {
    const memberDay = (await readCatalogue()).get('member-day') ?? expect.fail('no member-day')
    const { 'member-day-half': half } = memberDay.plan.offers
    const offers = { 'member-day-half': { ...(half ?? expect.fail('no offer')), perOccasion: 7 } }
    const from = Date.UTC(2026, 10, 1)
    const entry = { ...memberDay, plan: { ...memberDay.plan, offers } }
    const members = generatedMembers({ customers: 100, seed: 1, from, days: 50 })
    const { shop } = await simulate({ entries: [entry], members, from, days: 50 })
    const zones = new Set([...shop.people.values()].map(({ zone }) => zone))
    expect(zones.size).toBeGreaterThan(1)
    const coupons = [...shop.people.values()].flatMap((one) => [...one.coupons.values()])
    const given = (occasion: string) => coupons.filter(({ key }) => partsOfRun(key).occasion === occasion).length
    expect([coupons.length, given('2026-11-15'), given('2026-12-15')]).toEqual([14, 7, 7])
  })

  it('is reported with what nobody came to, and the page tells all of it', () => {
    const report = reported(once, 7)
    expect(report.dead).toContainEqual({ journey: 'tier-keep', what: 'message', name: 'month' })
    expect(report.dead).not.toContainEqual(expect.objectContaining({ journey: 'welcome', name: 'assistant' }))
    expect(report.perDay.reduce((sum, { sent }) => sum + sent, 0)).toBe(report.sent)
    expect(report.coupons.redrawn.p99).toBeGreaterThanOrEqual(report.coupons.redrawn.p50)
    const page = pageOf(report)
    for (const told of ['<svg', report.worst?.customer ?? '-', 'Budget carts', 'FREQUENCY_CAP'])
      expect(page).toContain(told)
    expect(page).not.toMatch(/<script|src=|href=/)
  })
})

describe('a population out of a file', () => {
  let folder = ''
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'perennial-people-'))))
  afterAll(() => rm(folder, { recursive: true }))
  const ada = {
    customer: { id: 'ada', consent: { marketing: true } },
    events: [{ at: '2026-11-24T08:00:00Z', type: 'cart.added', confirms: true }],
  }
  const read = async (text: string) => {
    const file = join(folder, 'people.ndjson')
    await writeFile(file, text)
    return readMembers(file, { from: FROM, days: DAYS })
  }

  it('is a customer a line, or one array', async () => {
    const expected = [
      expect.objectContaining({
        id: 'ada',
        acts: [expect.objectContaining({ id: 'ada-1', type: 'cart.added', redeems: false, confirms: true })],
      }),
    ]
    expect(await read(`${JSON.stringify(ada)}\n\n`)).toEqual(expected)
    expect(await read(JSON.stringify([ada]))).toEqual(expected)
  })

  it.each([
    ['{', 'line 1'],
    [JSON.stringify({ ...ada, suppressed: 'yes' }), 'suppressed'],
    [JSON.stringify({ ...ada, events: [{ at: 'soon', type: 'cart.added' }] }), 'events.0.at'],
    [JSON.stringify({ ...ada, events: [{ at: '2026-11-24T08:00:00Z', type: 'Cart' }] }), 'type'],
    [JSON.stringify({ ...ada, events: [{ at: '2025-11-24T08:00:00Z', type: 'cart.added' }] }), 'ada'],
    [`${JSON.stringify(ada)}\n${JSON.stringify(ada)}`, 'twice'],
  ])('is refused with its line and field: %#', async (text, named) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'POPULATION_INVALID',
      message: expect.stringContaining(named),
    })
  })
})

it('rolls dice that are fair enough and the same for the same words', () => {
  const dice = new Dice(7, 'fair')
  const mean = Array.from({ length: 10_000 }, () => dice.next()).reduce((sum, one) => sum + one, 0) / 10_000
  expect(mean).toBeGreaterThan(0.48)
  expect(mean).toBeLessThan(0.52)
  expect(new Dice(7, 'fair').next()).toBe(new Dice(7, 'fair').next())
  expect(new Dice(7, 'fair').next()).not.toBe(new Dice(8, 'fair').next())
})

it('keeps a clock on which what is due first happens first, then by customer, and of one customer what came first', async () => {
  const clock = new PopulationClock({ start: 0, end: 100 })
  const seen: number[] = []
  const dice = new Dice('clock')
  const due = Array.from({ length: 400 }, () => ({ at: dice.below(120), of: dice.below(5) - 1 }))
  const number = (at: number, of: number, nth: number): number => (at * 10 + of + 1) * 1_000 + nth
  due.forEach(({ at, of }, nth) => clock.schedule(at, of, () => void seen.push(number(at, of, nth))))
  await clock.play()
  const foreseen = due.flatMap(({ at, of }, nth) => (at < 100 ? [number(at, of, nth)] : []))
  expect(seen).toEqual(foreseen.sort((one, other) => one - other))
})
