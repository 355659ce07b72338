/** What a story may ask of the events that its run has heard; the player of steps.ts hands itself in. */
import type { Properties } from '../../domain/journey.ts'
import type { Kit, Match } from './plan.ts'
import type { Playing } from './referral-steps.ts'

/** The activities these words stand on. */
export type HeardActivity = 'beginning' | 'newestEvent'

export function heardSteps(player: Playing): Pick<Kit<string, string>, 'beginning' | 'newest'> {
  const { activities } = player.host
  return {
    beginning: () => activities.beginning({ run: player.input.run }),
    async newest(type, options) {
      const asked = { types: [type].flat(), match: askedOf(options?.match) }
      const found = await player.asking(`newest ${asked.types.join(', ')}`, (of) =>
        activities.newestEvent({ ...of, ...asked }),
      )
      return found ?? undefined
    },
  }
}

/** Without what is not asked. */
export function askedOf(match: Match = {}): Properties {
  return Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined)) as Properties
}
