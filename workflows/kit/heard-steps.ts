/** What a story may ask of the events that its run has heard; the player of steps.ts hands itself in. */
import type { Properties } from '../../domain/journey.ts'
import type { Kit, Match } from './plan.ts'
import type { Words } from './referral-steps.ts'

/** The activities these words stand on. */
export type HeardActivity = 'beginning' | 'newestEvent'

export const heardWords: Words<Pick<Kit<string, string>, 'beginning' | 'newest'>> = {
  beginning: ({ host, input }) => host.activities.beginning({ run: input.run }),
  async newest(player, type, options) {
    const types = typeof type === 'string' ? [type] : [...type]
    const match = askedOf(options?.match)
    const found = await player.asking(`newest ${types.join(', ')}`, (of) =>
      player.host.activities.newestEvent({ types, match, ...of }),
    )
    return found ?? undefined
  },
}

/** Without what is not asked. */
export function askedOf(match?: Match): Properties {
  if (match === undefined) return {}
  const asked: Properties = {}
  for (const [key, value] of Object.entries(match)) if (value !== undefined) asked[key] = value
  return asked
}
