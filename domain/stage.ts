/**
 * The stage of a customer's life with the shop: a function of their paid orders, the day, and how often the shop's customers buy.
 * Days are those of the shop's calendar (rhythm.ts). Silence is measured against the customer's own rhythm.
 */
import { type Habit, type Order, type ShopRhythm, habitOf, upToDay, usualBy, usualOf } from './rhythm.ts'
import { WINDOW, valuesOf } from './rfm.ts'
import type { Stage } from './standing.ts'

/** Days, and times something; money in minor units. Kept with each reckoning. */
export const STAGE_RULES = {
  /** Days after the first order, and after the one that ended a dormancy. */
  newDays: 30,
  reactivatedDays: 30,
  /** Paid within the window of rfm.ts. */
  highValueSpent: 5_000_00,
  /** Dormant after more than so many usual gaps, between the least and the most days; the most where no gap is known. */
  dormantGaps: 2,
  dormantDaysLeast: 30,
  dormantDaysMost: 365,
  /** At risk after more than this share of the days that make dormant. */
  atRiskShare: 0.75,
  /** Lost after so many times those days, and so many days at least. */
  lostTimes: 2,
  lostDaysLeast: 365,
  /** Slowing where the last gap was so many medians long, of so many gaps at least. */
  slowerTimes: 1.5,
  slowerGapsLeast: 3,
} as const

/** Silences of more days than these mean something. */
export interface Limits {
  atRisk: number
  dormant: number
  lost: number
}

/** The limits of a usual gap in days; null where none is known. */
export function limitsOf(usual: number | null): Limits {
  const { dormantGaps, dormantDaysLeast, dormantDaysMost, atRiskShare, lostTimes, lostDaysLeast } = STAGE_RULES
  const asked = usual === null ? dormantDaysMost : dormantGaps * usual
  const dormant = Math.max(dormantDaysLeast, Math.min(asked, dormantDaysMost))
  return { atRisk: dormant * atRiskShare, dormant, lost: Math.max(dormant * lostTimes, lostDaysLeast) }
}

/** What the stage is decided by, of orders up to the day. */
interface Life {
  orders: readonly Order[]
  habit: Habit
  first: number
  /** Days since the last visit. */
  silence: number
  limits: Limits
}

function lifeOf(orders: readonly Order[], today: number, shop: ShopRhythm, known?: Habit): Life | undefined {
  const counted = upToDay(orders, today)
  const habit = known && counted === orders ? known : habitOf(counted)
  const { visits } = habit
  const first = visits[0]
  const last = visits.at(-1)
  if (first === undefined || last === undefined) return undefined
  return { orders: counted, habit, first, silence: today - last, limits: limitsOf(usualBy(habit, shop)) }
}

/**
 * The one stage of anybody on a day: what silence says comes before what was spent, that before how new somebody is, and that
 * before a silence that is only long. `known` is the habit of the orders, where somebody has it at hand.
 */
export const stageOf = (orders: readonly Order[], today: number, shop: ShopRhythm, known?: Habit): Stage =>
  stageBy(lifeOf(orders, today, shop, known), today, shop)

function stageBy(life: Life | undefined, today: number, shop: ShopRhythm): Stage {
  if (!life) return 'prospect'
  const { silence, limits, first } = life
  if (silence > limits.lost) return 'lost'
  if (silence > limits.dormant) return 'dormant'
  if ((valuesOf(life.orders, today)?.spent ?? 0) >= STAGE_RULES.highValueSpent) return 'high-value'
  if (today - first <= STAGE_RULES.newDays) return 'new'
  if (cameBack(life, today, shop)) return 'reactivated'
  return silence > limits.atRisk ? 'at-risk' : 'active'
}

/**
 * The last day through which orders of up to `today` leave their stage as it is then, as long as what is usual stays the same; `today`
 * itself where that cannot be said. A population is looked at each night, and few of it move on.
 */
export function settledUntil(orders: readonly Order[], today: number, shop: ShopRhythm, known?: Habit): number {
  const life = lifeOf(orders, today, shop, known)
  if (!life) return orders.length === 0 ? Infinity : today
  const { visits } = life.habit
  // Whoever comes back after long is measured by what was usual then.
  const isBack = visits.some((day, n) => n > 0 && day - (visits[n - 1] ?? day) > STAGE_RULES.dormantDaysLeast)
  if (life.orders !== orders || isBack) return today
  const last = today - life.silence
  const { atRisk, dormant, lost } = life.limits
  const turns = [atRisk, dormant, lost].map((limit) => last + Math.floor(limit))
  turns.push(life.first + STAGE_RULES.newDays)
  for (const { day } of orders) turns.push(day + WINDOW - 1)
  return turns.reduce((soonest, day) => (day >= today ? Math.min(soonest, day) : soonest), Infinity)
}

/** Whether a visit of the last days ended a dormancy, as the morning of its day had it. */
function cameBack({ orders, habit: { visits } }: Life, today: number, shop: ShopRhythm): boolean {
  return visits.some((day, n) => {
    const before = visits[n - 1]
    if (before === undefined || today - day > STAGE_RULES.reactivatedDays) return false
    // Whatever is usual, nobody is dormant after fewer days.
    if (day - before <= STAGE_RULES.dormantDaysLeast) return false
    const earlier = orders.filter((order) => order.day < day)
    return day - before > limitsOf(usualOf(earlier, shop)).dormant
  })
}

/**
 * Whether somebody who buys may be about to stop, whatever their stage: silent for longer than their rhythm allows and not yet
 * lost, or past their usual gap after one that was already long for them.
 */
export const isChurnRisk = (orders: readonly Order[], today: number, shop: ShopRhythm): boolean =>
  isAtRisk(lifeOf(orders, today, shop))

function isAtRisk(life: Life | undefined): boolean {
  if (!life || life.silence > life.limits.lost) return false
  if (life.silence > life.limits.atRisk) return true
  const { gaps, own: usual } = life.habit
  const { slowerTimes, slowerGapsLeast } = STAGE_RULES
  return (
    usual !== null &&
    gaps.length >= slowerGapsLeast &&
    (gaps.at(-1) ?? 0) >= usual * slowerTimes &&
    life.silence > usual
  )
}

/** The stage and whether they may be about to stop, together. */
export function courseOf(
  orders: readonly Order[],
  today: number,
  shop: ShopRhythm,
): { stage: Stage; churnRisk: boolean } {
  const life = lifeOf(orders, today, shop)
  return { stage: stageBy(life, today, shop), churnRisk: isAtRisk(life) }
}

/** What of the rules a reckoning keeps beside its edges. */
export const thresholdsOf = (): Record<string, number> => ({ windowDays: WINDOW, ...STAGE_RULES })
