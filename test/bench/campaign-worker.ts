/** A worker in a process of its own for the campaign bench, which kills it: what its log channel is given goes into a file at once. */
import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { logChannel } from '../../activities/channels/log.ts'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import type { Tempo } from '../../domain/tempo.ts'
import { startWorker } from '../../workers/worker.ts'
import { installQuietRuntime } from '../quiet-sdk.ts'
import { workerParts } from '../worker-parts.ts'

export interface CampaignGo {
  url: string
  address: string
  taskQueue: string
  bundleFile: string
  tempo: Tempo
  /** A line for each message: its key. */
  arrived: string
}

const catalogue = await readCatalogue(new URL('workflows/', import.meta.url))

process.once('message', (go: CampaignGo) => void work(go))
process.once('disconnect', () => process.exit(0))
process.send?.('loaded')

async function work({ url, address, taskQueue, bundleFile, tempo, arrived }: CampaignGo): Promise<void> {
  installQuietRuntime()
  const file = openSync(arrived, 'a')
  const channel = logChannel(({ key }) => void writeSync(file, `${key}\n`))
  await startWorker({
    address,
    namespace: 'default',
    taskQueue,
    bundle: await readFile(bundleFile, 'utf8'),
    parts: workerParts({ url, tempo }, { plans: plansOf(catalogue), channels: new Map([['log', channel]]) }),
  })
  process.send?.('working')
}
