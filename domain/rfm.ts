/**
 * Recency, frequency and money. As of a day of the shop's calendar and over the WINDOW that ends with it: R is whole days since
 * the last paid order, F the number of distinct paid orders (two on one day are two), M what was paid for them less what was paid
 * back since, minor units. An order that was paid back as a whole is none. Each scores 1 (least) to 5, equal values equally: F by
 * thresholds that stand here, as most buy once and quantiles would fall together; R and M by the quintiles of all who bought
 * within the window, which a reckoning measures once and keeps, so that who is scored between two nights is scored by the same.
 *
 * What `lifetimes` calls recency is the last less the first purchase; our R is its T less that. Its frequency leaves the first out.
 */
import type { Order } from './rhythm.ts'
import type { Rfm } from './standing.ts'

/** Days, the one it is asked for included. */
export const WINDOW = 365

/** The least number of orders for a score of 2, 3, 4 and 5. */
export const F_LEAST = [2, 3, 5, 8] as const

/** The shares of customers at which R and M are cut. */
export const QUINTILES = [0.2, 0.4, 0.6, 0.8] as const

/** The values at the quintiles, ascending: days and minor units. None where nobody bought within the window. */
export interface Edges {
  r: readonly number[]
  m: readonly number[]
}

/** R, F and M before they are scored. */
export interface Values {
  days: number
  orders: number
  spent: number
}

/** True for an order of the WINDOW that ends with a day. */
export const isWithin = ({ day }: Pick<Order, 'day'>, today: number): boolean => day <= today && day > today - WINDOW

/** Null for who bought nothing within the window. */
export function valuesOf(orders: readonly Order[], today: number): Values | null {
  let [last, counted, spent] = [-Infinity, 0, 0]
  for (const order of orders) {
    if (!isWithin(order, today)) continue
    last = Math.max(last, order.day)
    counted += 1
    spent += order.net
  }
  return counted === 0 ? null : { days: today - last, orders: counted, spent }
}

const passed = (edges: readonly number[], value: number): number => edges.filter((edge) => edge < value).length

/** Scores against edges that were frozen before: the last fifth of a quintile is its edge, so who stands on it is within it. */
export function rfmOf({ days, orders, spent }: Values, edges: Edges): Rfm {
  return {
    r: 5 - passed(edges.r, days),
    f: 1 + F_LEAST.filter((least) => orders >= least).length,
    m: 1 + passed(edges.m, spent),
  }
}

/** From and to, both included, of each axis that matters; the others are any. */
export interface Box {
  r: readonly [number, number]
  f: readonly [number, number]
  m?: readonly [number, number]
}

/** The map of the 125 cells: each lies in one box. */
export const SEGMENTS = {
  champions: [{ r: [4, 5], f: [4, 5], m: [4, 5] }],
  loyal: [
    { r: [4, 5], f: [4, 5], m: [1, 3] },
    { r: [4, 5], f: [3, 3] },
  ],
  growing: [{ r: [4, 5], f: [2, 2] }],
  newcomers: [{ r: [5, 5], f: [1, 1] }],
  promising: [{ r: [4, 4], f: [1, 1] }],
  'need-attention': [{ r: [3, 3], f: [3, 5] }],
  'about-to-sleep': [{ r: [3, 3], f: [1, 2] }],
  'cannot-lose': [{ r: [1, 2], f: [4, 5], m: [4, 5] }],
  slipping: [
    { r: [1, 2], f: [4, 5], m: [1, 3] },
    { r: [1, 2], f: [3, 3] },
  ],
  hibernating: [{ r: [2, 2], f: [1, 2] }],
  gone: [{ r: [1, 1], f: [1, 2] }],
} as const satisfies Record<string, readonly Box[]>

export type Segment = keyof typeof SEGMENTS

const inside = (value: number, [from, to]: readonly [number, number] = [1, 5]): boolean => value >= from && value <= to

export const isIn = ({ r, f, m }: Rfm, box: Box): boolean => inside(r, box.r) && inside(f, box.f) && inside(m, box.m)

/** The segments whose boxes hold a cell: one, which a test walks all of them to see. */
export const segmentsOf = (cell: Rfm): Segment[] =>
  (Object.keys(SEGMENTS) as Segment[]).filter((name) => SEGMENTS[name].some((box) => isIn(cell, box)))

export function segmentOf(cell: Rfm): Segment {
  const [segment] = segmentsOf(cell)
  if (segment !== undefined) return segment
  throw new RangeError(`no segment has the cell ${cell.r}-${cell.f}-${cell.m}`)
}
