/** What a coupon is, before any database. */
import type { CheckoutWords } from './offer.ts'

/** 32 symbols without 0, O, 1 and I: 5 bits each, 60 bits for 12, which cannot be guessed one by one. */
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const LENGTH = 12

/**
 * An offer as a plan words it; stored when a worker starts and from then on steered in the store. What it gives and needs may be
 * worded anew: each wording is a version, and a coupon keeps the one it was issued under.
 */
export interface Offer extends CheckoutWords {
  title: string
  /** How many coupons there are in all. */
  quota: number
  /** How many of them one customer may have. */
  perMember: number
  /** How many of them one occasion of its campaign or journey may give, in all zones; as many as there are unless said. */
  perOccasion?: number | undefined
  /** Over how many counters the quota is spread, for offers that a crowd asks for at once: 1 to 64, 1 unless said. */
  buckets?: number | undefined
}

/** The most counters one quota is spread over. */
export const BUCKETS_MOST = 64

/**
 * The most codes that are drawn in one batch. In five million, as much as anybody prints, two equal draws of 60 bits are a matter of
 * once in a hundred thousand batches.
 */
export const CODES_MOST = 5_000_000

/** What a story and its words know of a coupon. `expires` is a date on the customer's calendar: '2026-11-30'. */
export interface Coupon {
  code: string
  offer: string
  title: string
  expires: string
  expiresAt: string
}

/** A code of 12 symbols out of 12 random bytes, which the caller draws from a cryptographic source. */
export function codeFrom(random: Uint8Array): string {
  if (random.length < LENGTH) throw new RangeError(`a code needs ${LENGTH} random bytes, got ${random.length}`)
  return Array.from(random.subarray(0, LENGTH), (byte) => ALPHABET[byte & 31]).join('')
}

/** A code as somebody typed it, or undefined where it is none: small letters, blanks and dashes are forgiven. */
export function readCode(text: string): string | undefined {
  const code = text.toUpperCase().replace(/[\s-]/g, '')
  return code.length === LENGTH && [...code].every((symbol) => ALPHABET.includes(symbol)) ? code : undefined
}
