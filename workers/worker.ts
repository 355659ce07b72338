/** A Temporal worker over the parts it is handed: runs the journeys' workflows and all activities. */
import { NativeConnection, Worker } from '@temporalio/worker'
import type { Parts } from '../activities/index.ts'
import { createActivities } from '../activities/index.ts'
import { type ChannelName, channelQueue } from '../domain/channel.ts'

export interface WorkerOptions {
  address: string
  namespace: string
  taskQueue: string
  /** The code of the workflow bundle (workers/bundle.ts). */
  bundle: string
  parts: Parts
  tls?: boolean
  apiKey?: string | undefined
  /** Runs kept in memory; a run that is not is replayed when it wakes. */
  cachedRuns?: number
  /** Messages a second that the server hands out by channel, over all workers; without one as fast as it goes. */
  rates?: ReadonlyMap<ChannelName, number>
}

export interface RunningWorker {
  state(): string
  /** Lets what is in hand finish, then ends. */
  stop(): Promise<void>
}

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { address, namespace, taskQueue, bundle, parts, tls = false, apiKey, cachedRuns = 500, rates } = options
  const connection = await NativeConnection.connect({ address, tls, ...(apiKey ? { apiKey } : {}) })
  const common = {
    connection,
    namespace,
    // The SDK's default of 0 would cut off a mail in mid-sentence.
    shutdownGraceTime: '10 seconds',
    shutdownForceTime: '20 seconds',
  } as const
  const journeys = await Worker.create({
    ...common,
    taskQueue,
    workflowBundle: { code: bundle },
    activities: createActivities(parts),
    maxCachedWorkflows: cachedRuns,
    // A worker that was killed is given up quickly, so that its runs go on elsewhere.
    stickyQueueScheduleToStartTimeout: '2 seconds',
  })
  // A queue each for the channels that can send; a message for another never gets there, as the gate passes it over.
  const names = [...parts.channels.values()].filter(({ ready }) => ready.ok).map(({ name }) => name)
  const channels = names.map(async (name) => {
    const { sendMessage } = createActivities({ ...parts, at: name })
    const rate = rates?.get(name)
    return Worker.create({
      ...common,
      taskQueue: channelQueue(taskQueue, name),
      activities: { sendMessage },
      ...(rate !== undefined && { maxTaskQueueActivitiesPerSecond: rate }),
    })
  })
  const all = [journeys, ...(await Promise.all(channels))]
  const ended = Promise.all(all.map((worker) => worker.run()))
  // Whoever waits in stop() gets the failure; this keeps it from ending the process before.
  ended.catch(() => {})
  return {
    state: () => all.find((worker) => worker.getState() !== 'RUNNING')?.getState() ?? 'RUNNING',
    async stop() {
      for (const worker of all) if (worker.getState() === 'RUNNING') worker.shutdown()
      await ended
      await connection.close()
    },
  }
}
