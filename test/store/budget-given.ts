/** What the tests of budgets start from: a campaign, journeys that draw on it, people in them, and an offer of a known cost. */
import { randomBytes } from 'node:crypto'
import { plannedBudget } from '../../domain/budget.ts'
import { codeFrom } from '../../domain/coupon.ts'
import { effectKey } from '../../domain/ids.ts'
import type { CheckoutWords } from '../../domain/offer.ts'
import type { MessageClass } from '../../domain/sending.ts'
import { type BudgetLine, addBudgets, budgetLines } from '../../store/budgets.ts'
import { type Issue, addOffers, issueCoupon } from '../../store/coupons.ts'
import type { Db } from '../../store/db.ts'
import { DAY, NOON, enterCrowd } from './given.ts'

/** Just after the journeys got their budget: from then on what they give must have a hold. */
export const SINCE = NOON - 1

let names = 0

export interface CampaignWords {
  cap: number
  /** 0 unless told. */
  line?: number
  /** Journeys of the campaign with their class and, where they have one, their own cap. */
  journeys?: readonly { class?: MessageClass; journeyCap?: number }[]
}

/** A campaign of a name of its own, and the names of its journeys. */
export async function campaign(db: Db, { cap, line = 0, journeys = [{}] }: CampaignWords) {
  const budget = `money-${++names}`
  const plans = journeys.map(({ class: kind = 'marketing', journeyCap }, nth) => ({
    name: `story-${names}-${nth + 1}`,
    class: kind,
    budget: plannedBudget({ name: budget, cap, line, journeyCap }),
  }))
  await addBudgets(db, plans, () => SINCE)
  return { budget, journeys: plans.map(({ name }) => name) }
}

/** An offer of a name of its own: 10 yuan off unless told. */
export async function offer(
  db: Db,
  words: CheckoutWords & { quota?: number; perMember?: number } = {},
): Promise<string> {
  const id = `perk-${++names}`
  await addOffers(db, { [id]: { title: 'Perk', quota: 10_000, perMember: 1, gives: { amount: 1000 }, ...words } })
  return id
}

export const drawCode = (): string => codeFrom(randomBytes(12))

export function issue(db: Db, run: string, perk: string, now = NOON): Promise<Issue> {
  const key = effectKey(run, 'coupon', perk, 1)
  return issueCoupon(db, { key, run, offer: perk, valid: '7 days', validMs: 7 * DAY, now, drawCode })
}

/** A coupon of one person in a journey; throws where it is refused. */
export async function couponOf(db: Db, journey: string, perk: string, now = NOON) {
  const [person] = await enterCrowd(db, { journey, prefix: `P${++names}-`, size: 1, now })
  const { run = '', customer = '' } = person ?? {}
  const issued = await issue(db, run, perk, now)
  if (issued.is !== 'issued') throw new Error(`not issued: ${JSON.stringify(issued)}`)
  return { run, customer, code: issued.coupon.code }
}

export async function standing(db: Db, budget: string): Promise<BudgetLine> {
  const found = (await budgetLines(db)).find((one) => one.budget === budget)
  if (!found) throw new Error(`no budget ${budget}`)
  return found
}

/** [reserved, spent] of a budget. */
export async function taken(db: Db, budget: string): Promise<[number, number]> {
  const { reserved, spent } = await standing(db, budget)
  return [reserved, spent]
}

/** A basket of one line. */
export const basketOf = (amount: number, shipping = 0) => ({ lines: [{ id: 'a', amount }], shipping })
