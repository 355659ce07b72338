/** A population lives through some days of a shop, all journeys at once, on one virtual clock: the same for the same seed. */
import { DEFAULT_PROGRAMME } from '../../domain/programmes.ts'
import { milliseconds } from '../../domain/duration.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import { SHOP } from './clock.ts'
import type { Board } from './commons.ts'
import { campaignDaily, reckonDaily, sweepDaily } from './daily.ts'
import { type Member, type Part, partsOf } from './members.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { PopulationShop, type ShopRules } from './shop.ts'
import { Tally } from './tally.ts'

const DAY = 86_400_000
/** How often is looked for those whose story need not be kept. */
const QUIET_DAYS = 7

/** How many of those who do most have their story kept, one in so many: who is hit worst is nearly always one of the first three in a hundred. */
const BUSIEST = 10
const BUSIEST_LEAST = 100

function busiest(members: readonly Member[]): Set<string> {
  const byActs = members.toSorted((one, other) => other.acts.length - one.acts.length)
  return new Set(byActs.slice(0, Math.max(BUSIEST_LEAST, members.length / BUSIEST)).map(({ id }) => id))
}

/** Stories are left by throwing, and words without a value are: a hundred thousand traces that nobody reads cost seconds. */
async function withoutStacks(work: () => Promise<void>): Promise<void> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    await work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** As where the configuration says nothing. */
export const RULES: ShopRules = {
  quiet: { from: 20 * 60 + 30, to: 9 * 60 },
  caps: [{ messages: 4, windowMs: milliseconds('7 days'), counts: ['marketing'] }],
  auctionMs: milliseconds('60 seconds'),
  release: { messages: 20, windowMs: 1000 },
  shopZone: 'UTC',
  pointCost: 1,
  programme: DEFAULT_PROGRAMME,
  approved: [],
  switchedOn: [],
  doubleOptIn: [],
  audiences: new Map(),
}

export interface Simulating {
  entries: readonly CatalogueEntry[]
  members: readonly Member[]
  /** Epoch ms, a midnight in UTC. */
  from: number
  days: number
  rules?: Partial<ShopRules>
  /** Whether the last word on each message is kept. */
  each?: boolean
}

/** What some of the people lived through. */
export interface Played {
  shop: PopulationShop
  tally: Tally
}

export interface Simulated extends Omit<Simulating, 'rules'>, Played {
  outcome: Outcome
}

/** Plays the days in this thread. What a story throws is counted and goes no further. */
export async function simulate(asked: Simulating): Promise<Simulated> {
  const playing = { ...asked, part: partsOf(asked.members, 1)[0] }
  const played = await play(playing)
  const worst = played.shop.worstHit()
  // Whose story was not kept became the worst hit after all: the same again, and this time it is.
  const again = worst && !worst.timeline() ? await play({ ...playing, watched: worst.id }) : played
  return { ...asked, ...again, outcome: outcomeOf(again) }
}

export interface Playing extends Omit<Simulating, 'members'> {
  part: Part
  /** The one customer whose story is kept; of several who may become the worst hit unless said. */
  watched?: string
  board?: Board
}

/** Plays the days for a part of the people. Throws Overtaken where the others took more than could be foreseen. */
export async function play({
  entries,
  part,
  from,
  days,
  rules,
  each = false,
  watched,
  board,
}: Playing): Promise<Played> {
  const end = from + days * DAY
  const span = { start: from, end }
  const tally = new Tally(entries, { start: from, days, each })
  const shop = new PopulationShop(entries, {
    part,
    span,
    rules: { ...RULES, ...rules },
    tally,
    watched: watched === undefined ? busiest(part.members) : new Set([watched]),
    ...(board && { board }),
  })
  const { clock } = shop
  for (let day = 1; day <= days; day++) {
    clock.schedule(from + day * DAY - 1, SHOP, () => {
      shop.budgets.endDay()
      // Not much of a budget is taken in a day.
      shop.commons.meet()
    })
  }
  // Who is watched alone is known to be the one.
  for (let day = QUIET_DAYS; watched === undefined && day < days; day += QUIET_DAYS)
    clock.schedule(from + day * DAY, SHOP, () => shop.forgetTheQuiet())
  reckonDaily(shop, span)
  sweepDaily(shop, span)
  campaignDaily(shop, span, part)
  try {
    await withoutStacks(() => clock.play())
    shop.commons.end()
  } finally {
    // Nobody waits for who has given up.
    shop.commons.leave()
  }
  for (const person of shop.people.values()) {
    person.lots.expire(end)
    for (const runs of person.runs.values()) {
      for (const { entry, status } of runs) {
        const count = tally.journeys.get(entry.plan.name)
        if (count) count.ends[status] += 1
      }
    }
  }
  return { shop, tally }
}
