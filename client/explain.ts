/** Why a customer got what they got, and why not the rest: everything decided about them, in order of time. */
import { isDated, isSilence } from '../domain/audience.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { PerennialError, REFUSALS, type Refusal } from '../domain/errors.ts'
import { type CouponLine, couponsOf } from '../store/coupons.ts'
import { type Consent, type Customer, birthdayOf, consentsOf, customer } from '../store/customers.ts'
import { type DecisionLine, decisionsOf } from '../store/decisions.ts'
import { type Enrolment, enrolments } from '../store/enrolments.ts'
import { eventTypesOf } from '../store/events.ts'
import { type MessageRow, messagesOf } from '../store/messages.ts'
import { type SteeringLine, steeringOf } from '../store/steering-log.ts'
import type { OperatorParts } from './operator.ts'

export interface WhyLine {
  at: Date
  journey: string
  run: string | null
  /** entry, goal, exit, end, send, coupon, points, tier, wait, split or steering. */
  about: string
  /** What became of it: entered, refused, sent, skipped, held, issued, completed … */
  verdict: string
  /** The message, the offer, or the event that was the reason. */
  detail: string | null
  code: Refusal | null
  /** The code in words. */
  because: string | null
  /** When a held message is tried again, or an issued coupon ends. */
  until: Date | null
  /** The code of the coupon, where one was issued. */
  coupon: string | null
  /** The channel a message went by or was to go by, and those that were passed over for it. */
  channel: string | null
  passed: MessageRow['passed']
}

export interface Explanation {
  customer: { id: string; zone: string | null; since: Date; tags: string[]; consents: Consent[] }
  lines: WhyLine[]
  /** The journeys nothing was ever decided about, each with why it never began. */
  untouched: { journey: string; title: string; why: string }[]
}

const RUNS_MOST = 500

/** Answers for everybody the shop has told of, whether or not they ever entered. Throws CUSTOMER_UNKNOWN. */
export async function explain({ db, catalogue }: OperatorParts, id: string): Promise<Explanation> {
  const person = await customer(db, id)
  if (!person) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
  const [consents, decisions, runs, messages, coupons, events, steered] = await Promise.all([
    consentsOf(db, id),
    decisionsOf(db, id),
    enrolments(db, { customer: id }, RUNS_MOST),
    messagesOf(db, { customer: id }),
    couponsOf(db, id),
    eventTypesOf(db, id),
    steeringOf(db, { customer: id }, RUNS_MOST),
  ])
  const lines = [
    ...decisions.map((one) => decisionLine(one, messages, coupons)),
    ...messages.filter(({ status }) => status === 'sending' || status === 'reserved').map(underWay),
    ...runs.flatMap((run) => endOf(run, decisions)),
    // A stop is a decision of its own.
    ...steered.filter(({ word }) => word !== 'stop').map(steeredLine),
  ].sort((a, b) => a.at.getTime() - b.at.getTime())
  const touched = new Set(lines.map((line) => line.journey))
  const untouched = [...catalogue.values()]
    .filter(({ plan }) => !touched.has(plan.name))
    .map(({ plan }) => ({ journey: plan.name, title: plan.title, why: whyUntouched(plan, person, events) }))
  const { zone, created_at: since, tags } = person
  return { customer: { id, zone, since, tags, consents }, lines, untouched }
}

type Start = Omit<WhyLine, 'because' | 'until' | 'coupon' | 'channel' | 'passed'> & Partial<WhyLine>

const line = (one: Start): WhyLine => ({
  because: one.code === null ? null : REFUSALS[one.code],
  until: null,
  coupon: null,
  channel: null,
  passed: [],
  ...one,
})

function decisionLine(one: DecisionLine, messages: readonly MessageRow[], coupons: readonly CouponLine[]): WhyLine {
  const { at, journey, enrolment: run, about, verdict, detail, code } = one
  const start = { at, journey, run, about, verdict, detail, code }
  if (about === 'coupon' && verdict === 'issued') {
    const coupon = coupons.find(
      ({ enrolment, offer, issued_at }) =>
        enrolment === run && offer === detail && issued_at.getTime() === at.getTime(),
    )
    return line({ ...start, coupon: coupon?.code ?? null, until: coupon?.expires_at ?? null })
  }
  if (about === 'send') {
    const name = detail?.split(':')[0]
    const of = messages.filter(({ enrolment, message }) => enrolment === run && message === name)
    const held = verdict === 'held' ? of.find(({ status }) => status === 'held') : undefined
    const row = of.find((one) => one.status === verdict) ?? held
    return line({ ...start, until: held?.held_until ?? null, channel: row?.channel ?? null, passed: row?.passed ?? [] })
  }
  return line(start)
}

/** A message that the provider may have, or surely has not yet, is in no decision. */
const underWay = ({ enrolment: run, journey, message, status, code, reserved_at, created_at }: MessageRow): WhyLine =>
  line({ at: reserved_at ?? created_at, journey, run, about: 'send', verdict: status, detail: message, code })

function steeredLine({ at, journey, enrolment: run, word, by, detail: { step, code } }: SteeringLine): WhyLine {
  const parts = [`by ${by}`, typeof step === 'string' && `at '${step}'`, typeof code === 'string' && `after ${code}`]
  const detail = parts.filter(Boolean).join(', ')
  return line({ at, journey, run, about: 'steering', verdict: word, detail, code: null })
}

/** The end of a run, unless the decision log has it: a goal, an exit event, an operator. */
function endOf(run: Enrolment, decisions: readonly DecisionLine[]): WhyLine[] {
  const { id, journey, status, ended_at: at, reason } = run
  const told = decisions.some(
    ({ enrolment, about }) => enrolment === id && (about === 'exit' || (about === 'goal' && status === 'goal')),
  )
  if (at === null || told) return []
  const code = reason !== null && reason in REFUSALS ? (reason as Refusal) : null
  return [line({ at, journey, run: id, about: 'end', verdict: status, detail: code === null ? reason : null, code })]
}

const MOON = { solar: '', lunar: ' of the lunar year', 'lunar-leap': ' of a leap month of the lunar year' } as const

function whyUntouched(plan: CheckedPlan, person: Customer, events: ReadonlyMap<string, Date>): string {
  if (plan.sweep && isDated(plan.sweep.audience)) {
    return 'nothing of theirs that is worth a message expires within a month'
  }
  if (plan.sweep && isSilence(plan.sweep.audience)) return `no sweep has found them ${plan.sweep.audience} yet`
  if (plan.sweep && plan.sweep.audience !== 'birthday') return `no sweep has met a ${plan.sweep.audience} of theirs yet`
  if (plan.sweep) {
    const birthday = birthdayOf(person)
    if (!birthday) return 'no birthday is known'
    const padded = [birthday.month, birthday.day].map((part) => String(part).padStart(2, '0')).join('-')
    return `the birthday is ${padded}${MOON[person.birth_calendar]}; no sweep has met it yet`
  }
  if (plan.campaign) return 'no wave of the campaign has come to them'
  if (!plan.begins) return 'operators start it by hand'
  const last = events.get(plan.begins.on)
  return last === undefined
    ? `no ${plan.begins.on} has come from this customer`
    : `${plan.begins.on} came before the journey listened for it`
}
