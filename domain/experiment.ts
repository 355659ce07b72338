/** Chance as a hash: the same customer gets the same arm in a run, its replay, a preview, a report and at re-entry. */

export const BUCKETS = 10_000

/** FNV-1a over UTF-16 code units, parts set apart by a zero, finished by MurmurHash3's fmix32, so that near ids fall far apart. */
function hash32(parts: readonly string[]): number {
  let h = 0x811c9dc5
  for (let nth = 0; nth < parts.length; nth++) {
    const text = parts[nth] ?? ''
    if (nth > 0) h = Math.imul(h, 0x01000193)
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A whole number from 0 to 9,999, the same for the same parts. */
export function bucketOf(...parts: string[]): number {
  return Math.floor((hash32(parts) / 2 ** 32) * BUCKETS)
}

export type Arm = 'treated' | 'holdout'

/** The arm of a customer in a journey that holds `percent` of them out. */
export function armOf(journey: string, customer: string, percent: number): Arm {
  return bucketOf('holdout', journey, customer) < percent * (BUCKETS / 100) ? 'holdout' : 'treated'
}

/**
 * The arm of a split, from weights that need not sum to anything. The arms are ranges of the buckets in the order in which
 * they are written: a change of weights moves only those whose bucket lies between the old edge and the new.
 */
export function pickArm<A extends string>(weights: ReadonlyArray<readonly [A, number]>, bucket: number): A {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0)
  let edge = 0
  for (const [arm, weight] of weights) {
    edge += (weight / total) * BUCKETS
    if (bucket < Math.round(edge)) return arm
  }
  throw new RangeError(`a split needs at least one arm with a weight above zero, got ${JSON.stringify(weights)}`)
}
