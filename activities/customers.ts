/** Customers: the facts a story asks for, and the pages of a sweep. */
import { leastWorth } from '../domain/audience.ts'
import { localDate } from '../domain/calendar.ts'
import type { Facts } from '../domain/customer.ts'
import { PerennialError } from '../domain/errors.ts'
import { runId } from '../domain/ids.ts'
import { factsOf, lockCustomer } from '../store/customers.ts'
import { inTransaction } from '../store/db.ts'
import { newestSeq } from '../store/events.ts'
import { enterOccasion } from '../store/occasions.ts'
import { standingOf } from '../store/standings.ts'
import { tierStanding } from '../store/tier-benefits.ts'
import { MEMBERS, type Member } from './audiences.ts'
import type { Now, Parts, PlanFacts } from './index.ts'

export interface SweepPage {
  journey: string
  /** Occasions that fall in [from, to), shop time. */
  from: number
  to: number
  after: string
  asked: number
}

export interface SweptPage {
  /** Where the next page begins; null after the last. */
  next: string | null
  seen: number
  entered: number
}

const PAGE = 500

export function customerActivities(parts: Parts, now: Now) {
  const { db, policy, log } = parts

  async function enter(plan: PlanFacts, { customer, occasion, instant }: Member, page: SweepPage): Promise<boolean> {
    const entered = await inTransaction(db, async (tx) => {
      // Behind the customer's lock, so that no event that is being stored falls between the newest seq and the run.
      await lockCustomer(tx, customer)
      const begunSeq = await newestSeq(tx, customer)
      const of = { customer, occasion, instant, begunBy: 'sweep', begunSeq, now: now(page.asked) }
      return enterOccasion(tx, plan, of)
    })
    const key = runId({ journey: plan.name, customer, occasion })
    if (entered) log({ effect: 'enrol', journey: plan.name, customer, key, result: 'entered' })
    return entered
  }

  return {
    /** What a story branches on. Throws CUSTOMER_UNKNOWN. */
    async customerFacts({ customer: id, asked = 0 }: { customer: string; asked?: number }): Promise<Facts> {
      const facts = await factsOf(db, { customer: id, now: now(asked) })
      if (!facts) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
      const tier = await tierStanding(db, { customer: id, now: now(asked), shopZone: policy.shopZone })
      const today = localDate(now(asked), facts.zone ?? policy.shopZone)
      return { ...facts, today, tier, standing: await standingOf(db, id) }
    },

    /** Enters one page of the audience; those who are in already are not entered again, however often the page is walked. */
    async sweepPage(page: SweepPage): Promise<SweptPage> {
      const plan = parts.plans.get(page.journey)
      if (!plan?.sweep)
        throw new PerennialError('JOURNEY_UNKNOWN', `no swept journey '${page.journey}'`, { field: 'journey' })
      const { from, to, after } = page
      const { at, audience, worth = leastWorth(audience) } = plan.sweep
      const { walked, members } = await MEMBERS[audience](db, {
        journey: plan.name,
        from,
        to,
        at,
        worth,
        after,
        limit: PAGE,
        shopZone: policy.shopZone,
      })
      let entered = 0
      for (const one of members) if (await enter(plan, one, page)) entered++
      return { next: walked.length < PAGE ? null : (walked.at(-1) ?? null), seen: walked.length, entered }
    },
  }
}
