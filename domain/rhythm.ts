/**
 * How often somebody buys. Days are whole numbers on the shop's calendar, 1970-01-01 is 0: orders of one day are one visit here,
 * though each is an order of its own where orders are counted (rfm.ts).
 */

/** A paid order that was not paid back as a whole. */
export interface Order {
  /** When it was paid, epoch ms, and the day that was on the shop's calendar. */
  at: number
  day: number
  /** What was paid less what was paid back since, minor units. */
  net: number
  /** The categories of its lines; none where the shop does not tell them. */
  categories: readonly string[]
}

/** The median days between two visits over all customers of the shop; null where too few have come twice (GAPS_LEAST). */
export interface ShopRhythm {
  gap: number | null
  byCategory: Record<string, number>
}

/** A median of fewer gaps than this says nothing of a shop. */
export const GAPS_LEAST = 10

export interface Rhythm {
  /** The median of the customer's own gaps; null before the second visit. */
  own: number | null
  /** The own one, else that of what they bought last, else the shop's; null where nobody knows. */
  usual: number | null
  /** Days after which each category is bought again: their own median, else the shop's; what neither knows is left out. */
  cycles: Record<string, number>
}

/** Least first. */
export const inOrder = (values: readonly number[]): Float64Array => Float64Array.from(values).sort()

/** The middle, or the mean of the two in the middle; null of nothing. */
export function median(values: readonly number[]): number | null {
  if (values.length < 2) return values[0] ?? null
  const sorted = inOrder(values)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)]
  const lower = sorted[Math.ceil(middle) - 1]
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2
}

/** The days on which orders were paid, each once, in order; of one category where that is said. */
export function visitsOf(orders: readonly Order[], category?: string): number[] {
  const visits: number[] = []
  for (const { day, categories } of orders) {
    if (category !== undefined && !categories.includes(category)) continue
    // Nearly always oldest first.
    let place = visits.length
    while (place > 0 && (visits[place - 1] ?? 0) > day) place -= 1
    if (visits[place - 1] !== day) visits.splice(place, 0, day)
  }
  return visits
}

/** Days between one visit and the next. */
export function gapsOf(visits: readonly number[]): number[] {
  const gaps: number[] = []
  for (let nth = 1; nth < visits.length; nth++) gaps.push((visits[nth] ?? 0) - (visits[nth - 1] ?? 0))
  return gaps
}

/** What the orders of one customer say by themselves: the same each day until they buy again. */
export interface Habit {
  visits: readonly number[]
  gaps: readonly number[]
  /** The median of the gaps. */
  own: number | null
  /** What was bought on the last of the visits. */
  latest: readonly string[]
  /** ISO 8601; null of no orders. */
  firstPaidAt: string | null
  lastPaidAt: string | null
  /** By name. */
  categories: readonly { name: string; gaps: readonly number[]; own: number | null }[]
}

/** Everybody is reckoned each night, and few have bought since the night before. */
const habits = new WeakMap<readonly Order[], Habit>()

/** The same list of orders is looked at once, so it must not change. */
export function habitOf(orders: readonly Order[]): Habit {
  const known = habits.get(orders)
  if (known) return known
  const visits = visitsOf(orders)
  const gaps = gapsOf(visits)
  const last = visits.at(-1)
  const names = new Set<string>()
  const latest: string[] = []
  let [first, newest] = [Infinity, -Infinity]
  for (const { at, day, categories } of orders) {
    first = Math.min(first, at)
    newest = Math.max(newest, at)
    for (const name of categories) names.add(name)
    if (day === last) latest.push(...categories)
  }
  const habit: Habit = {
    visits,
    gaps,
    own: median(gaps),
    latest,
    firstPaidAt: isoOf(first),
    lastPaidAt: isoOf(newest),
    categories: [...names].sort().map((name) => {
      const own = gapsOf(visitsOf(orders, name))
      return { name, gaps: own, own: median(own) }
    }),
  }
  habits.set(orders, habit)
  return habit
}

const isoOf = (at: number): string | null => (Number.isFinite(at) ? new Date(at).toISOString() : null)

/** The orders of up to a day: the very list where that is all of them. */
export const upToDay = (orders: readonly Order[], today: number): readonly Order[] =>
  orders.every(({ day }) => day <= today) ? orders : orders.filter(({ day }) => day <= today)

export function rhythmOf(orders: readonly Order[], shop: ShopRhythm): Rhythm {
  const habit = habitOf(orders)
  const { own, categories } = habit
  const cycles: Record<string, number> = {}
  for (const one of categories) {
    const cycle = one.own ?? shop.byCategory[one.name]
    if (cycle !== undefined) cycles[one.name] = cycle
  }
  return { own, usual: usualBy(habit, shop), cycles }
}

/** The usual gap alone. */
export const usualOf = (orders: readonly Order[], shop: ShopRhythm): number | null => usualBy(habitOf(orders), shop)

export const usualBy = (habit: Habit, shop: ShopRhythm): number | null =>
  habit.own ?? categoryGap(habit, shop) ?? shop.gap

/** Of several categories the one that is bought least often: who bought for a year is not missed after a month. */
function categoryGap({ latest }: Habit, { byCategory }: ShopRhythm): number | null {
  let longest: number | null = null
  for (const category of latest) longest = Math.max(longest ?? -Infinity, byCategory[category] ?? -Infinity)
  return longest === -Infinity ? null : longest
}
