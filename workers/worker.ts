/** A Temporal worker over the parts it is handed: runs the journeys' workflows and all activities. */
import { NativeConnection, Worker } from '@temporalio/worker'
import type { Parts } from '../activities/index.ts'
import { createActivities } from '../activities/index.ts'

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
}

export interface RunningWorker {
  state(): string
  /** Lets what is in hand finish, then ends. */
  stop(): Promise<void>
}

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { address, namespace, taskQueue, bundle, parts, tls = false, apiKey, cachedRuns = 500 } = options
  const connection = await NativeConnection.connect({ address, tls, ...(apiKey ? { apiKey } : {}) })
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: { code: bundle },
    activities: createActivities(parts),
    maxCachedWorkflows: cachedRuns,
    // The SDK's default of 0 would cut off a mail in mid-sentence.
    shutdownGraceTime: '10 seconds',
    shutdownForceTime: '20 seconds',
    // A worker that was killed is given up quickly, so that its runs go on elsewhere.
    stickyQueueScheduleToStartTimeout: '2 seconds',
  })
  const ended = worker.run()
  // Whoever waits in stop() gets the failure; this keeps it from ending the process before.
  ended.catch(() => {})
  return {
    state: () => worker.getState(),
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown()
      await ended
      await connection.close()
    },
  }
}
