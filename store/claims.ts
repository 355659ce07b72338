/** A claim that is asked for over HTTP: once under its own key, and answered at once. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { PerennialError } from '../domain/errors.ts'
import { type Routing, canonical } from '../domain/journey.ts'
import { lockCustomer } from './customers.ts'
import { type Db, type Tx, at, inTransaction, isUniqueViolation } from './db.ts'
import { tellEvent } from './events.ts'
import { type ClaimAnswer, claimIn, lockTogether, ownerOf } from './referrals.ts'

export interface AskedClaim {
  /** The request's own; a retry brings the same. */
  key: string
  /** As it was typed. */
  code: string
  customer: string
  visitor?: string | undefined
  plans: readonly Routing[]
  /** Read behind the customers' locks. */
  now: () => number
}

/**
 * Claims a code for a customer. A refusal is kept nowhere but in the decision log, so it may be asked again under its key. Throws
 * CUSTOMER_UNKNOWN, and IDEMPOTENCY_MISMATCH where the key was used for another request.
 */
export async function claimReferral(db: Db, asked: AskedClaim): Promise<ClaimAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(db, (tx) => claimOnce(tx, asked))
    } catch (error) {
      // Another customer's request took the same key meanwhile: now it is there to be read.
      if (attempt > 1 || !isUniqueViolation(error, 'checkout_answers_pkey')) throw error
    }
  }
}

async function claimOnce(
  tx: Tx,
  { key, code, customer, visitor, plans, now: clock }: AskedClaim,
): Promise<ClaimAnswer> {
  const hash = createHash('sha256')
    .update(canonical({ action: 'claim', code, customer }))
    .digest('hex')
  const owner = await ownerOf(tx, code)
  await lockTogether(tx, owner === undefined ? [customer] : [customer, owner])
  if (!(await lockCustomer(tx, customer))) {
    throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${customer}'`, { field: 'customer' })
  }
  const now = clock()
  const { rows } = await sql<{ request_hash: string; answer: ClaimAnswer }>`
    select request_hash, answer from checkout_answers where key = ${key}`.execute(tx)
  const [before] = rows
  if (before?.request_hash === hash) return { ...before.answer, replayed: true } as ClaimAnswer
  if (before) {
    throw new PerennialError('IDEMPOTENCY_MISMATCH', 'the same was asked for before with other input', {
      field: 'Idempotency-Key',
    })
  }
  const answer = await claimIn(tx, { friend: customer, code, visitor, by: `request-${key}`, plans, now }, tellEvent)
  if (!answer.ok) return answer
  const { replayed: _replayed, ...kept } = answer
  await sql`
    insert into checkout_answers (key, request_hash, answer, at) values (${key}, ${hash}, ${JSON.stringify(kept)}, ${at(now)})
  `.execute(tx)
  return answer
}
