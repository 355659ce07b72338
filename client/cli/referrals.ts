/** The words about referrals and what people have to decide: referrals, reviews, review. */
import { type Command, Argument } from 'commander'
import { REFUSALS } from '../../domain/errors.ts'
import { readReviewId } from '../../domain/contracts/referral.ts'
import type { Fired } from '../../domain/risk.ts'
import type { ReferralLine } from '../../store/referral-reports.ts'
import type { ReviewLine } from '../../store/reviews.ts'
import { type Cell, clockOf, faint, left, many, page, right, table } from './layout.ts'
import { EXIT } from './problems.ts'
import type { Session } from './session.ts'

export function addReferralWords(program: Command, session: Session): void {
  program
    .command('referrals')
    .description('who was brought by whom, where that stands, and what the risk rules said')
    .argument('[customer]', "the shop's id of an advocate or a friend; all unless said")
    .addHelpText('after', REFERRALS_HELP)
    .action((customer: string | undefined) =>
      session.perennial(async (perennial, zone) => {
        const lines = await perennial.referrals(customer)
        session.answer(lines, () => referralsPage(lines, zone))
      }),
    )

  program
    .command('reviews')
    .description('what waits for somebody to decide, the most urgent first')
    .addHelpText('after', REVIEWS_HELP)
    .action(() =>
      session.perennial(async (perennial, zone) => {
        const lines = await perennial.reviews()
        session.answer(lines, () => reviewsPage(lines, zone))
      }),
    )

  program
    .command('review')
    .description('decide a review; its run goes on at once')
    .argument('<id>', 'its number, as `perennial reviews` has it')
    .addArgument(new Argument('<decision>', 'what you decide').choices(['approve', 'deny']))
    .option('--reason <text>', 'why, for the decision log', '')
    .option('--by <name>', 'who decides', 'operator')
    .option('--remember', 'what spoke against it is not asked about again for this customer', false)
    .addHelpText('after', REVIEW_HELP)
    .action((id: string, decision: 'approve' | 'deny', options: { reason: string; by: string; remember: boolean }) =>
      session.perennial(async (perennial) => {
        const answer = await perennial.review({ id: readReviewId(id), decision, ...options })
        if (!answer.ok) session.exitCode = EXIT.refused
        session.answer(answer, () =>
          answer.ok
            ? `Review ${answer.id}: ${answer.decision} by ${answer.by}${answer.replayed ? ', as before' : ''}.`
            : `${answer.code}: ${REFUSALS[answer.code]}`,
        )
      }),
    )
}

const REFERRALS_HELP = `
Examples:
  perennial referrals
  perennial referrals C1001
  perennial referrals C1001 --json      with the rules that fired and their points

The newest 200. \`perennial why <customer>\` says what was decided and why.`

const REVIEWS_HELP = `
Examples:
  perennial reviews
  perennial reviews --json

Where nobody decides by the deadline, the default holds.`

const REVIEW_HELP = `
Examples:
  perennial review 17 approve --reason 'a family, known to the shop'
  perennial review 17 deny --reason 'one person, six accounts' --by ada
  perennial review 17 approve --remember`

export function referralsPage(lines: readonly ReferralLine[], zone: string): string {
  if (lines.length === 0) return 'Nobody was brought by anybody yet.'
  const at = clockOf(zone)
  const rows = lines.map((line): Cell[] => [
    at(line.claimedAt),
    line.friend,
    line.advocate,
    [line.status, line.reason].filter(Boolean).join(': '),
    line.order,
    line.risk ? `${line.risk.outcome}, ${line.risk.points}` : null,
    line.risk ? rulesInWords(line.risk.rules) : null,
  ])
  const columns = [left('CLAIMED'), left('FRIEND'), left('ADVOCATE'), left('STATUS'), left('ORDER'), left('RISK')]
  return page(
    table([...columns, left('RULES')], rows),
    faint(`Times are shop time, ${zone}. ${many(lines.length, 'referral')}.`),
  )
}

export function reviewsPage(lines: readonly ReviewLine[], zone: string): string {
  if (lines.length === 0) return 'Nothing waits for a decision.'
  const at = clockOf(zone)
  const rows = lines.map((line): Cell[] => [
    line.id,
    at(line.deadline),
    line.otherwise,
    line.topic,
    line.customer,
    line.occasion,
    line.points,
    rulesInWords(line.rules),
  ])
  const columns = [right('ID'), left('UNTIL'), left('ELSE'), left('TOPIC'), left('CUSTOMER'), left('ABOUT')]
  return page(
    table([...columns, right('POINTS'), left('RULES')], rows),
    faint(`Times are shop time, ${zone}. ${many(lines.length, 'review')}.`),
  )
}

const rulesInWords = (rules: readonly Fired[]): string =>
  rules.map(({ rule, points, exempt }) => (exempt ? `${rule} exempt` : `${rule} ${points}`)).join(', ')
