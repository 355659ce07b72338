/** What a shop's checkout may ask of a customer's points. Read in docs/api.md. */
import { z } from 'zod'
import { MONEY_MOST } from '../offer.ts'
import { keyPart, readAsked } from './request.ts'

/** Points that expired while they were spent come back for so many days; 0: they are forfeit. */
const GRACE_UNSAID = 30
const GRACE_MOST = 365

const CONTRACTS = {
  spend: z.strictObject({
    order: keyPart,
    amount: z
      .int('expected whole points')
      .min(1, 'expected 1 or more')
      .max(MONEY_MOST, `expected at most ${MONEY_MOST}`),
  }),
  restore: z.strictObject({
    order: keyPart,
    refund: keyPart,
    graceDays: z
      .int('expected whole days')
      .min(0)
      .max(GRACE_MOST, `expected 0 to ${GRACE_MOST} days`)
      .default(GRACE_UNSAID),
  }),
}

export type PointAction = keyof typeof CONTRACTS
export type PointRead<A extends PointAction> = z.output<(typeof CONTRACTS)[A]>

export const POINT_ACTIONS = Object.keys(CONTRACTS) as PointAction[]

/** Reads the body of a request, or throws CHECKOUT_INVALID with the first field that is wrong. */
export function readPointRequest<A extends PointAction>(action: A, body: unknown): PointRead<A> {
  return readAsked<unknown>(CONTRACTS[action], body, 'CHECKOUT_INVALID') as PointRead<A>
}
