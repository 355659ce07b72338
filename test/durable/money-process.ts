/**
 * A worker in a process of its own, whose money activities answer nothing the first time: each tells its parent that it has
 * committed, and hangs, so that the kill falls between the commit and the answer. Those that were struck before answer.
 */
import { readFile } from 'node:fs/promises'
import { NativeConnection, Worker } from '@temporalio/worker'
import { type Activities, createActivities } from '../../activities/index.ts'
import { emailChannel } from '../../activities/channels/email.ts'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { installQuietRuntime } from '../quiet-sdk.ts'
import { workerParts } from '../worker-parts.ts'
import type { Go } from './worker-process.ts'

export type MoneyGo = Go & { struck: string[] }

const STRUCK = ['issueCoupon', 'awardPoints', 'settlePoints', 'takeBackPoints'] as const

const catalogue = await readCatalogue()

process.once('message', (go: MoneyGo) => void work(go))
process.once('disconnect', () => process.exit(0))
process.send?.('loaded')

function hanging(activities: Activities, struck: ReadonlySet<string>): object {
  const wrapped = STRUCK.map((name) => {
    const activity = activities[name] as (asked: { key?: string; run: string }) => Promise<unknown>
    const hangs = async (asked: { key?: string; run: string }): Promise<unknown> => {
      const answer = await activity(asked)
      const effect = `${name} ${asked.key ?? asked.run}`
      if (struck.has(effect)) return answer
      process.send?.({ committed: effect })
      return new Promise(() => {})
    }
    return [name, hangs]
  })
  return { ...activities, ...Object.fromEntries(wrapped) }
}

async function work({ url, address, taskQueue, bundleFile, smtpUrl, tempo, struck }: MoneyGo): Promise<void> {
  installQuietRuntime()
  const plans = new Map([...plansOf(catalogue)].map(([name, plan]) => [name, { ...plan, holdout: 0 }]))
  const channels = new Map([['email', emailChannel({ smtpUrl, from: 'shop@shop.example' })]] as const)
  const activities = createActivities(workerParts({ url, tempo }, { plans, channels }))
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    taskQueue,
    workflowBundle: { code: await readFile(bundleFile, 'utf8') },
    activities: hanging(activities, new Set(struck)),
    stickyQueueScheduleToStartTimeout: '1 second',
  })
  process.send?.('working')
  await worker.run()
}
