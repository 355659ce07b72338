/** What a worker of a test or a bench is made of in a process of its own, but for its journeys and channels. */
import { randomBytes } from 'node:crypto'
import type { Parts } from '../activities/index.ts'
import { codeFrom } from '../domain/coupon.ts'
import { type Tempo, clockOf } from '../domain/tempo.ts'
import { openStore } from '../store/db.ts'
import { OPEN_HOURS, PUBLIC_URL, SECRET } from './policy.ts'

export const workerParts = (
  { url, tempo }: { url: string; tempo: Tempo },
  { plans, channels }: Pick<Parts, 'plans' | 'channels'>,
): Parts => ({
  db: openStore({ url }),
  clock: clockOf(tempo, Date.now),
  plans,
  channels,
  policy: OPEN_HOURS,
  publicUrl: PUBLIC_URL,
  secret: SECRET,
  drawCode: () => codeFrom(randomBytes(12)),
  log: () => {},
})
