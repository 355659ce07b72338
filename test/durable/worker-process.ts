/** A worker in a process of its own, for the tests that kill it. Loads everything, then works from the word 'go' on. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { emailChannel } from '../../activities/channels/email.ts'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { codeFrom } from '../../domain/coupon.ts'
import { type Tempo, clockOf } from '../../domain/tempo.ts'
import { openStore } from '../../store/db.ts'
import { startWorker } from '../../workers/worker.ts'
import { OPEN_HOURS, PUBLIC_URL, SECRET } from '../policy.ts'
import { installQuietRuntime } from '../quiet-sdk.ts'

export interface Go {
  url: string
  address: string
  taskQueue: string
  bundleFile: string
  smtpUrl: string
  tempo: Tempo
}

const catalogue = await readCatalogue()

process.once('message', (go: Go) => void work(go))
process.once('disconnect', () => process.exit(0))
process.send?.('loaded')

async function work({ url, address, taskQueue, bundleFile, smtpUrl, tempo }: Go): Promise<void> {
  installQuietRuntime()
  await startWorker({
    address,
    namespace: 'default',
    taskQueue,
    bundle: await readFile(bundleFile, 'utf8'),
    parts: {
      db: openStore({ url }),
      clock: clockOf(tempo, Date.now),
      plans: plansOf(catalogue),
      channels: new Map([['email', emailChannel({ smtpUrl, from: 'shop@shop.example' })]]),
      policy: OPEN_HOURS,
      publicUrl: PUBLIC_URL,
      secret: SECRET,
      drawCode: () => codeFrom(randomBytes(12)),
      log: () => {},
    },
  })
  process.send?.('working')
}
