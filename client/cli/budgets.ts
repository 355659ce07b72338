/** The words about budgets: budgets, and under it cap, line, proposals, apply, dismiss. */
import { type Command, InvalidArgumentError } from 'commander'
import { BUDGET_MOST } from '../../domain/budget.ts'
import type { BudgetReturn } from '../../domain/budget-review.ts'
import type { Decided, ProposalLine } from '../../store/budget-reviews.ts'
import type { BudgetLine } from '../../store/budgets.ts'
import { type Cell, clockOf, faint, left, number, page, percent, right, table } from './layout.ts'
import type { Session } from './session.ts'

export function addBudgetWords(program: Command, session: Session): void {
  const budgets = program
    .command('budgets')
    .description('every budget: its cap, what is reserved, spent and left, its line and its alerts')
    .addHelpText('after', BUDGETS_HELP)
    .action(() =>
      session.perennial(async (perennial) => {
        const lines = await perennial.budgets()
        session.answer(lines, () => budgetsPage(lines))
      }),
    )
  addSteering(budgets, session)
  addProposals(budgets, session)
}

const BUDGETS_HELP = `
Examples:
  perennial budgets
  perennial budgets cap new-customers 20000000
  perennial budgets cap new-customers/first-order 15000000   a journey's own, within its campaign's
  perennial budgets line new-customers 5
  perennial budgets proposals
  perennial budgets apply 2026-W48-1

Money is in minor units (fen). Reserved is promised, spent is used, left is what of the cap is neither; marketing leaves
the line alone. An alert stands for as long as the cap does.`

function addSteering(budgets: Command, session: Session): void {
  budgets
    .command('cap')
    .description('give a budget another cap; never below what is reserved and spent')
    .argument('<budget>', 'its name')
    .argument('<amount>', 'minor units', amountRead)
    .action((budget: string, cap: number) =>
      session.perennial(async (perennial) => {
        const answer = await perennial.setBudgetCap({ budget, cap })
        session.answer(answer, () =>
          answer.changed
            ? `The cap of ${budget} is ${number(cap)} now; it was ${number(answer.before)}.`
            : `The cap of ${budget} was ${number(cap)} already; nothing changed.`,
        )
      }),
    )
  budgets
    .command('line')
    .description('set the share of a cap that marketing may not touch')
    .argument('<budget>', 'its name')
    .argument('<percent>', '0 to 100, with two decimals at most', percentRead)
    .action((budget: string, line: number) =>
      session.perennial(async (perennial) => {
        const answer = await perennial.setBudgetLine({ budget, line })
        session.answer(answer, () => `Marketing leaves ${line} % of the cap of ${budget} alone.`)
      }),
    )
}

function addProposals(budgets: Command, session: Session): void {
  budgets
    .command('proposals')
    .description('money that the weekly look at what budgets brought would move, with its reasons')
    .action(() =>
      session.perennial(async (perennial, zone) => {
        const proposals = await perennial.budgetProposals()
        session.answer(proposals, () => proposalsPage(proposals, zone))
      }),
    )
  budgets
    .command('apply')
    .description('move the money of a proposal from cap to cap; refused where it is gone meanwhile')
    .argument('<proposal>', 'its id')
    .action((id: string) => decided(session, id, 'apply'))
  budgets
    .command('dismiss')
    .description('turn a proposal down')
    .argument('<proposal>', 'its id')
    .action((id: string) => decided(session, id, 'dismiss'))
}

function amountRead(text: string): number {
  const amount = Number(text)
  if (/^\d+$/.test(text) && amount <= BUDGET_MOST) return amount
  throw new InvalidArgumentError(`Expected a whole number of minor units from 0 to ${BUDGET_MOST}.`)
}

function percentRead(text: string): number {
  const share = Number(text)
  if (/^\d+(\.\d{1,2})?$/.test(text) && share <= 100) return share
  throw new InvalidArgumentError('Expected a percentage from 0 to 100 with two decimals at most.')
}

async function decided(session: Session, id: string, what: 'apply' | 'dismiss'): Promise<void> {
  await session.perennial(async (perennial) => {
    const answer = await (what === 'apply' ? perennial.applyProposal(id) : perennial.dismissProposal(id))
    session.answer(answer, () => decidedWords(answer))
  })
}

function decidedWords({ proposal, changed }: Decided): string {
  const { id, status, giver, taker, amount } = proposal
  if (!changed) return `${id} was ${status} already; nothing changed.`
  if (status === 'dismissed') return `${id} is dismissed; no cap changed.`
  return `${number(amount)} moved from the cap of ${giver} to that of ${taker}.`
}

function budgetsPage(lines: readonly BudgetLine[]): string {
  if (lines.length === 0) return 'No budget is stored yet: a worker stores those of the plans when it starts.'
  const rows = lines.map((one): Cell[] => [
    one.budget,
    number(one.cap),
    number(one.reserved),
    number(one.spent),
    number(one.left),
    `${one.line} %`,
    one.alerts.map(({ threshold }) => `${threshold} %`).join(' '),
    one.journeys.join(', '),
  ])
  const money = [right('CAP'), right('RESERVED'), right('SPENT'), right('LEFT'), right('LINE')]
  return page(
    table([left('BUDGET'), ...money, left('ALERTS'), left('JOURNEYS')], rows),
    faint('Minor units. An alert of 100 % also says that a journey was refused.'),
  )
}

function proposalsPage(proposals: readonly ProposalLine[], zone: string): string {
  if (proposals.length === 0) {
    return 'No proposal. One is made where two budgets are measured to differ, the better one is short, and the other has money left.'
  }
  const at = clockOf(zone)
  const rows = proposals.map(({ id, status, madeAt, amount, giver, taker, reasons }): Cell[] => [
    id,
    status,
    at(madeAt),
    number(amount),
    `${giver} → ${taker}`,
    `${taker} brings ${broughtWords(reasons.taker)} and is ${percent(reasons.takenShare)} taken; ${giver} brings ${broughtWords(reasons.giver)} and has ${number(reasons.unspent)} unspent.`,
  ])
  return page(
    table([left('ID'), left('STATUS'), left('MADE'), right('AMOUNT'), left('FROM → TO'), left('WHY')], rows),
    faint('Conversions above the control arm for each 10,000 minor units spent, with their 95 % interval.'),
  )
}

const broughtWords = ({ gained, low, high }: BudgetReturn): string =>
  `${gained.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
