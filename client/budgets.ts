/** What an operator asks of budgets and does with them. Money in minor units, times shop time. */
import type { Clock } from '../domain/tempo.ts'
import {
  type Decided,
  type ProposalLine,
  applyProposal,
  budgetProposals,
  dismissProposal,
} from '../store/budget-reviews.ts'
import { type BudgetLine, type Capped, type Lined, budgetLines, setCap, setLine } from '../store/budgets.ts'
import { type Db, storeError } from '../store/db.ts'

export interface BudgetParts {
  db: Db
  clock: Clock
}

/** Each throws the errors that its function in the store names, and STORE_UNAVAILABLE. */
export interface BudgetOperator {
  budgets(): Promise<BudgetLine[]>
  setBudgetCap(of: { budget: string; cap: number }): Promise<Capped>
  setBudgetLine(of: Lined): Promise<Lined>
  budgetProposals(): Promise<ProposalLine[]>
  applyProposal(id: string): Promise<Decided>
  dismissProposal(id: string): Promise<Decided>
}

export function budgetOperator({ db, clock }: BudgetParts): BudgetOperator {
  return {
    budgets: () => known(budgetLines(db)),
    setBudgetCap: (of) => known(setCap(db, { ...of, now: clock.now() })),
    setBudgetLine: (of) => known(setLine(db, of)),
    budgetProposals: () => known(budgetProposals(db)),
    applyProposal: (id) => known(applyProposal(db, { id, now: clock.now() })),
    dismissProposal: (id) => known(dismissProposal(db, { id, now: clock.now() })),
  }
}

/** A failure of the connection as STORE_UNAVAILABLE. */
async function known<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw storeError(error)
  }
}
