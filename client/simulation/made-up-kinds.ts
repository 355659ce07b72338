/** The kinds of made-up customers, and how much each does. docs/simulation.md has the numbers and what they stand on. */

export interface Kind {
  share: number
  /** Whether they come to the shop within the time, and do not know it from before. */
  fresh: boolean
  /** Mean counts in 30 days. */
  orders: number
  carts: number
  views: number
  checkIns: number
  shares: number
  /** Of a presale, how many of a hundred pay a deposit. */
  presale: number
  /** What an order comes to in the middle, minor units. */
  basket: number
}

/**
 * How much of that customers usually do: who was known before orders 0.35 times in ninety days then. Customers of CDNOW did 0.34 to 0.27
 * times, from the second to the fifth ninety days after their first order (the file of test/store/cdnow.test.ts).
 */
export const USUAL = 0.2

/** In a busy shop, so that something comes to nearly every journey. Three in ten are new, most buy seldom, a few buy most. */
export const KINDS: Readonly<Record<string, Kind>> = {
  newcomer: {
    share: 30,
    fresh: true,
    orders: 0.35,
    carts: 0.9,
    views: 1.2,
    checkIns: 0.5,
    shares: 0.1,
    presale: 3,
    basket: 140_00,
  },
  passer: {
    share: 25,
    fresh: false,
    orders: 0.08,
    carts: 0.25,
    views: 0.5,
    checkIns: 0,
    shares: 0.02,
    presale: 1,
    basket: 110_00,
  },
  occasional: {
    share: 25,
    fresh: false,
    orders: 0.35,
    carts: 0.6,
    views: 0.8,
    checkIns: 0.3,
    shares: 0.1,
    presale: 6,
    basket: 160_00,
  },
  regular: {
    share: 15,
    fresh: false,
    orders: 1.1,
    carts: 1.4,
    views: 1.5,
    checkIns: 2,
    shares: 0.4,
    presale: 14,
    basket: 220_00,
  },
  devoted: {
    share: 5,
    fresh: false,
    orders: 2.6,
    carts: 2.8,
    views: 3,
    checkIns: 8,
    shares: 1.5,
    presale: 25,
    basket: 380_00,
  },
}

/** Somebody of a kind who does so many times as much. */
export function doing(kind: Kind, times: number): Kind {
  const { orders, carts, views, checkIns, presale, shares } = kind
  const all = { orders, carts, views, checkIns, presale, shares }
  return { ...kind, ...Object.fromEntries(Object.entries(all).map(([what, count]) => [what, count * times])) }
}
