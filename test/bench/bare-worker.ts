/** A worker of bare workflows in a process of its own, so that its CPU can be told from ours. */
import { fileURLToPath } from 'node:url'
import { NativeConnection, Worker } from '@temporalio/worker'
import { installQuietRuntime } from '../quiet-sdk.ts'

process.once('message', (go: { address: string; taskQueue: string }) => void work(go))
process.once('disconnect', () => process.exit(0))
process.send?.('loaded')

async function work({ address, taskQueue }: { address: string; taskQueue: string }): Promise<void> {
  installQuietRuntime()
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    taskQueue,
    workflowsPath: fileURLToPath(new URL('./bare-workflow.ts', import.meta.url)),
    activities: { effect: () => Promise.resolve() },
    maxCachedWorkflows: 500,
  })
  void worker.run()
  process.send?.('working')
}
