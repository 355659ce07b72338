/** What the store needs done from time to time, whoever is in a journey: an hourly schedule asks for it. */
import { forgetSlots } from '../store/release.ts'
import { forgetReceiptRequests, giveUpFates, pollFates } from './fates.ts'
import { announceAlerts } from '../store/budget-alerts.ts'
import { reviewBudgets } from '../store/budget-reviews.ts'
import { walkAudiences } from '../store/audience-walks.ts'
import { tellEvent } from '../store/events.ts'
import { releaseExpired } from '../store/coupon-budgets.ts'
import { reckonPage } from '../store/reckonings.ts'
import { expirePoints } from '../store/spends.ts'
import { type TierContext, endTiers, placeInTiers } from '../store/tiers.ts'
import type { Now, Parts } from './index.ts'

/** Does some of what is due, a page of it, and answers how much that was; 0 when nothing is left. */
type Job = (parts: Parts, now: number) => Promise<number>

/** In the order of the night: what is over goes before what counts it. */
const JOBS: Record<string, Job> = {
  'expire points': ({ db }, now) => expirePoints(db, { now }),
  'ask after messages': pollFates,
  'give up messages nobody speaks of': giveUpFates,
  'forget requests of providers': forgetReceiptRequests,
  'forget release slots': ({ db }, now) => forgetSlots(db, { now }),
  'release budgets of expired coupons': ({ db }, now) => releaseExpired(db, { now }),
  'review budgets': ({ db, policy }, now) => reviewBudgets(db, { now, zone: policy.shopZone }),
  'announce budget alerts': ({ db, alarm }, now) => (alarm ? announceAlerts(db, now, alarm) : Promise.resolve(0)),
  'end tier terms': (parts, now) => endTiers(parts.db, { now, ...tellingTo(parts) }),
  'place in tiers': (parts, now) => placeInTiers(parts.db, { now, ...tellingTo(parts) }),
  'reckon standings': (parts, now) => reckonPage(parts.db, { now, ...tellingTo(parts) }),
}

const tellingTo = ({ plans, policy }: Parts): TierContext => ({
  plans: [...plans.values()],
  shopZone: policy.shopZone,
  tell: tellEvent,
})

/** Only in a round that found nothing else to do: audiences look at what the other jobs decide. */
const LAST: Record<string, Job> = {
  'walk audiences': ({ db, policy, plans }, now) =>
    walkAudiences(db, { now, shopZone: policy.shopZone }, { plans: [...plans.values()], tell: tellEvent }),
}

/** How much each job did. */
export type Upkept = Record<string, number>

export function upkeepActivities(parts: Parts, now: Now) {
  return {
    /** One round: a page of each job. All zero when nothing is left; a round too many changes nothing. */
    async upkeep({ asked }: { asked: number }): Promise<Upkept> {
      const done: Upkept = {}
      for (const [job, work] of Object.entries(JOBS)) done[job] = await work(parts, now(asked))
      if (Object.values(done).some((some) => some > 0)) return done
      for (const [job, work] of Object.entries(LAST)) done[job] = await work(parts, now(asked))
      return done
    },
  }
}
