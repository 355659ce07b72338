/** A journey as a Temporal workflow. */
import {
  ActivityFailure,
  TimeoutFailure,
  type Workflow,
  condition,
  defineQuery,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities, SendRequest, SendResult } from '../../activities/index.ts'
import { type ChannelName, channelQueue } from '../../domain/channel.ts'
import { milliseconds } from '../../domain/duration.ts'
import type { MessageClass } from '../../domain/sending.ts'
import { type Tempo, machineSpan, shopTime } from '../../domain/tempo.ts'
import type { Journey } from './plan.ts'
import { type Host, type RunInput, type Where, playStory } from './steps.ts'

export interface WorkflowInput extends RunInput {
  tempo: Tempo
}

/** Says no more than: look. What happened stands in the store. */
export const wakeSignal = defineSignal('wake')
export const whereQuery = defineQuery<Where>('where')

const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 seconds' },
})

/** A share of shop time as machine time, within bounds that no tempo may pass. */
function bounded(tempo: Tempo, ms: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, machineSpan(tempo, ms)))
}

const SECOND = 1000
const MINUTE = 60 * SECOND

/** What a queue looks at first where more is waiting than its rate lets through. */
const PRIORITY: Record<MessageClass, number> = { transactional: 1, service: 2, marketing: 4 }

/** What of a plan says by which channel its messages go. */
interface Routed {
  class?: MessageClass
  channels?: readonly ChannelName[]
  messages?: Readonly<Partial<Record<string, { channels?: readonly ChannelName[] }>>>
}

/** The queue that is asked first. The gate chooses the channel: where it takes another, that one's queue is asked next. */
function firstChannel({ channels, messages }: Routed, message: string): ChannelName {
  return (messages?.[message]?.channels ?? channels)?.[0] ?? 'email'
}

/** A send is a normal activity: its id is its business key, and Temporal retries it until the message is stale. */
function sender(tempo: Tempo, plan: Routed) {
  const { taskQueue } = workflowInfo()
  const on = (channel: ChannelName) =>
    proxyActivities<Activities>({
      taskQueue: channelQueue(taskQueue, channel),
      priority: { priorityKey: PRIORITY[plan.class ?? 'marketing'] },
      startToCloseTimeout: bounded(tempo, milliseconds('1 day'), 5 * SECOND, MINUTE),
      scheduleToCloseTimeout: Math.max(10 * MINUTE, machineSpan(tempo, milliseconds('3 days'))),
      retry: {
        initialInterval: bounded(tempo, milliseconds('10 seconds'), 100, 10 * SECOND),
        backoffCoefficient: 2,
        maximumInterval: bounded(tempo, milliseconds('10 minutes'), SECOND, 10 * MINUTE),
      },
    })
  let calls = 0
  return async (request: SendRequest): Promise<SendResult> => {
    let channel = firstChannel(plan, request.message)
    try {
      for (;;) {
        calls += 1
        const asked = on(channel).sendMessage
        const result = await asked.executeWithOptions({ activityId: `${request.key}@${calls}` }, [request])
        if (result.is !== 'moved') return result
        channel = result.to
      }
    } catch (error) {
      if (!(error instanceof ActivityFailure && error.cause instanceof TimeoutFailure)) throw error
      const { key, run, message, asked } = request
      return local.expireMessage({ key, run, message, asked })
    }
  }
}

/** The workflow of a journey; its name is the journey's file name. */
export function workflowOf(definition: Journey): Workflow {
  return async function tell({ tempo, ...input }: WorkflowInput): Promise<void> {
    let wakes = 0
    let where: Where = { step: 'beginning', since: shopTime(tempo, Date.now()), until: null }
    setHandler(wakeSignal, () => void (wakes += 1))
    setHandler(whereQuery, () => where)
    const now = (): number => shopTime(tempo, Date.now())
    const host: Host = {
      now,
      wakes: () => wakes,
      async rest(until, handled) {
        const woken = (): boolean => wakes > handled
        if (until === null) {
          await condition(woken)
          return 'woken'
        }
        const span = machineSpan(tempo, until - now())
        return woken() || (span > 0 && (await condition(woken, span))) ? 'woken' : 'due'
      },
      moved(next) {
        where = next
        setCurrentDetails(next.step)
      },
      // All but the send are local; what is asked by name is found there.
      activities: Object.create(local, {
        sendMessage: { value: sender(tempo, definition.plan) },
      }) as Host['activities'],
    }
    await playStory(definition, host, input)
  }
}
