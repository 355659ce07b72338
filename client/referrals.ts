/** The doors to referrals and reviews, whoever stands at them: HTTP, the CLI, a shop's own program in this process. */
import { readIdempotencyKey } from '../domain/contracts/checkout.ts'
import { readRequest } from '../domain/contracts/referral.ts'
import { PerennialError } from '../domain/errors.ts'
import type { Routing } from '../domain/journey.ts'
import type { Clock } from '../domain/tempo.ts'
import { claimReferral } from '../store/claims.ts'
import { customer as customerById } from '../store/customers.ts'
import { type Db, storeError } from '../store/db.ts'
import {
  type CustomerReferral,
  type ReferralLine,
  referralLines,
  referralsOfCustomer,
} from '../store/referral-reports.ts'
import type { ClaimAnswer } from '../store/referrals.ts'
import { type DecideReview, type ReviewAnswer, type ReviewLine, decideReview, openReviews } from '../store/reviews.ts'

export interface ReferralParts {
  db: Db
  clock: Clock
}

/**
 * Makes a customer the friend of whoever has the code, or says why not. Throws REQUEST_INVALID, CHECKOUT_INVALID (no key),
 * CUSTOMER_UNKNOWN, IDEMPOTENCY_MISMATCH and STORE_UNAVAILABLE: ask again under the same key.
 */
export async function askClaim(
  { db, clock, plans }: ReferralParts & { plans: readonly Routing[] },
  { code, key, body }: { code: string; key: unknown; body: unknown },
): Promise<ClaimAnswer> {
  const asked = { ...readRequest('claim', body), code, key: readIdempotencyKey(key), plans, now: () => clock.now() }
  return known(claimReferral(db, asked))
}

/** A customer as advocate and as friend. Throws CUSTOMER_UNKNOWN. */
export async function referralReport({ db }: Pick<ReferralParts, 'db'>, id: string): Promise<CustomerReferral> {
  if (!(await known(customerById(db, id)))) {
    throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
  }
  return known(referralsOfCustomer(db, id))
}

/** The newest referrals, of one customer or of all. Throws CUSTOMER_UNKNOWN. */
export async function listReferrals({ db }: Pick<ReferralParts, 'db'>, customer?: string): Promise<ReferralLine[]> {
  if (customer !== undefined) await referralReport({ db }, customer)
  return known(referralLines(db, { customer: customer ?? null }))
}

/** What is to be decided, the most urgent first. */
export const listReviews = ({ db, clock }: ReferralParts): Promise<ReviewLine[]> =>
  known(openReviews(db, { now: clock.now() }))

/** Decides a review, or says why that is no longer possible. Throws REVIEW_UNKNOWN. */
export const answerReview = ({ db, clock }: ReferralParts, review: Omit<DecideReview, 'now'>): Promise<ReviewAnswer> =>
  known(decideReview(db, { ...review, now: () => clock.now() }))

async function known<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw storeError(error)
  }
}
