/** What an offer gives at the checkout, what it asks for, and what it takes off a basket. Money is in minor units: fen, cents. */
import { type Duration, milliseconds } from './duration.ts'
import type { Refusal } from './errors.ts'

/** By what two accounts are one customer, besides the customer's own id. */
export type LimitBy = 'phone' | 'email'

/** Above any line of a basket, and so small that sums of hundreds of lines stay exact. */
export const MONEY_MOST = 1_000_000_000

/** What a coupon of the offer is worth. `percent` may have two decimals; `atMost` caps what it takes off. */
export type Gives =
  | { percent: number; atMost?: number | undefined }
  | { amount: number }
  | { shipping: 'free' }
  /** What the shop puts into the parcel, by the shop's own number. */
  | { gift: string }

export interface Needs {
  /** The least that the lines it applies to must come to. */
  minimum?: number | undefined
  /** The lines it applies to; all of them unless said. */
  categories?: string[] | undefined
  /** Only before the customer has paid for any other order. */
  firstOrder?: boolean | undefined
}

/** What becomes of a coupon when its order is refunded: usable again while unexpired, lost, or alive anew for a short time. */
export type OnRefund = 'return' | 'lost' | { reissue: Duration | (string & {}) }

/** The part of an offer that the checkout goes by, as a plan words it. */
export interface CheckoutWords {
  /** Absent: the shop's own till knows what it is worth, and Perennial only sees to it that it is used once. */
  gives?: Gives | undefined
  needs?: Needs | undefined
  /** Of one group an order takes one coupon; different groups stack. 'order' unless said, so that nothing stacks unasked. */
  group?: string | undefined
  /** 'return' unless said. */
  onRefund?: OnRefund | undefined
  /** What one coupon costs at most, minor units, where `gives` does not say it: a journey with a budget has to know. */
  cost?: number | undefined
  /**
   * Accounts of one phone or one mail address count as one customer against `perMember` and for `firstOrder`. Both unless said
   * where the offer is for a first order, neither elsewhere; `[]` counts accounts alone.
   */
  limitBy?: readonly LimitBy[] | undefined
}

/** The same with its defaults: what one version of an offer is, never changed once a coupon may stand on it. */
export interface Terms {
  gives: Gives | null
  needs: { minimum: number; categories: string[] | null; firstOrder: boolean }
  group: string
  onRefund: { is: 'return' } | { is: 'lost' } | { is: 'reissue'; ms: number }
  /** Absent where the plan words none. */
  cost?: number
  /** Absent where accounts alone count. */
  limitBy?: LimitBy[]
}

const BOTH: readonly LimitBy[] = ['phone', 'email']

/** Throws DURATION_MALFORMED where a re-issue's life cannot be read. */
export function termsOf({ gives, needs, group, onRefund = 'return', cost, limitBy }: CheckoutWords): Terms {
  const accounts = limitBy ?? (needs?.firstOrder ? BOTH : [])
  return {
    gives: gives ?? null,
    needs: {
      minimum: needs?.minimum ?? 0,
      categories: needs?.categories ?? null,
      firstOrder: needs?.firstOrder ?? false,
    },
    group: group ?? 'order',
    onRefund: typeof onRefund === 'string' ? { is: onRefund } : { is: 'reissue', ms: milliseconds(onRefund.reissue) },
    // Left out where it is not worded, so that offers without it stay the version they are.
    ...(cost !== undefined && { cost }),
    ...(accounts.length > 0 && { limitBy: BOTH.filter((one) => accounts.includes(one)) }),
  }
}

export interface BasketLine {
  id: string
  /** What the customer would pay for the whole line before any coupon. */
  amount: number
  category?: string | undefined
}

export interface Basket {
  lines: readonly BasketLine[]
  /** What the customer would pay for the shipping. */
  shipping: number
}

export interface LineDiscount {
  line: string
  amount: number
  discount: number
}

/** What a coupon does to a basket: `discount` is the sum over the lines, `shipping` what is taken off the shipping besides. */
export interface Worth {
  discount: number
  shipping: number
  gift: string | null
  lines: LineDiscount[]
}

/** What earlier coupons of the same order took off already. */
export interface Taken {
  /** By the id of the line. */
  lines: ReadonlyMap<string, number>
  shipping: number
}

export const NOTHING_TAKEN: Taken = { lines: new Map(), shipping: 0 }

/** Another coupon on the order: redeemed, with what it took off, or held, with nothing taken yet. */
export interface Beside {
  code: string
  terms: Terms
  redeemed: Taken | null
}

/** Why a coupon does not go with this basket and this customer, or undefined where it does. */
export function whyNotRedeem(
  { needs, group }: Terms,
  { basket, paidBefore, beside }: { basket: Basket; paidBefore: boolean; beside: readonly Beside[] },
): Refusal | undefined {
  if (beside.some(({ terms }) => terms.group === group)) return 'NOT_COMBINABLE'
  const applies = basket.lines.filter((line) => isFor(needs.categories, line))
  if (applies.length === 0) return 'NOT_FOR_THESE_ITEMS'
  if (sum(applies.map((line) => line.amount)) < needs.minimum) return 'MINIMUM_NOT_REACHED'
  return needs.firstOrder && paidBefore ? 'FIRST_ORDER_ONLY' : undefined
}

const isFor = (categories: string[] | null, { category }: BasketLine): boolean =>
  categories === null || (category !== undefined && categories.includes(category))

const sum = (amounts: readonly number[]): number => amounts.reduce((all, amount) => all + amount, 0)

/**
 * What a coupon takes off what is left of a basket: never more than a line still costs, and the lines' shares come to the whole
 * discount exactly. A percentage is rounded to the nearest minor unit, halves up. It is reckoned on what the coupons before it
 * left (`taken`), and is no more than what all that are redeemed leave (`spent`).
 */
export function worthOf(
  { gives, needs }: Terms,
  basket: Basket,
  taken: Taken = NOTHING_TAKEN,
  spent: Taken = taken,
): Worth {
  const leftBy = (by: Taken): number[] =>
    basket.lines.map((line) =>
      isFor(needs.categories, line) ? Math.max(0, line.amount - (by.lines.get(line.id) ?? 0)) : 0,
    )
  const left = leftBy(taken)
  const shares = within(
    allocate(Math.min(takenOff(gives, sum(left)), sum(left)), left),
    leftBy(spent).map((amount, at) => Math.min(amount, left[at] ?? 0)),
  )
  const free = gives !== null && 'shipping' in gives
  return {
    discount: sum(shares),
    shipping: free ? Math.max(0, basket.shipping - Math.max(taken.shipping, spent.shipping)) : 0,
    gift: gives !== null && 'gift' in gives ? gives.gift : null,
    lines: basket.lines.map((line, at) => ({ line: line.id, amount: line.amount, discount: shares[at] ?? 0 })),
  }
}

/** The shares as they are where each has room, else as much of their sum as there is room for. */
const within = (shares: number[], room: readonly number[]): number[] =>
  shares.every((share, at) => share <= (room[at] ?? 0)) ? shares : allocate(Math.min(sum(shares), sum(room)), room)

const CLASSES = ['line', 'order', 'shipping'] as const

/** The classes in which coupons apply: to some lines (or a gift), to the whole basket, to the shipping. */
export function classOf({ gives, needs }: Pick<Terms, 'gives' | 'needs'>): (typeof CLASSES)[number] {
  if (gives !== null && 'shipping' in gives) return 'shipping'
  return needs.categories !== null || (gives !== null && 'gift' in gives) ? 'line' : 'order'
}

type Placed = Pick<Beside, 'code' | 'terms'>

/** The one order in which the coupons of an order apply, whatever the order of the requests: by class, then by code. */
const inOrder = (a: Placed, b: Placed): number =>
  CLASSES.indexOf(classOf(a.terms)) - CLASSES.indexOf(classOf(b.terms)) || (a.code < b.code ? -1 : 1)

/**
 * What a coupon takes off beside the others of its order. Those that come before it have taken theirs: what they did where they
 * are redeemed, what they would where the cart holds them.
 */
export function worthBeside(mine: Placed, basket: Basket, beside: readonly Beside[]): Worth {
  const before = beside.filter((other) => inOrder(other, mine) < 0).toSorted(inOrder)
  let taken = NOTHING_TAKEN
  for (const { terms, redeemed } of before) {
    if (redeemed) taken = plus(taken, redeemed)
    else if (whyNotRedeem(terms, { basket, paidBefore: false, beside: [] }) === undefined)
      taken = plus(taken, takenBy(worthOf(terms, basket, taken)))
  }
  const spent = beside.reduce((all, { redeemed }) => (redeemed ? plus(all, redeemed) : all), NOTHING_TAKEN)
  return worthOf(mine.terms, basket, taken, spent)
}

const takenBy = ({ lines, shipping }: Worth): Taken => ({
  lines: new Map(lines.map(({ line, discount }) => [line, discount])),
  shipping,
})

function plus(one: Taken, other: Taken): Taken {
  const lines = new Map(one.lines)
  for (const [line, discount] of other.lines) lines.set(line, (lines.get(line) ?? 0) + discount)
  return { lines, shipping: one.shipping + other.shipping }
}

function takenOff(gives: Gives | null, total: number): number {
  if (gives === null) return 0
  if ('amount' in gives) return gives.amount
  if (!('percent' in gives)) return 0
  const hundredths = BigInt(Math.round(gives.percent * 100))
  const share = Number((BigInt(total) * hundredths + 5_000n) / 10_000n)
  return Math.min(share, gives.atMost ?? share)
}

/**
 * Shares `total` out over `weights` by largest remainder: shares are in proportion to within one unit, none is above its
 * weight while the total is not above theirs, and they sum to the total exactly. Equal remainders go to the earlier one.
 */
export function allocate(total: number, weights: readonly number[]): number[] {
  const whole = BigInt(sum(weights))
  if (whole === 0n || total === 0) return weights.map(() => 0)
  const exact = weights.map((weight, at) => {
    const product = BigInt(total) * BigInt(weight)
    return { at, share: Number(product / whole), rest: product % whole }
  })
  const shares = exact.map(({ share }) => share)
  const byRest = exact.toSorted((a, b) => (a.rest === b.rest ? a.at - b.at : a.rest > b.rest ? -1 : 1))
  for (const { at } of byRest.slice(0, total - sum(shares))) shares[at] = (shares[at] ?? 0) + 1
  return shares
}
