/** What budgets brought, by journey against its control arm, and what that argues for. Money in minor units. */
import { type Standing, roomOf } from './budget.ts'
import { liftOf } from './statistics.ts'

interface Arm {
  runs: number
  converted: number
}

/** A journey's runs whose time to convert is over, and what was spent on them. */
export interface JourneyMeasure {
  journey: string
  budget: string
  own: string | null
  treated: Arm
  held: Arm
  spent: number
}

export interface BudgetMeasured extends Standing {
  budget: string
  parent: string | null
}

/** Conversions that would not have come without it, for each 10,000 minor units, with their 95 % interval. */
export interface BudgetReturn {
  budget: string
  journeys: string[]
  gained: number
  low: number
  high: number
  spent: number
  treated: number
  held: number
}

/** Fewer runs in an arm say nothing. */
export const RUNS_LEAST = 100
const PER = 10_000

/** The return of a budget over those of its journeys that say enough; undefined where none does. */
export function returnOf(budget: string, measures: readonly JourneyMeasure[]): BudgetReturn | undefined {
  const said = measures.flatMap((one) => {
    if (one.budget !== budget && one.own !== budget) return []
    if (Math.min(one.treated.runs, one.held.runs) < RUNS_LEAST || one.spent === 0) return []
    const arm = ({ runs, converted }: Arm) => ({ successes: converted, total: runs })
    const lift = liftOf(arm(one.treated), arm(one.held))
    return lift ? [{ ...one, lift }] : []
  })
  if (said.length === 0) return undefined
  const spent = said.reduce((sum, one) => sum + one.spent, 0)
  const gained = said.reduce((sum, { lift, treated }) => sum + lift.difference * treated.runs, 0)
  // Journeys are apart from each other: the halves of their intervals add up by their squares.
  const below = Math.hypot(...said.map(({ lift, treated }) => (lift.difference - lift.low) * treated.runs))
  const above = Math.hypot(...said.map(({ lift, treated }) => (lift.high - lift.difference) * treated.runs))
  const per = (conversions: number): number => (conversions * PER) / spent
  return {
    budget,
    journeys: said.map(({ journey }) => journey),
    gained: per(gained),
    low: per(gained - below),
    high: per(gained + above),
    spent,
    treated: said.reduce((sum, { treated }) => sum + treated.runs, 0),
    held: said.reduce((sum, { held }) => sum + held.runs, 0),
  }
}

export interface Proposal {
  giver: string
  taker: string
  /** By how much the one cap falls and the other rises. */
  amount: number
  reasons: { giver: BudgetReturn; taker: BudgetReturn; unspent: number; takenShare: number }
}

/** Of a cap that may move in one week, and from which share taken on a budget is short of money. */
const SHARE_MOST = 0.2
const SHORT_FROM = 0.8
const YUAN = 100

/**
 * Moves of unspent money from the budget that brings least to the one that brings most and is running short, where their
 * intervals do not touch: between campaigns, and between the journeys of one campaign. Too little data, no proposal.
 */
export function proposalsOf(budgets: readonly BudgetMeasured[], measures: readonly JourneyMeasure[]): Proposal[] {
  const groups = new Map<string | null, BudgetMeasured[]>()
  for (const one of budgets) groups.set(one.parent, [...(groups.get(one.parent) ?? []), one])
  return [...groups.values()].flatMap((group) => {
    const known = group.flatMap((one) => {
      const brought = returnOf(one.budget, measures)
      return brought ? [{ ...one, brought }] : []
    })
    const rank = known.toSorted((a, b) => a.brought.gained - b.brought.gained)
    const [giver] = rank
    const taker = rank.findLast(({ cap, reserved, spent }) => reserved + spent >= cap * SHORT_FROM)
    if (!giver || !taker || giver.brought.high >= taker.brought.low) return []
    const unspent = roomOf(giver, true)
    const amount = Math.floor(Math.min(unspent, giver.cap * SHARE_MOST) / YUAN) * YUAN
    if (amount === 0) return []
    const takenShare = (taker.reserved + taker.spent) / taker.cap
    const reasons = { giver: giver.brought, taker: taker.brought, unspent, takenShare }
    return [{ giver: giver.budget, taker: taker.budget, amount, reasons }]
  })
}

const DAY = 86_400_000

/** The ISO 8601 week of a date '2026-11-24': '2026-W48'. It belongs to the year that its Thursday is in. */
export function isoWeek(date: string): string {
  const day = new Date(`${date}T00:00:00Z`)
  const thursday = new Date(day.getTime() + (4 - (day.getUTCDay() || 7)) * DAY)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}
