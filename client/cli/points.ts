/** The words about points: balance, ledger. */
import type { Command } from 'commander'
import type { BalanceReport, LedgerReport } from '../points.ts'
import { type Cell, clockOf, faint, left, many, number, page, right, section, strong, table } from './layout.ts'
import type { Session } from './session.ts'

export function addPointWords(program: Command, session: Session): void {
  program
    .command('balance')
    .description('the points and the growth value of a customer, and what expires when')
    .argument('<customer>', "the shop's id of the customer")
    .addHelpText('after', BALANCE_HELP)
    .action((customer: string) =>
      session.perennial(async (perennial, zone) => {
        const report = await perennial.balance(customer)
        session.answer(report, () => balancePage(report, zone))
      }),
    )

  program
    .command('ledger')
    .description('every movement of a customer’s points, oldest first, with the key it happened under')
    .argument('<customer>', "the shop's id of the customer")
    .addHelpText('after', LEDGER_HELP)
    .action((customer: string) =>
      session.perennial(async (perennial, zone) => {
        const report = await perennial.ledger(customer)
        session.answer(report, () => ledgerPage(report, zone))
      }),
    )
}

const BALANCE_HELP = `
Examples:
  perennial balance C1001
  perennial balance C1001 --json

Pending points wait until the order can no longer be returned. Owed is what a return took beyond what was there.`

const LEDGER_HELP = `
Examples:
  perennial ledger C1001
  perennial ledger C1001 --json

The newest 500 movements. \`perennial why <customer>\` says why; \`perennial check\` that all of it adds up.`

export function balancePage({ customer, balances, expiring }: BalanceReport, zone: string): string {
  const at = clockOf(zone)
  const rows = balances.map(({ unit, available, pending, debt }): Cell[] => [
    unit,
    number(available),
    number(pending),
    number(debt),
  ])
  return page(
    strong(customer),
    table([left(''), right('AVAILABLE'), right('PENDING'), right('OWED')], rows),
    section(
      'Expiring',
      table(
        [left(''), right('')],
        expiring.map(({ expires_at, amount }): Cell[] => [at(expires_at), number(amount)]),
      ),
    ),
    faint(`Times are shop time, ${zone}.`),
  )
}

const signed = (amount: number): string => (amount === 0 ? '' : `${amount > 0 ? '+' : '−'}${number(Math.abs(amount))}`)

export function ledgerPage({ customer, lines }: LedgerReport, zone: string): string {
  const at = clockOf(zone)
  const rows = lines.map((line): Cell[] => [
    at(line.at),
    line.unit,
    line.kind,
    signed(line.available),
    signed(line.pending),
    signed(line.debt),
    line.key,
  ])
  const columns = [left('WHEN'), left('UNIT'), left('WHAT'), right('AVAILABLE'), right('PENDING'), right('OWED')]
  return page(
    strong(customer),
    lines.length > 0 ? table([...columns, left('KEY')], rows) : 'This customer never had any points.',
    faint(`Times are shop time, ${zone}. ${many(lines.length, 'movement')}.`),
  )
}
