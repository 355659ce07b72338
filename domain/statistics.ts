/** What a difference between treated and held-out customers is worth. */

interface Share {
  successes: number
  total: number
}

export interface Lift {
  /** Conversion of the treated less conversion of the held-out, from -1 to 1. */
  difference: number
  low: number
  high: number
}

const Z95 = 1.959963984540054

function wilson({ successes, total }: Share): { low: number; high: number; rate: number } {
  const rate = successes / total
  const z2 = Z95 * Z95
  const centre = (rate + z2 / (2 * total)) / (1 + z2 / total)
  const half = (Z95 / (1 + z2 / total)) * Math.sqrt((rate * (1 - rate)) / total + z2 / (4 * total * total))
  return { low: centre - half, high: centre + half, rate }
}

/**
 * Lift with its 95 % interval; undefined while an arm is empty. Hybrid score interval: R. G. Newcombe, Statistics in Medicine
 * 17 (1998) 873-890, method 10. When the interval holds zero the honest word is "inconclusive".
 */
export function liftOf(treated: Share, held: Share): Lift | undefined {
  if (treated.total === 0 || held.total === 0) return undefined
  const t = wilson(treated)
  const h = wilson(held)
  const difference = t.rate - h.rate
  return {
    difference,
    low: difference - Math.hypot(t.rate - t.low, h.high - h.rate),
    high: difference + Math.hypot(t.high - t.rate, h.rate - h.low),
  }
}
