/** What a schedule starts: walks an audience page by page and enters those whose day it is. */
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common'
import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { Activities } from '../../activities/index.ts'
import { milliseconds } from '../../domain/duration.ts'
import { type Tempo, shopTime } from '../../domain/tempo.ts'

export interface SweepInput {
  journey: string
  tempo: Tempo
  /** Set when a sweep goes on in a new run. */
  progress?: { from: number; after: string; entered: number }
}

const { sweepPage } = proxyActivities<Activities>({
  startToCloseTimeout: '5 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
})

const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME)
const PAGES_A_RUN = 20

/**
 * Enters everyone whose occasion falls within a day of the time the sweep was due, which after an outage is not the time it
 * runs. Answers how many entered. Entering is keyed by the occasion: a sweep that runs twice enters nobody twice.
 */
export async function sweep({ journey, tempo, progress }: SweepInput): Promise<number> {
  const scheduled = workflowInfo().typedSearchAttributes.get(SCHEDULED_AT)?.getTime() ?? Date.now()
  const from = progress?.from ?? shopTime(tempo, scheduled)
  let after = progress?.after ?? ''
  let entered = progress?.entered ?? 0
  for (let page = 0; page < PAGES_A_RUN; page++) {
    const asked = shopTime(tempo, Date.now())
    const swept = await sweepPage({ journey, from, to: from + milliseconds('1 day'), after, asked })
    entered += swept.entered
    if (swept.next === null) return entered
    after = swept.next
  }
  return continueAsNew<typeof sweep>({ journey, tempo, progress: { from, after, entered } })
}
