/** What runs of journeys do with points: award, settle, take back; each once a key, each with the customer locked. */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { type PointRule, type Unit, earningsOf, expiryOf, paidOrderOf, sumOf, withTier } from '../domain/points.ts'
import type { Routing } from '../domain/journey.ts'
import { bonusDayOf, cappedEarnings } from './caps.ts'
import { customer as customerById } from './customers.ts'
import { type Db, type Tx, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import { type RunState, holdRun, lockRun } from './enrolments.ts'
import { beginningOf, tellEvent } from './events.ts'
import { expireLots, hashOf, post, repay } from './ledger.ts'
import { earnKey, holdPoints, spendHeld } from './point-budgets.ts'
import { type Earned, earnedBy, earnedUnder, takeBack, takeBackParts } from './returns.ts'
import { multiplierOf } from './tier-benefits.ts'
import { type TierReview, reviewTier } from './tiers.ts'

export interface AwardRequest {
  /** The effect key (domain/ids.ts); a bonus has it with `+name`. */
  key: string
  run: string
  /** The name of the rule, and the rule as the plan has it now. */
  rule: string
  terms: PointRule
  /** The zone of customers who did not tell theirs. */
  shopZone: string
  /** What a point costs a budget, minor units: 1 unless told. */
  pointCost?: number | undefined
  /** Whom a tier that is reached by it is told to. */
  plans?: readonly Routing[]
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
  const person = await customerById(tx, run.customer)
  const zone = person?.zone ?? request.shopZone
  const day = await bonusDayOf(tx, request.run, person, zone)
  const rates = terms.tier
    ? withTier(terms, await multiplierOf(tx, { customer: run.customer, run: request.run }))
    : terms
  const earned = earningsOf(rates, paidOrderOf((await beginningOf(tx, request.run)) ?? {}), day)
  if (earned === undefined) return refuse('AMOUNT_MISSING')
  if (earned.length === 0) return refuse('NOTHING_EARNED')
  const earnings = await cappedEarnings(tx, { ...run, run: request.run, rule, terms, zone, now }, earned)
  if (earnings.length === 0) return refuse('POINTS_CAP')
  const { unit = 'points', pending = false } = terms
  const short = await holdPoints(tx, { ...request, run, enrolment: request.run, earnings })
  if (short) return refuse(short)
  const ids: number[] = []
  for (const earning of earnings) ids.push(await earn(tx, request, { customer: run.customer, zone, ...earning }))
  if (unit === 'growth' && !pending) {
    await review(tx, { customer: run.customer, now, because: 'growth', fresh: ids[0] }, request)
  }
  const amount = sumOf(earnings)
  await note(tx, run, { key, run: request.run, verdict: 'awarded', detail: `${rule}: ${amount} ${unit}`, now })
  // A part of the order may have been refunded before anything was earned by it.
  await takeBackParts(tx, { ...run, id: request.run }, now)
  return { is: 'awarded', unit, amount, pending, replayed: false }
}

const requestOf = ({ run, rule }: AwardRequest) => ({ run, rule })

/** Where events of tiers go, and the zone of customers who did not tell theirs; told to no journey and in UTC unless said. */
export interface ToldTo {
  plans?: readonly Routing[]
  shopZone?: string
}

const review = (tx: Tx, of: TierReview, { plans = [], shopZone = 'UTC' }: ToldTo): Promise<void> =>
  reviewTier(tx, of, { plans, shopZone, tell: tellEvent })

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
  { customer, zone, bonus, amount }: { customer: string; zone: string; bonus: string | null; amount: number },
): Promise<number> {
  const { run, terms, now } = request
  const { unit = 'points', pending = false } = terms
  const key = earnKey(request.key, bonus)
  const state = pending ? 'pending' : 'available'
  const id = await post(
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
  return id
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

/** The verdict in the decision log; the invariants know by it that a run was over and who spoke. */
const SETTLED_BY_HAND = 'settled by hand'

export type Settlement = ({ is: 'settled' } & Amounts) | { is: 'refused'; code: Refusal } | { is: 'held' }

/** Makes the pending points of a run available; answers what of the run is settled by now. Throws RUN_UNKNOWN. */
export function settlePoints(
  db: Db,
  { run: id, now, ...told }: { run: string; now: number } & ToldTo,
): Promise<Settlement> {
  return inTransaction(db, async (tx) => {
    const run = await runOf(tx, id)
    if (run.status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (run.paused) {
      await holdRun(tx, id, now)
      return { is: 'held' }
    }
    let grown: number | undefined
    for (const one of await earnedBy(tx, id)) {
      const transfer = await settle(tx, run, one, { key: `${one.key}/settle`, run: id, now })
      if (one.unit === 'growth') grown ??= transfer
    }
    if (grown !== undefined) await review(tx, { customer: run.customer, now, because: 'growth', fresh: grown }, told)
    return { is: 'settled', ...(await totalOf(tx, id, ['settle'])) }
  })
}

/** Makes an award available where it is pending; what refunds took of it is gone. Answers the transfer, if there was one. */
async function settle(
  tx: Tx,
  run: RunState,
  { key: earned, unit, rule, lot, original, remaining, state }: Earned,
  by: { key: string; run: string; verdict?: string; because?: string; now: number },
): Promise<number | undefined> {
  if (state !== 'pending') return undefined
  const { customer } = run
  const { key, now } = by
  const id = await post(
    tx,
    { key, kind: 'settle', unit, customer, run: by.run, request: { lot }, now },
    {
      postings: { pending: -remaining, available: remaining },
      lots: [{ lot, amount: 0, from: 'pending', to: 'available' }],
    },
  )
  await repay(tx, { customer, unit, run: by.run, now }, key)
  await spendHeld(tx, { key: earned, part: remaining, whole: original, now })
  const detail = `${rule}: ${remaining} ${unit}${by.because ? `, ${by.because}` : ''}`
  await note(tx, run, { key, run: by.run, verdict: by.verdict ?? 'settled', detail, now })
  return id
}

export interface ByHand extends Amounts {
  /** False where nothing was pending any more. */
  changed: boolean
}

/**
 * An operator's word over what a run that is over left pending: settles or voids it, with the reason in the decision log. Throws
 * RUN_UNKNOWN, and RUN_IS_ON where the run will see to it itself.
 */
export function resolveByHand(
  db: Db,
  of: { run: string; verdict: 'settle' | 'void'; reason: string; now: number } & ToldTo,
): Promise<ByHand> {
  const { run: id, verdict, reason, now, ...told } = of
  return inTransaction(db, async (tx) => {
    let grown: number | undefined
    const run = await runOf(tx, id)
    if (run.status === 'running') {
      throw new PerennialError('RUN_IS_ON', `'${id}' is on, and settles or voids its points itself`, { field: 'run' })
    }
    const customer = { ...run, id }
    // A part of the order may have been refunded since the run was over.
    await takeBackParts(tx, customer, now)
    const totals: ByHand = { changed: false, points: 0, growth: 0 }
    for (const one of await earnedBy(tx, id)) {
      if (one.state !== 'pending') continue
      totals.changed = true
      totals[one.unit] += one.remaining
      const by = { key: `${one.key}/settle`, run: id, verdict: SETTLED_BY_HAND, because: reason, now }
      const settled = verdict === 'settle' ? await settle(tx, run, one, by) : undefined
      if (one.unit === 'growth') grown ??= settled
      if (verdict === 'void') await takeBack(tx, customer, one, { because: reason, now })
    }
    if (grown !== undefined) await review(tx, { customer: run.customer, now, because: 'growth', fresh: grown }, told)
    return totals
  })
}

/**
 * Takes back what a run earned, as where its order was returned: what is pending is void, what is settled goes by the policy
 * that was in force when it was awarded. Whether the run is on does not matter. Answers what was taken, with what is owed.
 * Throws RUN_UNKNOWN.
 */
export function takeBackPoints(
  db: Db,
  { run: id, now, ...told }: { run: string; now: number } & ToldTo,
): Promise<Amounts> {
  return inTransaction(db, async (tx) => {
    const run = await runOf(tx, id)
    await expireLots(tx, { customer: run.customer, now })
    const earned = (await earnedBy(tx, id)).filter(({ reversed }) => !reversed)
    for (const one of earned) await takeBack(tx, { ...run, id }, one, { now })
    const shrunk = earned.some(({ unit, state }) => unit === 'growth' && state !== 'pending')
    if (shrunk) await review(tx, { customer: run.customer, now, because: 'refund' }, told)
    return totalOf(tx, id, ['void', 'claw-back'])
  })
}

/**
 * Takes back what was earned under some effect keys, as above, whichever run did; `run` is the one that takes it. Call it with the
 * customer locked.
 */
export async function takeBackEarned(
  tx: Tx,
  { keys, run, runId, now, ...told }: { keys: readonly string[]; run: RunState; runId: string; now: number } & ToldTo,
): Promise<void> {
  await expireLots(tx, { customer: run.customer, now })
  const earned = (await earnedUnder(tx, keys)).filter(({ reversed }) => !reversed)
  for (const one of earned) await takeBack(tx, { ...run, id: runId }, one, { now })
  const shrunk = earned.some(({ unit, state }) => unit === 'growth' && state !== 'pending')
  if (shrunk) await review(tx, { customer: run.customer, now, because: 'refund' }, told)
}
