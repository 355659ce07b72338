/** What expires soon, read anew before each message of it. SQL only, so a local activity. */
import { PerennialError } from '../domain/errors.ts'
import { type ExpiringAnswer, type ExpiryKind, expiringIn } from '../domain/expiry.ts'
import { partsOfRun } from '../domain/ids.ts'
import { customer as customerById } from '../store/customers.ts'
import { expiringCoupons, expiringLots } from '../store/expiring.ts'
import type { Now, Parts } from './index.ts'

export interface ExpiringRequest {
  /** Its occasion is the first day of the week it tells of. */
  run: string
  kind: ExpiryKind
  daysBefore: number
  /** Whether the run has waited for that day. */
  waited: boolean
  asked: number
}

export function expiryActivities({ db, plans, policy }: Parts, now: Now) {
  return {
    /**
     * Whether it is time to tell of what expires in the week of the run, and of what: wait, past, or nothing that is worth it.
     * Throws JOURNEY_UNKNOWN where no sweep begins the journey.
     */
    async expiringSoon({ run, kind, daysBefore, waited, asked }: ExpiringRequest): Promise<ExpiringAnswer> {
      const { journey, customer, occasion } = partsOfRun(run)
      const sweep = plans.get(journey)?.sweep
      if (!sweep || occasion === null)
        throw new PerennialError('JOURNEY_UNKNOWN', `no swept journey '${journey}'`, { field: 'journey' })
      const zone = (await customerById(db, customer))?.zone ?? policy.shopZone
      const at = now(asked)
      const items = await (kind === 'points' ? expiringLots : expiringCoupons)(db, { customer, now: at })
      return expiringIn(items, {
        from: occasion,
        zone,
        now: at,
        daysBefore,
        waited,
        at: sweep.at,
        worth: sweep.worth ?? 1,
      })
    },
  }
}
