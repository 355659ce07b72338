/** Chance that is the same for the same seed: sfc32, which passes PractRand, seeded by a hash of words. */
export class Dice {
  private a: number
  private b: number
  private c: number
  private d = 1

  constructor(...seed: (string | number)[]) {
    const [a, b, c] = hashed(seed.join('\u0000'))
    this.a = a
    this.b = b
    this.c = c
    for (let i = 0; i < 12; i++) this.next()
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    const sum = (((this.a + this.b) | 0) + this.d) | 0
    this.d = (this.d + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }

  /** A whole number below `most`. */
  below(most: number): number {
    return Math.floor(this.next() * most)
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  /** One of several by weight. */
  pick<T>(weighted: readonly (readonly [T, number])[]): T {
    let left = this.next() * weighted.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [one, weight] of weighted) {
      left -= weight
      if (left < 0) return one
    }
    return (weighted.at(-1) as readonly [T, number])[0]
  }

  /** How often something happens that is expected `mean` times, each time by itself (Poisson, by Knuth's product). */
  times(mean: number): number {
    const least = Math.exp(-mean)
    let count = 0
    for (let product = this.next(); product > least; product *= this.next()) count += 1
    return count
  }

  /** Around `median`, a few far above it: log-normal, by Box and Muller. */
  around(median: number, spread: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    return median * Math.exp(spread * radius * Math.cos(2 * Math.PI * this.next()))
  }
}

/** A text as a number that nothing else is likely to have: 53 bits of a hash. */
export function numberOf(text: string): number {
  const [high, low] = hashed(text)
  return (high >>> 0) * 2 ** 21 + (low >>> 11)
}

/** Three words of 32 bits out of a text: FNV-1a, once for each. */
function hashed(text: string): [number, number, number] {
  const one = (basis: number): number => {
    let h = basis
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
    return h ^ (h >>> 15)
  }
  return [one(0x811c9dc5), one(0x9e3779b9), one(0x85ebca6b)]
}
