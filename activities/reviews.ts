/** What a person has to decide or to do before a run goes on. SQL only, so local activities. */
import { workdaysAfter } from '../domain/holiday.ts'
import { partsOfRun } from '../domain/ids.ts'
import { holidaysOf } from '../store/holidays.ts'
import { type NewReview, type ReviewView, closeReview, openReview, viewReview } from '../store/reviews.ts'
import type { Now, Parts } from './index.ts'

export type AskReview = Omit<NewReview, 'now'> & { asked: number }

/** Whose public holidays are no working days. */
const REGION = 'CN'

export function reviewActivities({ db, policy, log }: Parts, now: Now) {
  return {
    /** Puts it in the queue; answers at once where it is decided already, or nobody is asked. */
    async openReview({ asked, ...review }: AskReview): Promise<ReviewView> {
      const view = await openReview(db, { ...review, now: now(asked) })
      const { journey, customer } = partsOfRun(review.run)
      const effect = review.otherwise === 'cannot' ? 'task' : 'review'
      log({ effect, journey, customer, key: review.key, result: view.decided?.decision ?? 'asked' })
      return view
    },

    /** The same time of day so many working days later, on the shop's clock and by the holidays it has been told of. */
    async workingDeadline({ workingDays, asked }: { workingDays: number; asked: number }): Promise<number> {
      return workdaysAfter(asked, workingDays, { zone: policy.shopZone, holidays: await holidaysOf(db, REGION) })
    },

    /** What woke the run: the decision, or the run's end. */
    viewReview: (review: { run: string; key: string }): Promise<ReviewView> => viewReview(db, review),

    /** The last look at the deadline: the default, where nobody decided. */
    closeReview: (review: { run: string; key: string }): Promise<ReviewView> => closeReview(db, review),
  }
}
