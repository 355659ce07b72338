/**
 * What a pause does to the steps of a story. A step that is come to after a rest tells of it; where the journey was paused
 * meanwhile, the step is held until the pause and what it added to the wait are over, or skipped as stale.
 */
import { occurrenceOf } from '../domain/calendar.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { type AfterPauses, type Held, type Rest, afterPauses } from '../domain/pause.ts'
import { customer as customerById } from '../store/customers.ts'
import { type Db, inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { type RunState, holdRun, lockRun } from '../store/enrolments.ts'
import { pausesSince, tellHeldStep } from '../store/pauses.ts'
import type { Now, Parts } from './index.ts'

/** What a step says of the rest before it; all of it is left out by runs that began before there was such a thing. */
export interface OfRest {
  rest?: Rest
  /** The step, for people. */
  step?: string
}

/** The steps that a pause holds; `sendMessage` and `closeWait` ask for themselves. */
const HELD = [
  'openWait',
  'calendarWait',
  'calendarTarget',
  'customerFacts',
  'newestEvent',
  'giveTag',
  'withdrawConsent',
  'askForConsent',
  'expiringSoon',
  'issueCoupon',
  'awardPoints',
  'settlePoints',
  'grantTierBenefits',
  'referralCode',
  'approveReferral',
  'giveReward',
  'finishRun',
] as const

/** Those that a resume leaves out where they are stale. What the shop owes (points, rewards, gifts) is given however late. */
const LEFT_OUT: ReadonlySet<string> = new Set(['issueCoupon'])

type HeldName = (typeof HELD)[number]
type Input<F> = F extends (input: infer I) => Promise<unknown> ? I : never
type Step<F, More> = (
  input: Input<F> & More,
) => Promise<(F extends (input: never) => Promise<infer R> ? R : never) | Held>

/** The same activities, of which those that a pause holds take `rest` and may answer that they are held. */
export type UnderPauses<A> = {
  [K in keyof A]: K extends HeldName ? Step<A[K], OfRest & { run?: string; asked?: number }> : A[K]
}

type Doing = (input: never) => Promise<unknown>
type Asking = OfRest & { run?: string; asked?: number; key?: string; offer?: string }

export function underPauses<A extends Record<HeldName, Doing>>(parts: Parts, now: Now, activities: A): UnderPauses<A> {
  const wrapped = HELD.map((name) => {
    const activity = activities[name] as (input: Asking) => Promise<unknown>
    return [name, (input: Asking) => step(parts, now, { name, input, activity })] as const
  })
  return { ...activities, ...Object.fromEntries(wrapped) } as UnderPauses<A>
}

async function step(
  { db, policy }: Parts,
  now: Now,
  { name, input, activity }: { name: HeldName; input: Asking; activity: (input: Asking) => Promise<unknown> },
): Promise<unknown> {
  const { run, rest, step: words = name, asked = 0 } = input
  if (run !== undefined && rest !== undefined) {
    const at = now(asked)
    const left = LEFT_OUT.has(name) ? input : undefined
    const answer = await restOf(db, { run, rest, now: at, shopZone: policy.shopZone, words, left })
    if (answer) return answer
  }
  const result = await activity(input)
  if (run !== undefined && isHeld(result)) await tellHeldStep(db, run, { step: words, due: rest?.due ?? now(asked) })
  return result
}

const isHeld = (result: unknown): boolean =>
  typeof result === 'object' && result !== null && 'is' in result && result.is === 'held'

interface Asked {
  run: string
  rest: Rest
  now: number
  shopZone: string
  words: string
  /** Present where it is left out when it is stale. */
  left: Asking | undefined
}

/** Undefined where the step may be taken. */
async function restOf(db: Db, asked: Asked): Promise<Held | { is: 'refused'; code: Refusal } | undefined> {
  const { run: id, rest } = asked
  // Nearly always nobody paused anything, and one look without a lock says so.
  if (!rest.moved && (await pausesSince(db, { run: id, since: rest.since })).length === 0) return undefined
  return inTransaction(db, async (tx) => {
    const run = await lockRun(tx, id)
    if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
    if (run.status !== 'running') return undefined
    const after = await lookBack(tx, { ...asked, customer: run.customer })
    if (after.is === 'held') {
      if (after.until === null) await holdRun(tx, id, asked.now, { step: asked.words, due: rest.due })
      return after
    }
    if (!after.stale || !asked.left) return undefined
    const { key = `${id}/${asked.words}`, offer } = asked.left
    await decide(tx, {
      key: `${key}/stale`,
      customer: run.customer,
      journey: run.journey,
      enrolment: id,
      about: 'coupon',
      verdict: 'refused',
      code: 'STALE_SKIPPED',
      detail: offer ?? null,
      now: asked.now,
    })
    return { is: 'refused', code: 'STALE_SKIPPED' }
  })
}

/**
 * What the pauses since a story began to rest come to. Behind `lockRun`, whose lock of the journey a resume waits for. A wait of
 * calendar days ends at its time of day all the same.
 */
export async function lookBack(
  db: Db,
  { run, rest, now, shopZone, customer }: { run: string; rest: Rest; now: number; shopZone: string; customer: string },
): Promise<AfterPauses> {
  const after = afterPauses(rest, await pausesSince(db, { run, since: rest.since }), now)
  if (after.is !== 'held' || after.until === null || rest.at === undefined || rest.moved) return after
  const zone = (await customerById(db, customer))?.zone ?? shopZone
  return { is: 'held', until: atTimeOfDay(after.until, rest.at, zone) }
}

/** The first instant from `instant` on at a time of the customer's clock. */
function atTimeOfDay(instant: number, at: string, zone: string): number {
  const { due, late, next } = occurrenceOf({ at: at as `${number}:${number}` }, zone, instant)
  return late && next !== undefined ? next : due
}

/** How a gate sees it: paused, resting on, stale, or none of these. */
export async function restFor(
  db: Db,
  of: { run: string; state: RunState; rest: Rest | undefined; now: number; shopZone: string },
): Promise<{ restsUntil?: number; stale?: boolean }> {
  const { run, state, rest, now, shopZone } = of
  if (!rest || state.paused) return {}
  const after = await lookBack(db, { run, rest, now, shopZone, customer: state.customer })
  if (after.is === 'over') return after.stale ? { stale: true } : {}
  return after.until === null ? {} : { restsUntil: after.until }
}
