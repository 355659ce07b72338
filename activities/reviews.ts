/** What a person has to decide before a run goes on. SQL only, so local activities. */
import { partsOfRun } from '../domain/ids.ts'
import { type NewReview, type ReviewView, closeReview, openReview, viewReview } from '../store/reviews.ts'
import type { Now, Parts } from './index.ts'

export type AskReview = Omit<NewReview, 'now'> & { asked: number }

export function reviewActivities({ db, log }: Parts, now: Now) {
  return {
    /** Puts it in the queue; answers at once where it is decided already, or nobody is asked. */
    async openReview({ asked, ...review }: AskReview): Promise<ReviewView> {
      const view = await openReview(db, { ...review, now: now(asked) })
      const { journey, customer } = partsOfRun(review.run)
      log({ effect: 'review', journey, customer, key: review.key, result: view.decided?.decision ?? 'asked' })
      return view
    },

    /** What woke the run: the decision, or the run's end. */
    viewReview: (review: { run: string; key: string }): Promise<ReviewView> => viewReview(db, review),

    /** The last look at the deadline: the default, where nobody decided. */
    closeReview: (review: { run: string; key: string }): Promise<ReviewView> => closeReview(db, review),
  }
}
