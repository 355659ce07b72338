/** What a shop's checkout may ask of a coupon. Read in docs/api.md. */
import { z } from 'zod'
import { milliseconds } from '../duration.ts'
import { PerennialError } from '../errors.ts'
import { MONEY_MOST } from '../offer.ts'
import { keyPart, readAsked, readKey } from './request.ts'

const LINES_MOST = 500
const HOLD_LEAST = milliseconds('1 minute')
const HOLD_MOST = milliseconds('7 days')
const HOLD_UNSAID = '30 minutes'

const minor = z
  .int('expected a whole number of minor units')
  .min(0, 'expected 0 or more minor units')
  .max(MONEY_MOST, `expected at most ${MONEY_MOST} minor units`)

const standing = { customer: keyPart, order: keyPart, visitor: keyPart.optional() }
const line = z.strictObject({ id: keyPart, amount: minor, category: z.string().min(1).max(100).optional() })
const basket = {
  lines: z
    .array(line)
    .min(1, 'expected at least one line')
    .max(LINES_MOST, `expected at most ${LINES_MOST} lines`)
    .refine(
      (lines) => new Set(lines.map(({ id }) => id)).size === lines.length,
      'expected each line to have its own id',
    ),
  shipping: minor.default(0),
}
const hold = z
  .string()
  .default(HOLD_UNSAID)
  .transform((text, context) => {
    const ms = spanOf(text)
    if (ms !== undefined && ms >= HOLD_LEAST && ms <= HOLD_MOST) return ms
    context.addIssue("expected 1 minute to 7 days: '30 minutes'")
    return z.NEVER
  })

function spanOf(text: string): number | undefined {
  try {
    return milliseconds(text)
  } catch (error) {
    if (error instanceof PerennialError) return undefined
    throw error
  }
}

const CONTRACTS = {
  reserve: z.strictObject({ ...standing, ...basket, for: hold }),
  redeem: z.strictObject({ ...standing, ...basket }),
  release: z.strictObject(standing),
  refund: z.strictObject({
    ...standing,
    lines: z.array(keyPart).min(1, 'expected at least one line').max(LINES_MOST).optional(),
  }),
}

export type CheckoutAction = keyof typeof CONTRACTS
export type CheckoutRead<A extends CheckoutAction> = z.output<(typeof CONTRACTS)[A]>

export const CHECKOUT_ACTIONS = Object.keys(CONTRACTS) as CheckoutAction[]

/** Reads the body of a request, or throws CHECKOUT_INVALID with the first field that is wrong. */
export function readCheckout<A extends CheckoutAction>(action: A, body: unknown): CheckoutRead<A> {
  return readAsked<unknown>(CONTRACTS[action], body, 'CHECKOUT_INVALID') as CheckoutRead<A>
}

/** Throws CHECKOUT_INVALID. */
export const readIdempotencyKey = (key: unknown): string => readKey(key, 'CHECKOUT_INVALID')
