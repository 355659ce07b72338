/** Customers: the facts a story asks for, and the pages of a sweep. */
import { birthdayWithin, birthdaysAround } from '../domain/calendar.ts'
import type { Facts } from '../domain/customer.ts'
import { PerennialError } from '../domain/errors.ts'
import { armOf } from '../domain/experiment.ts'
import { runId } from '../domain/ids.ts'
import { type Customer, customersByBirthday, factsOf, lockCustomer } from '../store/customers.ts'
import { inTransaction } from '../store/db.ts'
import { enrol } from '../store/enrolments.ts'
import { newestSeq } from '../store/events.ts'
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

  async function enterBirthday(plan: PlanFacts, one: Customer, page: SweepPage): Promise<boolean> {
    const { birth_month: month, birth_day: day } = one
    if (month === null || day === null || plan.sweep === undefined) return false
    const kept = birthdayWithin({ month, day }, one.zone ?? policy.shopZone, plan.sweep.at, page)
    if (!kept) return false
    const asked = now(page.asked)
    const entered = await inTransaction(db, async (tx) => {
      // Behind the customer's lock, so that no event that is being stored falls between the newest seq and the run.
      await lockCustomer(tx, one.id)
      return enrol(tx, {
        journey: plan.name,
        customer: one.id,
        occasion: String(kept.year),
        arm: armOf(plan.name, one.id, plan.holdout),
        begunBy: 'sweep',
        begunSeq: await newestSeq(tx, one.id),
        startsAt: Math.max(kept.instant, asked),
        goalUntil: plan.goal?.within ? Math.max(kept.instant, asked) + plan.goal.within : null,
        now: asked,
      })
    })
    if (entered)
      log({
        effect: 'enrol',
        journey: plan.name,
        customer: one.id,
        key: runId({ journey: plan.name, customer: one.id, occasion: String(kept.year) }),
        result: 'entered',
      })
    return entered
  }

  return {
    /** What a story branches on. Throws CUSTOMER_UNKNOWN. */
    async customerFacts({ customer: id }: { customer: string }): Promise<Facts> {
      const facts = await factsOf(db, id)
      if (!facts) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
      return facts
    },

    /** Enters one page of the audience; those who are in already are not entered again, however often the page is walked. */
    async sweepPage(page: SweepPage): Promise<SweptPage> {
      const plan = parts.plans.get(page.journey)
      if (!plan?.sweep)
        throw new PerennialError('JOURNEY_UNKNOWN', `no swept journey '${page.journey}'`, { field: 'journey' })
      const people = await customersByBirthday(db, { days: birthdaysAround(page), after: page.after, limit: PAGE })
      let entered = 0
      for (const one of people) if (await enterBirthday(plan, one, page)) entered++
      return { next: people.length < PAGE ? null : (people.at(-1)?.id ?? null), seen: people.length, entered }
    },
  }
}
