/** What the demo says of money: points, levels, the referral, the budget. */
import { REFUSALS } from '../../domain/errors.ts'
import { budgetLines } from '../../store/budgets.ts'
import type { Db } from '../../store/db.ts'
import { balanceTotals } from '../../store/ledger.ts'
import { referralLines, referralsOfCustomer } from '../../store/referral-reports.ts'
import { tierCounts } from '../../store/tier-history.ts'
import { ADVOCATE } from './shop.ts'

const yuan = (fen: number): string => (fen / 100).toFixed(2)

export interface MoneyShown {
  lines: string[]
  /** What the demo was to show and did not. */
  missing: string[]
}

/** `scarce` is the budget that is meant to run out. */
export async function moneyShown(db: Db, scarce: string): Promise<MoneyShown> {
  const totals = await balanceTotals(db)
  const levels = await tierCounts(db)
  const [pair] = await referralLines(db, { customer: ADVOCATE })
  const { rewards } = await referralsOfCustomer(db, ADVOCATE)
  const budget = (await budgetLines(db)).find((one) => one.budget === scarce)
  const settled = totals.filter((one) => one.available > 0).length
  const lines = [
    ...totals.map(
      ({ unit, available, pending, debt, customers }) =>
        `${unit}: ${customers} customers have ${available}, ${pending} more are pending, ${debt} are owed`,
    ),
    `levels: ${levels.map(({ level, customers }) => `${customers} ${level}`).join(', ')}`,
    pair
      ? `referral: ${pair.advocate} brought ${pair.friend}: ${pair.status}; rewards: ${rewards.map((one) => one.key).join(', ') || 'none'}`
      : 'referral: nobody was brought',
    budget
      ? `budget ${budget.budget}: cap ${yuan(budget.cap)}, spent ${yuan(budget.spent)}, reserved ${yuan(budget.reserved)}; told at ${budget.alerts.map((one) => `${one.threshold} %`).join(', ')}`
      : 'budget: none',
  ]
  const missing = [
    settled < 2 && 'points and growth that are settled',
    !levels.some(({ rank, customers }) => rank > 0 && customers > 0) && 'a level above the first',
    (pair?.status !== 'approved' || rewards.length === 0) && 'a referral that is approved and rewarded',
    !budget?.alerts.some((one) => one.threshold === 100) && `a budget that runs out (${REFUSALS.BUDGET_EXHAUSTED})`,
  ].filter((one) => one !== false)
  return { lines, missing }
}
