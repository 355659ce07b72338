/** A town of customers who live through a year, all their journeys at once on one virtual clock, through the real gate. */
import type { CatalogueEntry } from '../client/catalogue.ts'
import { type Script, type Timeline, walk } from '../client/preview.ts'
import type { CustomerLoad, VirtualCustomer } from '../client/preview/setting.ts'
import { isDated } from '../domain/audience.ts'
import { occurrenceOf } from '../domain/calendar.ts'
import { type Properties, matches, occasionOf } from '../domain/journey.ts'

export interface Townsperson {
  customer: VirtualCustomer & { zone: string }
  /** '11-23' */
  birthday: string
  /** What they do, in order of time, epoch ms. */
  events: { at: number; type: string; properties: Properties }[]
  /** When they withdraw their consent, if ever. */
  unsubscribes: number | undefined
}

export interface TownRun {
  journey: string
  timeline: Timeline
}

type Entry = Pick<CatalogueEntry, 'plan' | 'journey'>

interface Turn {
  at: number
  go: () => void
}

/** Hands the clock to one run at a time, in the order of time. */
class Clock {
  private readonly turns: Turn[] = []
  private parked: () => void = () => {}

  /** Resolves when it is `at`, and everybody who was due before has had their turn. */
  readonly until = (at: number): Promise<void> =>
    new Promise((resolve) => {
      this.add({ at, go: resolve })
      this.parked()
    })

  start(at: number, run: () => Promise<unknown>): void {
    this.add({ at, go: () => void run().finally(() => this.parked()) })
  }

  /** Lives until nobody has anything left to do. */
  async live(): Promise<void> {
    for (let next = this.take(); next; next = this.take()) {
      const idle = new Promise<void>((resolve) => (this.parked = resolve))
      next.go()
      await idle
    }
  }

  /** A binary heap, and first come first served at the same time. */
  private add(turn: Turn): void {
    const { turns } = this
    let place = turns.push(turn) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if ((turns[parent]?.at ?? 0) <= turn.at) break
      turns[place] = turns[parent] as Turn
      place = parent
    }
    turns[place] = turn
  }

  private take(): Turn | undefined {
    const { turns } = this
    const [first] = turns
    const last = turns.pop()
    if (!first || !last || first === last) return first
    let place = 0
    for (let child = 1; child < turns.length; child = 2 * place + 1) {
      if ((turns[child + 1]?.at ?? Infinity) < (turns[child]?.at ?? 0)) child += 1
      if ((turns[child]?.at ?? 0) >= last.at) break
      turns[place] = turns[child] as Turn
      place = child
    }
    turns[place] = last
    return first
  }
}

export interface TownRules extends Pick<Script, 'quiet' | 'caps'> {
  auctionMs: number
}

/** Plays every run that the events and birthdays of these people begin, with the arms they are really drawn into. */
export async function liveThrough(
  catalogue: readonly Entry[],
  people: readonly Townsperson[],
  { auctionMs, ...rules }: TownRules,
): Promise<TownRun[]> {
  const clock = new Clock()
  const runs: TownRun[] = []
  const highest = Math.max(0, ...catalogue.map(({ plan }) => plan.delivery.priority))
  for (const person of people) {
    const load: CustomerLoad = { past: [], bids: new Map() }
    const beside = { load, pace: clock.until, auctionMs, highest }
    for (const entry of catalogue) {
      for (const { start, ...own } of beginnings(entry, person)) {
        const script = { ...rules, ...scriptOf(person, start), ...own, start, arm: 'drawn' as const, beside }
        clock.start(start, async () => {
          runs.push({ journey: entry.plan.name, timeline: await walk(entry, script) })
        })
      }
    }
  }
  await clock.live()
  return runs
}

type Beginning = Pick<Script, 'begin' | 'expiring'> & { start: number }

/** What a sweep but that of birthdays meets somebody with, at most four times in the year. */
const DAY = 86_400_000
const SWEPT_EVERY = 80 * DAY

/** The first event of the kind, or each new occasion; for a sweep the midnight before the day. */
function beginnings({ plan }: Entry, person: Townsperson): Beginning[] {
  const { begins, sweep } = plan
  if (sweep) {
    const [first] = person.events
    if (!first) return []
    if (sweep.audience !== 'birthday') {
      const points = sweep.audience === 'points-expiring'
      return (isDated(sweep.audience) ? [1, 2, 3, 4] : [1]).map((nth) => ({
        // Points some days after coupons, as one of two that come at the same minute would always lose its place.
        start: first.at + nth * SWEPT_EVERY + (points ? 5 * DAY : 0),
        expiring: [
          points
            ? { amount: 500, after: '31 days' }
            : { coupon: { code: `CODE-${nth}`, title: 'Ten off' }, after: '31 days' },
        ],
      }))
    }
    const year = new Date(first.at).getUTCFullYear() + 1
    const { due } = occurrenceOf(
      { date: `${year}-${person.birthday}` as `${number}-${number}-${number}`, at: '00:00' },
      person.customer.zone,
      0,
    )
    return [{ start: due, begin: {} }]
  }
  if (!begins) return []
  const seen = new Set<string>()
  return person.events.flatMap(({ at, type, properties }) => {
    const occasion = plan.occasion === undefined ? '' : occasionOf(plan.occasion, properties)
    if (!matches(begins, { type, properties }) || occasion === undefined || seen.has(occasion)) return []
    seen.add(occasion)
    return [{ start: at, begin: properties }]
  })
}

function scriptOf({ customer, events, unsubscribes }: Townsperson, start: number): Partial<Script> {
  const gone = unsubscribes !== undefined && unsubscribes <= start
  return {
    customer: { ...customer, consent: customer.consent && !gone },
    events: events.filter(({ at }) => at > start).map(({ at, ...event }) => ({ ...event, after: at - start })),
    ...(unsubscribes !== undefined && !gone && { unsubscribes: unsubscribes - start }),
  }
}
