/**
 * A year of schedules, in seconds. Temporal cannot be made to skip the time of its schedules, so this goes by our own model of when they
 * start runs, which test/durable/schedules.test.ts holds against the real server: each time the model gives, a sweep is walked on the
 * real store as the workflow would walk it, and what entered is counted. 2028 has a 29 February, and its fifth lunar month comes twice.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { instantOn, localDate } from '../../domain/calendar.ts'
import { type Schedule, type ScheduledPlan, firings, schedulesOf } from '../../domain/schedule.ts'
import { REAL_TEMPO } from '../../domain/tempo.ts'
import { occasionDue } from '../../domain/timetable.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, HOUR, rowsOf } from '../store/given.ts'
import { JUMPING_ZONES } from '../policy.ts'
import { openShop } from './given.ts'

const YEAR = { from: Date.UTC(2028, 0, 1), to: Date.UTC(2029, 0, 1) - 1 }
const plans = plansOf(await readCatalogue())
const now = YEAR.from

interface Outage {
  from: number
  to: number
}

/** What a server does with the times that are due while it is away: late by no more than the catch-up they begin when it is back. */
function servedBy({ times, catchUp }: Schedule, outages: readonly Outage[]) {
  const due = firings(times, YEAR).map((at) => ({ at, away: outages.find(({ from, to }) => at >= from && at < to) }))
  const begun = due.filter(({ at, away }) => !away || away.to - at <= catchUp)
  return {
    begun: begun.map(({ at, away }) => ({ due: at, at: away?.to ?? at })),
    missed: due.filter(({ at, away }) => away && away.to - at > catchUp).map(({ at }) => at),
  }
}

describe('every birthday of a year', () => {
  const plan = plans.get('birthday')!
  const [schedule] = schedulesOf([plan], { zones: JUMPING_ZONES, tempo: REAL_TEMPO, now }) as [Schedule]
  /** Two days away, which is made up for; and four, of which the first is lost. */
  const TWO_DAYS = { from: Date.UTC(2028, 2, 9, 23), to: Date.UTC(2028, 2, 11, 23) }
  const FOUR_DAYS = { from: Date.UTC(2028, 5, 30, 12), to: Date.UTC(2028, 6, 3, 12) }
  const { begun, missed } = servedBy(schedule, [TWO_DAYS, FOUR_DAYS])
  let people = 0
  let shop: Awaited<ReturnType<typeof openShop>>
  let db: Awaited<ReturnType<typeof freshStore>>['db']

  beforeAll(async () => {
    db = (await freshStore()).db
    shop = await openShop(db, [plan])
    shop.clock.set(YEAR.from)
    people = await townOf(db)
  })
  afterAll(() => expectInvariants(db))

  async function sweepDue(due: number, at: number): Promise<void> {
    for (let after: string | null = ''; after !== null;) {
      const page = await shop.activities.sweepPage({ journey: 'birthday', from: due, to: due + DAY, after, asked: at })
      after = page.next
    }
  }

  /** Several days at once, as they are in nobody's way: what enters is decided by the window of each. */
  async function sweepAll(runs: readonly { due: number; at: number }[]): Promise<void> {
    const left = [...runs]
    const hand = async (): Promise<void> => {
      for (let run = left.shift(); run; run = left.shift()) await sweepDue(run.due, run.at)
    }
    await Promise.all(Array.from({ length: 6 }, hand))
  }

  const runsByCustomer = () =>
    rowsOf<{ id: string; runs: number; late: number; starts_at: Date | null; zone: string }>(
      db,
      `select c.id, c.zone, count(e.id) as runs, min(e.starts_at) as starts_at,
         count(*) filter (where e.starts_at = e.entered_at) as late
       from customers c left join enrolments e on e.customer = c.id group by c.id order by c.id`,
    )

  test('is kept once, but of those that an outage longer than the catch-up left out, whom a backfill makes up for', async () => {
    expect(people).toBeGreaterThan(2_500)
    expect(missed).toEqual([Date.UTC(2028, 6, 1)])
    expect(begun).toHaveLength(365)
    await sweepAll(begun)
    const before = await runsByCustomer()
    const none = before.filter(({ runs }) => runs === 0)
    expect(before.filter(({ runs }) => runs > 1)).toEqual([])
    // Those of 1 July in the zones whose half past nine lies in that window, by either calendar.
    expect(none.length).toBeGreaterThan(4)
    await sweepAll(missed.map((due) => ({ due, at: FOUR_DAYS.to })))
    const after = await runsByCustomer()
    expect(after.filter(({ runs }) => runs !== 1)).toEqual([])
    const madeUp = after.filter(({ id }) => none.some((one) => one.id === id))
    expect(madeUp.map(({ starts_at: at }) => at?.getTime())).toEqual(none.map(() => FOUR_DAYS.to))
  })

  test('is kept at half past nine on the customer’s own clock, whatever the clock does that day', async () => {
    const all = await runsByCustomer()
    const ordinary = all.filter(({ late }) => late === 0)
    // Late: the sweeps of two outages, and who was made up for.
    expect(all.length - ordinary.length).toBeLessThan(60)
    const clocks = new Map(
      JUMPING_ZONES.map((zone) => [zone, new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'short' })]),
    )
    expect(ordinary.filter(({ zone, starts_at: at }) => clocks.get(zone)?.format(at ?? 0) !== '09:30')).toEqual([])
  })

  test('is entered no second time when the whole year is swept again', async () => {
    await sweepAll(
      firings(schedule.times, YEAR)
        .filter((_, index) => index % 10 === 0)
        .map((due) => ({ due, at: due })),
    )
    expect((await runsByCustomer()).filter(({ runs }) => runs !== 1)).toEqual([])
  })
})

/** Somebody born on each day of the year in each zone, and on each day of the lunar year, in either of its months. */
async function townOf(db: Parameters<typeof rowsOf>[0]): Promise<number> {
  const rows: string[] = []
  const add = (month: number, day: number, calendar: string): void => {
    const zone = JUMPING_ZONES[rows.length % JUMPING_ZONES.length]
    rows.push(`('${calendar}-${rows.length}', '${zone}', ${month}, ${day}, '${calendar}', now(), now())`)
  }
  for (let at = Date.UTC(2028, 0, 1); at < Date.UTC(2029, 0, 1); at += DAY) {
    const date = new Date(at)
    for (let n = 0; n < JUMPING_ZONES.length; n++) add(date.getUTCMonth() + 1, date.getUTCDate(), 'solar')
  }
  // Of the lunar year those months that end before ours does, and begin after it began.
  for (let month = 1; month <= 10; month++)
    for (let day = 1; day <= 30; day++) for (const calendar of ['lunar', 'lunar-leap']) add(month, day, calendar)
  await rowsOf(
    db,
    `insert into customers (id, zone, birth_month, birth_day, birth_calendar, created_at, updated_at) values ${rows.join(', ')}`,
  )
  return rows.length
}

describe('the occasions of a year', () => {
  const at = ['00:00', '00:30', '02:15', '09:00'] as const
  const monthly = at.map((time): ScheduledPlan => ({
    name: `monthly-${time.replace(':', '')}`,
    campaign: { begins: { every: 'month', day: 15, at: time }, ahead: 3 * DAY },
  }))
  const daily = at.flatMap((time) =>
    Array.from({ length: 31 }, (_, index): ScheduledPlan => ({
      name: `daily-${time.replace(':', '')}-${index}`,
      campaign: { begins: { every: 'month', day: index + 1, at: time }, ahead: 0 },
    })),
  )

  /** What each run of the schedules of these plans would be for, by zone, as the campaign finds it. */
  function occasionsOf(all: readonly ScheduledPlan[]): Map<string, string[]> {
    const found = new Map<string, string[]>()
    const byName = new Map(all.map((plan) => [plan.name, plan.campaign!]))
    for (const schedule of schedulesOf(all, { zones: JUMPING_ZONES, tempo: REAL_TEMPO, now })) {
      const { journey, zone, times } = schedule
      if (journey === null || zone === null) continue
      const { begins, ahead } = byName.get(journey)!
      const due = firings(times, { from: YEAR.from - 5 * DAY, to: YEAR.to + 5 * DAY }).map((scheduled) =>
        occasionDue(begins!, zone, { scheduled, ahead }),
      )
      const key = `${journey} ${zone}`
      found.set(
        key,
        due.flatMap((one) => (one?.date.startsWith('2028') ? [one.date] : [])),
      )
    }
    return found
  }

  test('every 15th is one, in every zone and at any hour', () => {
    const months = Array.from({ length: 12 }, (_, index) => `2028-${String(index + 1).padStart(2, '0')}-15`)
    const all = occasionsOf(monthly)
    expect(all.size).toBe(at.length * JUMPING_ZONES.length)
    for (const [key, dates] of all) expect(dates, key).toEqual(months)
  })

  test('no day is missed and none is doubled where the clock changes', () => {
    for (const zone of JUMPING_ZONES) {
      for (const time of at) {
        const name = `daily-${time.replace(':', '')}-`
        const plansOfHour = daily.filter((plan) => plan.name.startsWith(name))
        const schedules = schedulesOf(plansOfHour, { zones: [zone], tempo: REAL_TEMPO, now })
        const instants = new Set(
          schedules.flatMap(({ zone: of, times }) =>
            of === null ? [] : firings(times, { from: YEAR.from - DAY, to: YEAR.to + DAY }),
          ),
        )
        const dates = [...instants].map((instant) => localDate(instant, zone)).filter((date) => date.startsWith('2028'))
        expect(dates.length, `${zone} ${time}`).toBe(366)
        expect(new Set(dates).size, `${zone} ${time}`).toBe(366)
      }
    }
  })

  test('each day’s hour of each zone lies in one of the daily sweeps', () => {
    const [{ times }] = schedulesOf([{ name: 'any', sweep: {} }], { zones: [], tempo: REAL_TEMPO, now }) as [Schedule]
    const sweeps = firings(times, { from: YEAR.from - 2 * DAY, to: YEAR.to + 2 * DAY })
    for (const zone of JUMPING_ZONES)
      for (let day = Date.UTC(2028, 0, 1); day < Date.UTC(2029, 0, 1); day += DAY) {
        const instant = instantOn(new Date(day).toISOString().slice(0, 10), '02:15', zone)
        expect(sweeps.filter((from) => instant >= from && instant < from + DAY)).toHaveLength(1)
      }
  })

  test('the member day of the house begins twelve times a year in each zone, late by no more than two days after an outage', () => {
    const plan = plans.get('member-day')!
    for (const schedule of schedulesOf([plan], { zones: JUMPING_ZONES, tempo: REAL_TEMPO, now })) {
      if (schedule.zone === null) continue
      const [first] = firings(schedule.times, YEAR)
      const outage = (hours: number): Outage => ({ from: first! - HOUR, to: first! + hours * HOUR })
      expect(firings(schedule.times, YEAR), schedule.id).toHaveLength(12)
      expect(servedBy(schedule, [outage(47)]).begun[0]).toEqual({ due: first, at: first! + 47 * HOUR })
      expect(servedBy(schedule, [outage(49)])).toMatchObject({ missed: [first], begun: { length: 11 } })
    }
  })
})
