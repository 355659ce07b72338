/**
 * What made-up customers do beside buying: they sign up for letters, confirm, come back after weeks, and share what they saw. It is drawn by
 * dice of its own, so that all else stays as it was drawn. docs/simulation.md has the numbers.
 */
import { RETURNED } from '../../domain/consent.ts'
import type { Dice } from './dice.ts'
import type { Act } from './members.ts'

/** A topic of the made-up shop that consent to is to be confirmed, and on which no journey writes. */
export const LETTERS = 'letters'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Who did nothing for so long has come back. */
const AWAY = 30 * DAY

const SHARES = {
  letters: 0.08,
  /** Of those who are asked to confirm. */
  confirms: 0.6,
  /** The same of those who had been silent. */
  hearsAgain: 0.3,
  /** Of the orders: paid with points in part. */
  spends: 0.25,
}

/** A checkout takes no more points on an order. */
const POINTS_MOST = 1_000

/** What shows that somebody is there. */
const VISITS: ReadonlySet<string> = new Set([
  'page.viewed',
  'cart.added',
  'checkout.started',
  'customer.checked-in',
  'order.paid',
  'deposit.paid',
])

export type Doing = Omit<Act, 'id'>

/** Whose habits they are. */
export interface Living {
  id: string
  dice: Dice
  /** When they are met, and when nobody looks any more. */
  entered: number
  end: number
  /** Whether they agreed to be written to when they were met. */
  agreed: boolean
  /** How often they share something in thirty days, in the mean. */
  shares: number
  /** What they do besides. */
  acts: readonly Doing[]
  /** So many moments of theirs as a month has in the mean. */
  moments: (mean: number) => number[]
}

export function habitsOf(living: Living): Doing[] {
  const { dice, entered, agreed } = living
  const first = agreed && dice.chance(SHARES.confirms) ? [confirming(entered, dice)] : []
  return [...first, ...lettersOf(living), ...returnsOf(living), ...sharesOf(living)]
}

/** How many points go on an order at most; undefined where none are to. */
export const pointsSpent = (dice: Dice): number | undefined => (dice.chance(SHARES.spends) ? POINTS_MOST : undefined)

function confirming(asked: number, dice: Dice): Doing {
  const at = asked + Math.round(dice.around(3, 1.2) * HOUR)
  return { at, type: 'link.clicked', properties: {}, confirms: true }
}

function lettersOf({ dice, entered, end }: Living): Doing[] {
  if (!dice.chance(SHARES.letters)) return []
  const at = entered + dice.below(end - entered)
  const signed = { at, type: 'customer.subscribed', properties: {}, customer: { consent: { [LETTERS]: true } } }
  return dice.chance(SHARES.confirms) ? [signed, confirming(at, dice)] : [signed]
}

/** The first thing that somebody does after weeks of nothing. */
function returnsOf({ dice, acts }: Living): Doing[] {
  const visits = acts.flatMap(({ type, at }) => (VISITS.has(type) ? [at] : [])).sort((one, other) => one - other)
  return visits.flatMap((at, nth) => {
    if (at - (visits[nth - 1] ?? at) < AWAY) return []
    const back = { at, type: RETURNED, properties: {} }
    return dice.chance(SHARES.hearsAgain) ? [back, confirming(at, dice)] : [back]
  })
}

function sharesOf({ id, dice, shares, moments }: Living): Doing[] {
  return moments(shares).map((at, nth) => {
    const properties = { share: `H${id.slice(1)}-${nth + 1}`, product: `P${dice.below(200)}` }
    return { at, type: 'product.shared', properties }
  })
}
