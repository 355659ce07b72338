/** What the attempts before this one left of a message: a verdict, or one that died at the provider. */
import { settleCost } from '../store/message-costs.ts'
import { type Tx, inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { type RunState, lockRun } from '../store/enrolments.ts'
import { type MessageRow, lockMessage, settleMessage } from '../store/messages.ts'
import { noteOf } from './conclusions.ts'
import type { Now, Parts } from './index.ts'
import type { SendRequest, SendResult } from './messages.ts'

/** What an earlier attempt under the same key left; undefined where this one may go on. */
export async function answerBefore(
  tx: Tx,
  row: MessageRow,
  run: RunState,
  asked: number,
): Promise<SendResult | undefined> {
  if (row.status === 'held' || row.status === 'reserved') return undefined
  if (row.status !== 'sending') return verdictOf(row)
  // The attempt before this one died at the provider. Transactional: at least once. All else: never twice.
  if (row.class === 'transactional') return undefined
  return forsakeIn(tx, row, run, asked)
}

/** The attempt that had begun it died: nobody knows what became of it. */
async function forsakeIn(tx: Tx, row: MessageRow, run: RunState, asked: number): Promise<SendResult> {
  const code = 'SEND_FATE_UNKNOWN'
  await settleMessage(tx, row.key, { status: 'unknown', began: true, code, now: asked })
  await settleCost(tx, { key: row.key, now: asked })
  const request = { key: row.key, run: row.enrolment, message: row.message }
  await decide(tx, noteOf({ request, run }, { verdict: 'unknown', code, now: asked }))
  return { is: 'unknown', code }
}

/** The same for a message of which nobody else says that it is at work on it; one that was settled meanwhile stays so. */
export function forsaker({ db }: Pick<Parts, 'db'>, now: Now) {
  return ({ key, run, asked }: Pick<SendRequest, 'key' | 'run' | 'asked'>): Promise<void> =>
    inTransaction(db, async (tx) => {
      const state = await lockRun(tx, run)
      const row = await lockMessage(tx, key)
      if (state && row?.status === 'sending') await forsakeIn(tx, row, state, now(asked))
    })
}

/** What a row says that no attempt is at work on; undefined where one is, or will be. */
export function verdictOf(row: MessageRow): SendResult | undefined {
  switch (row.status) {
    case 'sending':
    case 'reserved':
      return undefined
    case 'sent':
    case 'accepted':
      return { is: row.status }
    case 'held':
      return { is: 'held', code: row.code ?? 'QUIET_HOURS', until: row.held_until?.getTime() ?? null }
    case 'skipped':
    case 'failed':
    case 'unknown':
      return { is: row.status, code: row.code ?? 'PROVIDER_REFUSED' }
  }
}
