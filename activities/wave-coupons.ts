/** The coupons of a wave: one each for those whom its message would reach, while there are some. */
import type { WaveTerms } from '../domain/campaign.ts'
import { milliseconds } from '../domain/duration.ts'
import { effectKey } from '../domain/ids.ts'
import { hasPlaces, issueCoupon, issuedAmong } from '../store/coupons.ts'
import { decideAll } from '../store/decisions.ts'
import { couponOf } from './coupons.ts'
import type { Parts, PlanFacts } from './index.ts'
import type { Candidates, PageRequest } from './wave-pages.ts'

/** What each of a page is told: the wave's message with the coupon, or what is said without one. */
export interface Coupons {
  customers: string[]
  limit: number
  cursor: string
  of: ReadonlyMap<string, { message: string; data: Record<string, unknown> }>
}

export function couponIssuer({ db, policy, drawCode, log }: Parts) {
  return async function issueAll(
    plan: PlanFacts,
    { send, coupon }: WaveTerms & Required<Pick<WaveTerms, 'coupon'>>,
    { going, ...page }: Candidates,
    { run: { occasion }, now }: Pick<PageRequest, 'run' | 'now'>,
  ): Promise<Coupons> {
    const { offer, valid, otherwise } = coupon
    const keyOf = (run: string): string => effectKey(run, 'coupon', offer, 1)
    // Once nothing is left nobody is asked for one by one: what was issued before stays theirs.
    const left = await hasPlaces(db, offer, occasion)
    const had = left
      ? undefined
      : await issuedAmong(
          db,
          going.map(({ run }) => keyOf(run)),
        )
    const of = new Map<string, { message: string; data: Record<string, unknown> }>()
    const none: typeof going = []
    for (const one of going) {
      const key = keyOf(one.run)
      if (had && !had.has(key)) {
        none.push(one)
        of.set(one.customer, { message: otherwise ?? send, data: {} })
        continue
      }
      const issue = await issueCoupon(db, {
        key,
        run: one.run,
        offer,
        valid,
        validMs: milliseconds(valid),
        now,
        drawCode,
      })
      const code = issue.is === 'refused' ? issue.code : undefined
      log({ effect: 'coupon', journey: plan.name, customer: one.customer, key, result: issue.is, code })
      const data = issue.is === 'issued' ? { coupon: couponOf(issue.coupon, policy.shopZone) } : {}
      of.set(one.customer, { message: issue.is === 'issued' ? send : (otherwise ?? send), data })
    }
    await decideAll(
      db,
      none.map(({ run, customer }) => ({
        key: keyOf(run),
        customer,
        journey: plan.name,
        enrolment: run,
        about: 'coupon' as const,
        verdict: 'refused',
        code: 'QUOTA_EXHAUSTED' as const,
        detail: offer,
        now,
      })),
    )
    return { ...page, of }
  }
}
