/** A worker in a process of its own, for the tests that kill it. Loads everything, then works from the word 'go' on. */
import { readFile } from 'node:fs/promises'
import type { Channel } from '../../activities/channels/channel.ts'
import { emailChannel } from '../../activities/channels/email.ts'
import { aliyunSmsChannel } from '../../activities/channels/sms-aliyun.ts'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { CAPABILITIES } from '../../domain/channel.ts'
import type { Tempo } from '../../domain/tempo.ts'
import { startWorker } from '../../workers/worker.ts'
import { installQuietRuntime } from '../quiet-sdk.ts'
import { workerParts } from '../worker-parts.ts'

export interface Go {
  url: string
  address: string
  taskQueue: string
  bundleFile: string
  smtpUrl: string
  /** The SMS service in whose place mails are then sent, by HTTP. */
  smsUrl?: string
  /** Where the journeys lie, unless they are the house's. */
  folder?: string
  tempo: Tempo
}

/** How long a provider may be silent, ms of the machine. */
const SILENCE_MS = 1_000
const SMS_SECRET = 'a-secret-of-the-storm'

const catalogue = await readCatalogue()

process.once('message', (go: Go) => void work(go))
process.once('disconnect', () => process.exit(0))
process.send?.('loaded')

/** The SMS channel under the name of the one that journeys use, so that they storm it. */
function smsAsMail(endpoint: string): Channel {
  const templates = { '*': { id: 'T-1', params: { words: 'text' } } }
  const keys = { accessKeyId: 'id', accessKeySecret: SMS_SECRET }
  const channel = aliyunSmsChannel({ ...keys, sign: 'Shop', templates, endpoint, answerMs: SILENCE_MS, now: Date.now })
  return { ...channel, name: 'email', can: CAPABILITIES.email }
}

async function work({ url, address, taskQueue, bundleFile, smtpUrl, smsUrl, folder, tempo }: Go): Promise<void> {
  installQuietRuntime()
  const journeys = folder === undefined ? catalogue : await readCatalogue(new URL(folder))
  await startWorker({
    address,
    namespace: 'default',
    taskQueue,
    bundle: await readFile(bundleFile, 'utf8'),
    parts: workerParts(
      { url, tempo },
      {
        plans: plansOf(journeys),
        channels: new Map([
          [
            'email',
            smsUrl ? smsAsMail(smsUrl) : emailChannel({ smtpUrl, from: 'shop@shop.example', silenceMs: SILENCE_MS }),
          ],
        ]),
      },
    ),
  })
  process.send?.('working')
}
