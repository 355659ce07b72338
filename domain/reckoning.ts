/** One customer reckoned: everything a standing says, by their orders, the day, and what the whole shop was measured at. */
import { type Edges, rfmOf, segmentOf, valuesOf } from './rfm.ts'
import { type Order, type ShopRhythm, habitOf, rhythmOf, upToDay } from './rhythm.ts'
import { courseOf } from './stage.ts'
import type { Standing } from './standing.ts'

/** What a reckoning measures once over all customers and keeps: who is reckoned by it later stands on the same ground. */
export interface Frame {
  edges: Edges
  rhythm: ShopRhythm
}

export interface Reckoned extends Standing {
  /** Paid orders in all, and within the window. */
  orders: number
  yearOrders: number
  firstPaidAt: string | null
}

const DAY = 86_400_000

/** A date of the shop's calendar as rhythm.ts counts days: 0 is '1970-01-01'. */
export const dayNumber = (date: string): number => Date.parse(`${date}T00:00:00Z`) / DAY

/** `today` is a day of the shop's calendar; orders after it do not count. */
export function reckon(orders: readonly Order[], today: number, { edges, rhythm }: Frame): Reckoned {
  const counted = upToDay(orders, today)
  const values = valuesOf(counted, today)
  const rfm = values && rfmOf(values, edges)
  const { own, cycles } = rhythmOf(counted, rhythm)
  const { stage, churnRisk } = courseOf(counted, today, rhythm)
  const { firstPaidAt, lastPaidAt } = habitOf(counted)
  return {
    stage,
    rfm,
    segment: rfm && segmentOf(rfm),
    gapDays: own,
    cycles,
    yearSpent: values?.spent ?? 0,
    lastPaidAt,
    churnRisk,
    orders: counted.length,
    yearOrders: values?.orders ?? 0,
    firstPaidAt,
  }
}
