/**
 * What each night measures over all who bought: store/reckoning-frames.ts in memory. Nobody's orders hang on what is sent to them, so that
 * every thread reckons with those of everybody, of whom it plays a part.
 */
import type { TakenEvent } from '../../domain/journey.ts'
import { type Frame, dayNumber } from '../../domain/reckoning.ts'
import { QUINTILES, isWithin, valuesOf } from '../../domain/rfm.ts'
import { GAPS_LEAST, type Order, habitOf, inOrder, median } from '../../domain/rhythm.ts'
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
      if (buyer.orders.length < 2) continue
      const habit = habitOf(buyer.orders)
      for (const gap of habit.gaps) gaps.push(gap)
      for (const theirs of habit.categories) {
        const known = byCategory.get(theirs.name) ?? []
        if (known.length === 0) byCategory.set(theirs.name, known)
        for (const gap of theirs.gaps) known.push(gap)
      }
    }
    const medians = [...byCategory].flatMap(([category, some]) => {
      const gap = usualAmong(some)
      return gap === null ? [] : [[category, gap] as const]
    })
    return {
      edges: { r: quintilesOf(r), m: quintilesOf(m) },
      rhythm: { gap: usualAmong(gaps), byCategory: Object.fromEntries(medians) },
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
    }
    // Until its first order falls out of the window a day changes nothing.
    if (moved || (buyer.last >= 0 && !isWithin({ day: buyer.first }, today)))
      Object.assign(buyer, within(buyer.orders, today))
  }
}

const NOTHING = { orders: [], last: -1, spent: 0, first: -1 }

function within(orders: readonly Order[], today: number): Pick<Buyer, 'last' | 'spent' | 'first'> {
  const values = valuesOf(orders, today)
  if (!values) return { last: -1, spent: 0, first: -1 }
  const first = Math.min(...orders.filter((order) => isWithin(order, today)).map(({ day }) => day))
  return { last: today - values.days, spent: values.spent, first }
}

/** The median; null of fewer than say something of a shop. */
const usualAmong = (gaps: readonly number[]): number | null => (gaps.length < GAPS_LEAST ? null : median(gaps))

/** The least value that at least such a share lies at or below. */
function quintilesOf(values: readonly number[]): number[] {
  const all = inOrder(values)
  if (all.length === 0) return []
  return QUINTILES.map((share) => all[Math.max(0, Math.ceil(share * all.length) - 1)] ?? 0)
}
