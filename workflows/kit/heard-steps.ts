/** What a story may ask of the events that its run has heard; the player of steps.ts hands itself in. */
import type { Properties } from '../../domain/journey.ts'
import type { Kit, Match } from './plan.ts'
import type { Playing } from './referral-steps.ts'

/** The activities these words stand on. */
export type HeardActivity = 'beginning' | 'newestEvent'

export function heardSteps({ host, input: { run } }: Playing): Pick<Kit<string, string>, 'beginning' | 'newest'> {
  return {
    beginning: () => host.activities.beginning({ run }),
    async newest(type, options) {
      const types = [type].flat()
      return (await host.activities.newestEvent({ run, types, match: askedOf(options?.match) })) ?? undefined
    },
  }
}

/** Without what is not asked. */
export function askedOf(match: Match = {}): Properties {
  return Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined)) as Properties
}
