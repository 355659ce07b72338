/** Campaigns as one Temporal workflow: it tells a story of waves for one zone. What is done stands in the store, page by page. */
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common'
import {
  ApplicationFailure,
  ContinueAsNew,
  type Workflow,
  condition,
  continueAsNew,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../../activities/index.ts'
import type { WaveCounts, WaveTerms } from '../../domain/campaign.ts'
import { milliseconds } from '../../domain/duration.ts'
import { type Tempo, machineSpan, shopTime } from '../../domain/tempo.ts'
import type { Campaign } from './campaign-plan.ts'
import { wakeSignal, whereQuery } from './run.ts'

/** One schedule a campaign and zone starts it, or an operator by its occasion. */
export interface CampaignInput {
  campaign: string
  zone: string
  tempo: Tempo
  occasion?: string
}

const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 seconds' },
})

/** Pages beat while they are at work, so that what a dead worker left is taken up soon. */
const pagingAt = (tempo: Tempo) =>
  proxyActivities<Activities>({
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: Math.min(10_000, Math.max(2_000, machineSpan(tempo, milliseconds('1 hour')))),
    retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
  })

const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME)

/** Far below what a history may have: the next run goes on where the store says. */
const EVENTS_MOST = 2_000

/** An operator ended the campaign. */
class Stopped extends Error {}

class Teller {
  private wakes = 0
  private ordinal = 0
  private readonly input: CampaignInput
  private readonly run: string
  private readonly paging: ReturnType<typeof pagingAt>

  constructor(input: CampaignInput, run: string) {
    this.input = input
    this.run = run
    this.paging = pagingAt(input.tempo)
    setHandler(wakeSignal, () => void (this.wakes += 1))
  }

  now(): number {
    return shopTime(this.input.tempo, Date.now())
  }

  async wave(name: string, terms: WaveTerms): Promise<WaveCounts> {
    const { run } = this
    this.ordinal += 1
    const opened = await local.openWave({ run, name, ordinal: this.ordinal, terms, asked: this.now() })
    if (opened.counts) return opened.counts
    this.move(`wave ${name}`, opened.due)
    await this.restUntil(opened.due)
    for (;;) {
      const handled = this.wakes
      const went = await this.paging.sendWave({ wave: opened.wave, run, name, terms, asked: this.now() })
      if (went.is === 'done') return went.counts
      if (went.is === 'stopped') throw new Stopped()
      if (went.is === 'resting') {
        this.move(`wave ${name}, ${went.why}`, went.until)
        await this.rest(went.until, handled)
      }
      await this.goOnAnew()
    }
  }

  /** The next run tells the story from its beginning: waves that are done answer at once. */
  private async goOnAnew(): Promise<void> {
    const { historyLength, continueAsNewSuggested } = workflowInfo()
    if (historyLength > EVENTS_MOST || continueAsNewSuggested) await continueAsNew<Workflow>(this.input)
  }

  private async restUntil(until: number): Promise<void> {
    while (this.now() < until) {
      const handled = this.wakes
      if ((await this.rest(until, handled)) === 'due') return
      const { status } = await local.campaignStatus({ run: this.run })
      if (status !== 'running') throw new Stopped()
    }
  }

  private async rest(until: number | null, handled: number): Promise<'due' | 'woken'> {
    const woken = (): boolean => this.wakes > handled
    if (until === null) await condition(woken)
    else {
      const span = machineSpan(this.input.tempo, until - this.now())
      if (!woken() && (span <= 0 || !(await condition(woken, span)))) return 'due'
    }
    return 'woken'
  }

  private move(step: string, until: number | null): void {
    const where = { step, since: this.now(), until }
    setHandler(whereQuery, () => where)
    setCurrentDetails(step)
  }
}

/** The workflow of all campaigns; its input names which. */
export function campaignsOf(definitions: Readonly<Record<string, Campaign>>): Workflow {
  return async function campaign(input: CampaignInput): Promise<string> {
    const definition = definitions[input.campaign]
    if (!definition) throw ApplicationFailure.nonRetryable(`no campaign '${input.campaign}'`, 'JOURNEY_UNKNOWN')
    const { workflowId, typedSearchAttributes } = workflowInfo()
    const scheduled = typedSearchAttributes.get(SCHEDULED_AT)?.getTime() ?? Date.now()
    const asked = shopTime(input.tempo, Date.now())
    const { campaign: name, zone, occasion } = input
    const opened = await local.openCampaign({
      campaign: name,
      zone,
      ...(occasion !== undefined && { occasion }),
      scheduled: shopTime(input.tempo, scheduled),
      workflow: workflowId,
      asked,
    })
    if (opened.is !== 'open') return opened.is
    const teller = new Teller({ ...input, occasion: opened.occasion }, opened.run)
    const close = (status: 'completed' | 'stopped' | 'failed', reason: string): Promise<void> =>
      pagingAt(input.tempo).closeCampaign({ run: opened.run, status, reason, asked: teller.now() })
    try {
      await definition.waves({ wave: (wave, terms) => teller.wave(wave, terms) })
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error
      if (!(error instanceof Stopped)) {
        await close('failed', error instanceof Error ? error.message : String(error))
        throw error
      }
      await close('stopped', 'operator')
      return 'stopped'
    }
    await close('completed', 'the story was told')
    return 'completed'
  }
}
