/** Referrals and reviews over HTTP: a customer's referral, a claim, the queue of reviews and a decision. */
import type { FastifyPluginAsync } from 'fastify'
import { readRequest, readReviewId } from '../../domain/contracts/referral.ts'
import { REFUSALS, type Refusal } from '../../domain/errors.ts'
import type { Routing } from '../../domain/journey.ts'
import { type ReferralParts, answerReview, askClaim, listReviews, referralReport } from '../referrals.ts'
import { type ShopRoutesParts, shopRoutes } from './shop-routes.ts'

export interface ReferralRoutesParts extends ReferralParts, ShopRoutesParts {
  plans: readonly Routing[]
}

const TOO_MANY = 429

/** A refusal is an answer, not an error: 200 with its code; only who guesses codes is told 429. */
export function referralRoutes(parts: ReferralRoutesParts): FastifyPluginAsync {
  return shopRoutes(parts, (app, during) => {
    app.get<{ Params: { id: string } }>('/v1/customers/:id/referral', (request) =>
      during(request, () => referralReport(parts, request.params.id)),
    )
    app.post<{ Params: { code: string } }>('/v1/referrals/:code/claim', async (request, reply) => {
      const { params, headers, body } = request
      const call = { code: params.code, key: headers['idempotency-key'], body }
      const answer = await during(request, () => askClaim(parts, call))
      if (answer.ok) return answer
      const { code, retryAfterMs } = answer
      if (retryAfterMs !== undefined) reply.code(TOO_MANY).header('retry-after', Math.ceil(retryAfterMs / 1000))
      return refused(code)
    })
    app.get('/v1/reviews', async (request) => ({ reviews: await during(request, () => listReviews(parts)) }))
    app.post<{ Params: { id: string } }>('/v1/reviews/:id', async (request) => {
      const id = readReviewId(request.params.id)
      const decision = readRequest('review', request.body)
      const answer = await during(request, () => answerReview(parts, { id, ...decision }))
      return answer.ok ? answer : refused(answer.code)
    })
  })
}

const refused = (code: Refusal): object => ({ ok: false, code, meaning: REFUSALS[code] })
