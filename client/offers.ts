/** Steering an offer, with what the store cannot know: whether the runs of its plans are of an occasion. */
import { PerennialError } from '../domain/errors.ts'
import { knowsOccasions } from '../domain/journey.ts'
import { type Steered, type Steering, steerOffer } from '../store/quota.ts'
import type { OperatorParts } from './operator.ts'

/** Throws OFFER_UNKNOWN, QUOTA_INVALID. An offer that no plan has any more is steered as the store has it. */
export async function steer({ db, catalogue }: OperatorParts, steering: Steering): Promise<Steered> {
  const { offer, perOccasion } = steering
  const plans = [...catalogue.values()].flatMap(({ plan }) => (Object.hasOwn(plan.offers, offer) ? [plan] : []))
  if (perOccasion !== undefined && plans.length > 0 && !plans.some(knowsOccasions)) {
    throw new PerennialError('QUOTA_INVALID', `'${offer}' is given on no occasion`, {
      field: 'perOccasion',
      expected: 'an offer of a campaign, a sweep or a journey with an occasion',
    })
  }
  return steerOffer(db, steering)
}
