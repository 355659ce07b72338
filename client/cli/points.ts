/** The words about points: balance, ledger, points settle, points void. */
import { type Command, InvalidArgumentError } from 'commander'
import type { BalanceReport, LedgerReport, ResolvedPoints } from '../points.ts'
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

  addResolvingWords(program, session)
}

function addResolvingWords(program: Command, session: Session): void {
  const points = program
    .command('points')
    .description('settle or void what a run that was stopped, or that failed, left pending')
    .addHelpText('after', POINTS_HELP)
  for (const [verdict, description] of [
    ['settle', 'make what the run left pending the customer’s own'],
    ['void', 'take back what the run left pending'],
  ] as const) {
    points
      .command(verdict)
      .description(description)
      .argument('<run>', 'the id of a run that is over')
      .requiredOption('--reason <words>', 'why; kept in the decision log', reasonRead)
      .addHelpText('after', POINTS_HELP)
      .action((run: string, { reason }: { reason: string }) =>
        session.perennial(async (perennial) => {
          const done = await perennial.resolvePoints({ run, verdict, reason })
          session.answer(done, () => resolvedLine(done))
        }),
      )
  }
}

const POINTS_HELP = `
Examples:
  perennial points settle order-rewards/C1001/O17 --reason 'ticket 4711: stopped by mistake'
  perennial points void order-rewards/C1001/O17 --reason 'ticket 4712: never delivered'

A run that is on sees to its points itself. Asked again, nothing changes; what was refunded meanwhile is taken off first.`

const REASON_MOST = 500

export function reasonRead(text: string): string {
  const reason = text.trim()
  if (reason !== '' && reason.length <= REASON_MOST) return reason
  throw new InvalidArgumentError(`Expected 1 to ${REASON_MOST} characters.`)
}

function resolvedLine({ run, verdict, changed, points, growth }: ResolvedPoints): string {
  if (!changed) return `${run} has nothing pending; nothing changed.`
  const what = `${number(points)} points and ${number(growth)} growth value of ${run}`
  return verdict === 'settle' ? `${what} are the customer’s own.` : `${what} are void.`
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
