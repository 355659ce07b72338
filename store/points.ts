/** What runs of journeys do with points: award, settle, take back; each once a key, each with the customer locked. */
import { type RawBuilder, sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import {
  type OnReturn,
  type PointRule,
  type Unit,
  allocate,
  clawBack,
  earningsOf,
  expiryOf,
  paidOrderOf,
  sumOf,
} from '../domain/points.ts'
import { customer as customerById } from './customers.ts'
import { type Db, type Tx, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import { type RunState, holdRun, lockRun } from './enrolments.ts'
import { beginningOf } from './events.ts'
import { type LotState, expireLots, hashOf, post, repay, spendableLots, taken } from './ledger.ts'

export interface AwardRequest {
  /** The effect key (domain/ids.ts); a bonus has it with `+name`. */
  key: string
  run: string
  /** The name of the rule, and the rule as the plan has it now. */
  rule: string
  terms: PointRule
  /** The zone of customers who did not tell theirs. */
  shopZone: string
  now: number
}

export type Award =
  | { is: 'awarded'; unit: Unit; amount: number; pending: boolean; replayed: boolean }
  | { is: 'refused'; code: Refusal }
  /** The journey is paused; ask again when it is resumed. */
  | { is: 'held' }

async function runOf(tx: Tx, id: string): Promise<RunState> {
  const run = await lockRun(tx, id)
  if (run) return run
  throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
}

const note = (
  tx: Tx,
  run: RunState,
  one: { key: string; run: string; verdict: string; code?: Refusal; detail: string; now: number },
): Promise<void> => {
  const { customer, journey } = run
  return decide(tx, { ...one, customer, journey, enrolment: one.run, about: 'points' })
}

/**
 * Awards what a rule comes to, once: the same key answers the first award again, whatever became of the rule since; for another
 * rule or run it throws IDEMPOTENCY_MISMATCH. Refusals are values. Throws RUN_UNKNOWN, STORE_UNAVAILABLE.
 */
export function awardPoints(db: Db, request: AwardRequest): Promise<Award> {
  return inTransaction(db, (tx) => awardIn(tx, request))
}

/** The same within a transaction. */
export async function awardIn(tx: Tx, request: AwardRequest): Promise<Award> {
  const { key, rule, terms, now } = request
  const run = await runOf(tx, request.run)
  const before = await awardBefore(tx, request)
  if (before) return before
  const refuse = async (code: Refusal): Promise<Award> => {
    await note(tx, run, { key, run: request.run, verdict: 'refused', code, detail: rule, now })
    return { is: 'refused', code }
  }
  if (run.status !== 'running') return refuse('LEFT_JOURNEY')
  if (run.paused) {
    await holdRun(tx, request.run, now)
    return { is: 'held' }
  }
  if (run.arm === 'holdout') return refuse('HOLDOUT')
  const earnings = earningsOf(terms, paidOrderOf((await beginningOf(tx, request.run)) ?? {}))
  if (earnings === undefined) return refuse('AMOUNT_MISSING')
  if (earnings.length === 0) return refuse('NOTHING_EARNED')
  const { unit = 'points', pending = false } = terms
  for (const earning of earnings) await earn(tx, request, { customer: run.customer, ...earning })
  const amount = sumOf(earnings)
  await note(tx, run, { key, run: request.run, verdict: 'awarded', detail: `${rule}: ${amount} ${unit}`, now })
  return { is: 'awarded', unit, amount, pending, replayed: false }
}

const requestOf = ({ run, rule }: AwardRequest) => ({ run, rule })

async function awardBefore(tx: Tx, request: AwardRequest): Promise<Award | undefined> {
  const { rows } = await sql<{ request_hash: string; unit: Unit; original: number; pending: boolean }>`
    select t.request_hash, t.unit, l.original, l.resolved_by is distinct from t.id as pending
    from point_transfers t join point_lots l on l.transfer = t.id
    where t.key = ${request.key} or (t.enrolment = ${request.run} and starts_with(t.key, ${`${request.key}+`}))
  `.execute(tx)
  const [first] = rows
  if (!first) return undefined
  if (rows.some((row) => row.request_hash !== hashOf(requestOf(request)))) {
    throw new PerennialError('IDEMPOTENCY_MISMATCH', `'${request.key}' was awarded for another request`, {
      field: 'key',
    })
  }
  const amount = rows.reduce((sum, { original }) => sum + original, 0)
  return { is: 'awarded', unit: first.unit, amount, pending: first.pending, replayed: true }
}

async function earn(
  tx: Tx,
  request: AwardRequest,
  { customer, bonus, amount }: { customer: string; bonus: string | null; amount: number },
): Promise<void> {
  const { run, terms, now } = request
  const { unit = 'points', pending = false } = terms
  const zone = (await customerById(tx, customer))?.zone ?? request.shopZone
  const key = bonus === null ? request.key : `${request.key}+${bonus}`
  const state = pending ? 'pending' : 'available'
  await post(
    tx,
    {
      key,
      kind: 'earn',
      unit,
      customer,
      run,
      request: requestOf(request),
      rule: bonus === null ? request.rule : `${request.rule}+${bonus}`,
      onReturn: terms.onReturn ?? 'within-balance',
      now,
    },
    {
      postings: { issued: -amount, [state]: amount },
      opens: { amount, state, expiresAt: expiryOf(now, terms.validDays, zone) },
    },
  )
  if (!pending) await repay(tx, { customer, unit, run, now }, key)
}

interface Earned {
  id: number
  key: string
  unit: Unit
  rule: string
  on_return: OnReturn
  lot: number
  original: number
  remaining: number
  state: LotState
  expired: number
  /** Taken back before. */
  reversed: boolean
}

/** What a run earned, in the order in which it did. */
const earnedBy = (tx: Tx, run: string): Promise<Earned[]> => earned(tx, sql`t.enrolment = ${run}`)

/** What was earned under some effect keys, with its bonuses, by whichever run. */
const earnedUnder = (tx: Tx, keys: readonly string[]): Promise<Earned[]> =>
  earned(
    tx,
    sql`t.enrolment in (select enrolment from point_transfers where key = any(${keys}))
      and split_part(t.key, '+', 1) = any(${keys})`,
  )

async function earned(tx: Tx, which: RawBuilder<unknown>): Promise<Earned[]> {
  const { rows } = await sql<Earned>`
    select t.id, t.key, t.unit, t.rule, t.on_return, l.id as lot, l.original, l.remaining, l.state,
      exists (select 1 from point_transfers r where r.reverses = t.id) as reversed,
      coalesce((select -sum(m.amount) from point_lot_moves m join point_transfers x on x.id = m.transfer
        where m.lot = l.id and x.kind = 'expire'), 0)::bigint as expired
    from point_transfers t join point_lots l on l.transfer = t.id
    where ${which} and t.kind = 'earn'
    order by t.id
  `.execute(tx)
  return rows
}

/** Amounts by unit. */
export type Amounts = Record<Unit, number>

/** What the transfers of some kinds added to an account of the customer, or took from it, over a whole run. */
async function totalOf(tx: Tx, run: string, kinds: readonly string[]): Promise<Amounts> {
  const { rows } = await sql<{ unit: Unit; amount: number }>`
    select t.unit, sum(p.amount)::bigint as amount from point_transfers t join point_postings p on p.transfer = t.id
    where t.enrolment = ${run} and t.kind = any(${kinds}) and p.amount > 0 group by t.unit
  `.execute(tx)
  const of = (unit: Unit): number => rows.find((row) => row.unit === unit)?.amount ?? 0
  return { points: of('points'), growth: of('growth') }
}

export type Settlement = ({ is: 'settled' } & Amounts) | { is: 'refused'; code: Refusal } | { is: 'held' }

/** Makes the pending points of a run available; answers what of the run is settled by now. Throws RUN_UNKNOWN. */
export function settlePoints(db: Db, { run: id, now }: { run: string; now: number }): Promise<Settlement> {
  return inTransaction(db, async (tx) => {
    const run = await runOf(tx, id)
    if (run.status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (run.paused) {
      await holdRun(tx, id, now)
      return { is: 'held' }
    }
    for (const { key, unit, rule, lot, original, state } of await earnedBy(tx, id)) {
      if (state !== 'pending') continue
      const settle = `${key}/settle`
      const { customer } = run
      await post(
        tx,
        { key: settle, kind: 'settle', unit, customer, run: id, request: { lot }, now },
        {
          postings: { pending: -original, available: original },
          lots: [{ lot, amount: 0, from: 'pending', to: 'available' }],
        },
      )
      await repay(tx, { customer, unit, run: id, now }, settle)
      await note(tx, run, { key: settle, run: id, verdict: 'settled', detail: `${rule}: ${original} ${unit}`, now })
    }
    return { is: 'settled', ...(await totalOf(tx, id, ['settle'])) }
  })
}

/**
 * Takes back what a run earned, as where its order was returned: what is pending is void, what is settled goes by the policy
 * that was in force when it was awarded. Whether the run is on does not matter. Answers what was taken, with what is owed.
 * Throws RUN_UNKNOWN.
 */
export function takeBackPoints(db: Db, { run: id, now }: { run: string; now: number }): Promise<Amounts> {
  return inTransaction(db, async (tx) => {
    const run = await runOf(tx, id)
    await expireLots(tx, { customer: run.customer, now })
    for (const one of await earnedBy(tx, id)) if (!one.reversed) await takeBack(tx, { ...one, run, runId: id, now })
    return totalOf(tx, id, ['void', 'claw-back'])
  })
}

/**
 * Takes back what was earned under some effect keys, as above, whichever run did; `run` is the one that takes it. Call it with the
 * customer locked.
 */
export async function takeBackEarned(
  tx: Tx,
  { keys, run, runId, now }: { keys: readonly string[]; run: RunState; runId: string; now: number },
): Promise<void> {
  await expireLots(tx, { customer: run.customer, now })
  for (const one of await earnedUnder(tx, keys)) if (!one.reversed) await takeBack(tx, { ...one, run, runId, now })
}

async function takeBack(tx: Tx, one: Earned & { run: RunState; runId: string; now: number }): Promise<void> {
  const { key: earned, unit, rule, lot, original, run, runId, now } = one
  const { customer } = run
  const kind = one.state === 'pending' ? 'void' : 'claw-back'
  const key = `${earned}/${kind}`
  const transfer = { key, kind, unit, customer, run: runId, request: { lot }, reverses: one.id, now } as const
  if (kind === 'void') {
    await post(tx, transfer, {
      postings: { pending: -original, reversed: original },
      lots: [{ lot, amount: -original, from: 'pending', to: 'void' }],
    })
    return note(tx, run, { key, run: runId, verdict: 'voided', detail: `${rule}: ${original} ${unit}`, now })
  }
  const lots = await spendableLots(tx, { customer, unit, now })
  const available = lots.reduce((sum, { remaining }) => sum + remaining, 0)
  // What expired is gone already.
  const { taken: amount, owed } = clawBack(one.on_return, original - one.expired, available)
  // Written where it takes nothing too: a return is looked at once.
  await post(tx, transfer, {
    postings: { available: -amount, debt: -owed, reversed: amount + owed },
    lots: allocate(lots, amount, lot).map(taken),
  })
  const debt = owed > 0 ? `, and ${owed} owed` : ''
  const detail = `${rule}: ${amount} of ${original} ${unit}${debt}`
  await note(tx, run, { key, run: runId, verdict: 'clawed back', detail, now })
}
