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

/** The middle, or the mean of the two in the middle; null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)]
  const lower = sorted[Math.ceil(middle) - 1]
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2
}

/** The days on which orders were paid, each once, in order. */
export const visitsOf = (orders: readonly Order[]): number[] =>
  [...new Set(orders.map(({ day }) => day))].sort((one, other) => one - other)

/** Days between one visit and the next. */
export const gapsOf = (visits: readonly number[]): number[] => visits.slice(1).map((day, n) => day - (visits[n] ?? day))

export function rhythmOf(orders: readonly Order[], shop: ShopRhythm): Rhythm {
  const own = median(gapsOf(visitsOf(orders)))
  const cycles = Object.fromEntries(
    [...new Set(orders.flatMap(({ categories }) => categories))].sort().flatMap((category) => {
      const theirs = orders.filter(({ categories }) => categories.includes(category))
      const cycle = median(gapsOf(visitsOf(theirs))) ?? shop.byCategory[category]
      return cycle === undefined ? [] : [[category, cycle]]
    }),
  )
  return { own, usual: usualBy(own, orders, shop), cycles }
}

/** The usual gap alone. */
export const usualOf = (orders: readonly Order[], shop: ShopRhythm): number | null =>
  usualBy(median(gapsOf(visitsOf(orders))), orders, shop)

const usualBy = (own: number | null, orders: readonly Order[], shop: ShopRhythm): number | null =>
  own ?? categoryGap(orders, shop) ?? shop.gap

/** Of several categories the one that is bought least often: who bought for a year is not missed after a month. */
function categoryGap(orders: readonly Order[], { byCategory }: ShopRhythm): number | null {
  const last = Math.max(...orders.map(({ day }) => day))
  const known = orders
    .filter(({ day }) => day === last)
    .flatMap(({ categories }) => categories.flatMap((category) => byCategory[category] ?? []))
  return known.length === 0 ? null : Math.max(...known)
}
