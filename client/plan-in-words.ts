/** A plan in the words an operator reads. */
import { type Audience, ONCE_A, leastWorth } from '../domain/audience.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { inWords } from '../domain/duration.ts'
import type { EndPattern, Properties } from '../domain/journey.ts'
import type { Timetable } from '../domain/timetable.ts'

export interface PlanInWords {
  name: string
  title: string
  begins: string
  goal: string | null
  exits: string[]
  /** Percent of customers held out. */
  holdout: number
  reentry: string
  class: string
  topic: string
  /** In the order in which the plan would use them. */
  channels: string[]
  priority: number
  messages: string[]
  offers: string[]
  /** The rules by which points are awarded. */
  points: string[]
  /** The name of the budget it draws on. */
  budget: string | null
  /** Nobody enters until an operator has switched it on. */
  off: boolean
  /** What `reward` gives. */
  rewards: string[]
}

export function planInWords(plan: CheckedPlan): PlanInWords {
  const { goal } = plan
  return {
    name: plan.name,
    title: plan.title,
    begins: beginsInWords(plan),
    goal: goal ? `${patternInWords(goal, plan)}${goal.within === null ? '' : ` within ${inWords(goal.within)}`}` : null,
    exits: plan.exits.map((exit) => patternInWords(exit, plan)),
    holdout: plan.holdout,
    reentry: reentryInWords(plan),
    class: plan.class,
    topic: plan.topic,
    channels: plan.delivery.channels,
    priority: plan.delivery.priority,
    messages: Object.keys(plan.copy),
    offers: Object.keys(plan.offers),
    points: Object.keys(plan.points),
    budget: plan.budget?.name ?? null,
    off: plan.off === true,
    rewards: Object.keys(plan.rewards),
  }
}

function patternInWords(pattern: EndPattern, { occasion }: CheckedPlan): string {
  const { on, where = {}, unless = {}, sameOccasion, shares, whole } = pattern
  const said = (all: Properties, is: string): string[] =>
    Object.entries(all).map(([key, value]) => `${key} ${is} ${JSON.stringify(value)}`)
  const terms = [...said(where, 'is'), ...said(unless, 'is not'), ...(shares ? [`${shares} is the same`] : [])]
  const of = sameOccasion ? `${on} of ${whole ? 'all of ' : ''}the same ${occasion}` : on
  return terms.length === 0 ? of : `${of} where ${terms.join(' and ')}`
}

const SWEEPS: Record<Audience, (worth: number) => string> = {
  birthday: () => 'on the birthday',
  'tier-ending': () => 'before a level ends that is not kept yet,',
  'tier-near-miss': () => 'close to the next level,',
  'points-expiring': (worth) => `before ${worth} points or more expire,`,
  dormant: () => 'when somebody has become dormant,',
  silent: (worth) => `after ${worth} messages in half a year without a sign,`,
  'coupons-expiring': (worth) => `before ${worth === 1 ? 'a coupon expires' : `${worth} coupons expire`},`,
}

function beginsInWords(plan: CheckedPlan): string {
  const { begins, sweep, campaign } = plan
  if (campaign) return campaign.begins ? timetableInWords(campaign.begins) : 'by hand'
  if (begins) return `on ${patternInWords(begins, plan)}`
  return sweep ? `${SWEEPS[sweep.audience](sweep.worth ?? leastWorth(sweep.audience))} at ${sweep.at}` : 'by hand'
}

function timetableInWords(timetable: Timetable): string {
  switch (timetable.every) {
    case 'month':
      return `on day ${timetable.day} of every month at ${timetable.at}`
    case 'year':
      return `every ${timetable.date} at ${timetable.at}`
    case 'festival':
      return `for ${timetable.festivals.join(', ')}`
  }
}

function reentryInWords({ reentry, occasion, sweep, campaign }: CheckedPlan): string {
  if (campaign) return 'once an occasion'
  const { when, gap, atMost } = reentry
  const each = sweep ? `once a ${ONCE_A[sweep.audience]}` : occasion === undefined ? undefined : `once a ${occasion}`
  const rule = {
    never: each ?? 'once',
    'after-exit': `${each ? `${each}, ` : ''}again when no run is on`,
    any: each ?? 'any number at a time',
  }[when]
  return [
    rule,
    ...(gap > 0 ? [`${inWords(gap)} apart`] : []),
    ...(Number.isFinite(atMost) ? [`${atMost} ${atMost === 1 ? 'time' : 'times'} at most`] : []),
  ].join(', ')
}
