/** What a story may ask of the events that its run has heard; the player of steps.ts hands itself in. */
import type { Properties } from '../../domain/journey.ts'
import type { Kit, Match } from './plan.ts'
import type { Words } from './referral-steps.ts'

/** The activities these words stand on. */
export type HeardActivity = 'beginning' | 'newestEvent'

export const heardWords: Words<Pick<Kit<string, string>, 'beginning' | 'newest'>> = {
  beginning: ({ host, input }) => host.activities.beginning({ run: input.run }),
  async newest(player, type, options) {
    const asked = { types: [type].flat(), match: askedOf(options?.match) }
    const found = await player.asking(`newest ${asked.types.join(', ')}`, (of) =>
      player.host.activities.newestEvent({ ...of, ...asked }),
    )
    return found ?? undefined
  },
}

/** Without what is not asked. */
export function askedOf(match: Match = {}): Properties {
  return Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined)) as Properties
}
