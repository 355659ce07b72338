/**
 * What each night measures over all who bought: store/reckoning-frames.ts in memory. Nobody's orders hang on what is sent to them, so that
 * every thread reckons with those of everybody, of whom it plays a part.
 */
import type { TakenEvent } from '../../domain/journey.ts'
import { type Frame, dayNumber } from '../../domain/reckoning.ts'
import { QUINTILES, isWithin, valuesOf } from '../../domain/rfm.ts'
import { GAPS_LEAST, type Order, gapsOf, visitsOf } from '../../domain/rhythm.ts'
import type { Member } from './members.ts'
import { MOVES_ORDERS, ordersAmong } from './orders.ts'

/** What one customer buys and is paid back, in the order of time. */
export type Purchases = readonly (Pick<TakenEvent, 'id' | 'type' | 'properties'> & { at: number })[]

/** Of those who buy anything. */
export const purchasesOf = (members: readonly Member[]): Purchases[] =>
  members
    .map(({ acts }) =>
      acts
        .filter(({ type }) => MOVES_ORDERS.has(type))
        .map(({ id, at, type, properties }) => ({ id, at, type, properties })),
    )
    .filter(({ length }) => length > 0)

/** One of them by the morning of a day. */
interface Buyer {
  readonly purchases: Purchases
  heard: number
  orders: readonly Order[]
  gaps: readonly number[]
  byCategory: readonly (readonly [string, readonly number[]])[]
  /** Of the orders within the window: the day of the last, what was paid for all, and the day of the first. */
  last: number
  spent: number
  first: number
}

export class Frames {
  private readonly buyers: Buyer[]
  private readonly zone: string

  /** `zone`: the shop's. */
  constructor(purchases: readonly Purchases[], zone: string) {
    this.zone = zone
    this.buyers = purchases.map((one) => ({ purchases: one, heard: 0, ...NOTHING }))
  }

  /** The quintiles of R and M, and the median gap of the shop and of each category, over what was bought before `now`. */
  measure(now: number, date: string): Frame {
    const today = dayNumber(date)
    const [r, m, gaps]: [number[], number[], number[]] = [[], [], []]
    const byCategory = new Map<string, number[]>()
    for (const buyer of this.buyers) {
      this.bringUp(buyer, now, today)
      if (buyer.last >= 0) {
        r.push(today - buyer.last)
        m.push(buyer.spent)
      }
      for (const gap of buyer.gaps) gaps.push(gap)
      for (const [category, some] of buyer.byCategory) {
        const known = byCategory.get(category) ?? []
        for (const gap of some) known.push(gap)
        byCategory.set(category, known)
      }
    }
    const medians = [...byCategory].flatMap(([category, some]) => {
      const gap = gapAmong(some)
      return gap === null ? [] : [[category, gap] as const]
    })
    return {
      edges: { r: quintilesOf(r), m: quintilesOf(m) },
      rhythm: { gap: gapAmong(gaps), byCategory: Object.fromEntries(medians) },
    }
  }

  private bringUp(buyer: Buyer, now: number, today: number): void {
    const { purchases } = buyer
    let { heard } = buyer
    while ((purchases[heard]?.at ?? Infinity) < now) heard++
    const moved = heard !== buyer.heard
    if (moved) {
      buyer.heard = heard
      const events = purchases.slice(0, heard).map((one) => ({ ...one, at: new Date(one.at).toISOString() }))
      buyer.orders = ordersAmong(events, this.zone)
      Object.assign(buyer, gapsAmong(buyer.orders))
    }
    // Until its first order falls out of the window a day changes nothing.
    if (moved || (buyer.last >= 0 && !isWithin({ day: buyer.first }, today)))
      Object.assign(buyer, within(buyer.orders, today))
  }
}

const NOTHING = { orders: [], gaps: [], byCategory: [], last: -1, spent: 0, first: -1 }

function within(orders: readonly Order[], today: number): Pick<Buyer, 'last' | 'spent' | 'first'> {
  const values = valuesOf(orders, today)
  if (!values) return { last: -1, spent: 0, first: -1 }
  const first = Math.min(...orders.filter((order) => isWithin(order, today)).map(({ day }) => day))
  return { last: today - values.days, spent: values.spent, first }
}

/** Between the visits of one customer, and between those for each category. */
function gapsAmong(orders: readonly Order[]): Pick<Buyer, 'gaps' | 'byCategory'> {
  if (orders.length < 2) return { gaps: [], byCategory: [] }
  const categories = new Set(orders.flatMap((order) => order.categories))
  const of = (some: readonly Order[]): number[] => gapsOf(visitsOf(some))
  return {
    gaps: of(orders),
    byCategory: [...categories].map((category) => [
      category,
      of(orders.filter((order) => order.categories.includes(category))),
    ]),
  }
}

const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort()

/** The median, as domain/rhythm.ts has it; null of fewer than say something of a shop. */
function gapAmong(gaps: readonly number[]): number | null {
  if (gaps.length < GAPS_LEAST) return null
  const all = sorted(gaps)
  const middle = all.length / 2
  return ((all[Math.ceil(middle) - 1] ?? 0) + (all[Math.floor(middle)] ?? 0)) / 2
}

/** The least value that at least such a share lies at or below. */
function quintilesOf(values: readonly number[]): number[] {
  const all = sorted(values)
  if (all.length === 0) return []
  return QUINTILES.map((share) => all[Math.max(0, Math.ceil(share * all.length) - 1)] ?? 0)
}
