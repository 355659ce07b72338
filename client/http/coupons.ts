/** POST /v1/coupons/:code/reserve, /redeem, /release and /refund: the shop's checkout. */
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { CHECKOUT_ACTIONS } from '../../domain/contracts/checkout.ts'
import { REFUSALS } from '../../domain/errors.ts'
import { type CouponAnswer, type CouponParts, askCoupon } from '../coupons.ts'
import { type ShopRoutesParts, shopRoutes } from './shop-routes.ts'

export type CouponRoutesParts = CouponParts & ShopRoutesParts

type Asked = { Params: { code: string } }

const TOO_MANY = 429

/** A refusal is an answer, not an error: 200 with its code. Only who guesses codes is told 429, which programs understand. */
export function couponRoutes(parts: CouponRoutesParts): FastifyPluginAsync {
  return shopRoutes(parts, (app, during) => {
    for (const action of CHECKOUT_ACTIONS) {
      app.post<Asked>(`/v1/coupons/:code/${action}`, async (request, reply) => {
        const call = { code: request.params.code, key: request.headers['idempotency-key'], body: request.body }
        return told(await during(request, () => askCoupon(parts, action, call)), reply)
      })
    }
  })
}

function told(answer: CouponAnswer, reply: FastifyReply): object {
  if (answer.ok) return answer
  const { code, retryAfterMs } = answer
  if (retryAfterMs !== undefined) reply.code(TOO_MANY).header('retry-after', Math.ceil(retryAfterMs / 1000))
  return { ok: false, code, meaning: REFUSALS[code] }
}
