/** What an hourly schedule starts: points expire, and whatever else has a time of its own. */
import { proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../../activities/index.ts'
import { type Tempo, shopTime } from '../../domain/tempo.ts'

const activities = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
})

/** What is left after so many rounds waits for the next hour. */
const ROUNDS_MOST = 200

/** Round after round until nothing is left; answers how many there were. */
export async function upkeep({ tempo }: { tempo: Tempo }): Promise<number> {
  for (let round = 1; round <= ROUNDS_MOST; round++) {
    const done = await activities.upkeep({ asked: shopTime(tempo, Date.now()) })
    if (Object.values(done).every((some) => some === 0)) return round
  }
  return ROUNDS_MOST
}
