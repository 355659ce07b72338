/** A population lives through some days of a shop, all journeys at once, on one virtual clock: the same for the same seed. */
import { DEFAULT_PROGRAMME } from '../../domain/programmes.ts'
import { milliseconds } from '../../domain/duration.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import { PopulationClock } from './clock.ts'
import type { Member } from './members.ts'
import { PopulationShop, type ShopRules } from './shop.ts'
import { Tally } from './tally.ts'

const DAY = 86_400_000
/** How often is looked for those whose story need not be kept. */
const QUIET_DAYS = 14

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
}

export interface Simulating {
  entries: readonly CatalogueEntry[]
  members: readonly Member[]
  /** Epoch ms, a midnight in UTC. */
  from: number
  days: number
  rules?: Partial<ShopRules>
}

export interface Simulated extends Omit<Simulating, 'rules'> {
  shop: PopulationShop
  tally: Tally
}

/** Plays the days. What a story throws is counted and goes no further. */
export async function simulate(asked: Simulating): Promise<Simulated> {
  const simulated = await play(asked)
  const worst = simulated.shop.worstHit()
  // Who was far from it became the worst hit after all: the same again, and this time their story is kept.
  return !worst || worst.timeline() ? simulated : play(asked, worst.id)
}

async function play({ rules, ...asked }: Simulating, watched?: string): Promise<Simulated> {
  const { entries, members, from, days } = asked
  const end = from + days * DAY
  const clock = new PopulationClock({ start: from, end })
  const tally = new Tally(entries, from)
  const shop = new PopulationShop(entries, { clock, rules: { ...RULES, ...rules }, tally, ...(watched && { watched }) })
  for (let day = 1; day <= days; day++) clock.at(from + day * DAY - 1, () => shop.budgets.endDay())
  for (let day = QUIET_DAYS; day < days; day += QUIET_DAYS) clock.at(from + day * DAY, () => shop.forgetTheQuiet())
  shop.reckonDaily(from, end)
  shop.sweepDaily(from, end)
  shop.campaignDaily(from, end)
  shop.expect(members)
  await withoutStacks(() => clock.play())
  for (const person of shop.people.values()) {
    person.lots.expire(end)
    for (const runs of person.runs.values()) {
      for (const { entry, status } of runs) {
        const count = tally.journeys.get(entry.plan.name)
        if (count) count.ends[status] += 1
      }
    }
  }
  return { ...asked, shop, tally }
}
