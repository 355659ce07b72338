/** The words about one coupon. */
import { type Command, InvalidArgumentError } from 'commander'
import { REFUSALS } from '../../domain/errors.ts'
import type { CouponLife } from '../coupon-life.ts'
import { type Cell, clockOf, faint, left, number, page, right, section, strong, table } from './layout.ts'
import { EXIT } from './problems.ts'
import type { Session } from './session.ts'

export function addCouponWords(program: Command, session: Session): void {
  const coupon = program
    .command('coupon')
    .description('one coupon: its life, with the keys it happened under; or take it back')
    .addHelpText('after', COUPON_HELP)
  coupon
    .command('show', { isDefault: true })
    .description('what became of it')
    .argument('<code>', 'as the customer has it')
    .action((code: string) =>
      session.perennial(async (perennial, zone) => {
        const life = await perennial.coupon(code)
        session.answer(life, () => lifePage(life, zone))
      }),
    )
  coupon
    .command('void')
    .description('take back a coupon that nobody has redeemed')
    .argument('<code>', 'as the customer has it')
    .requiredOption('--reason <words>', 'why, for the log', reasonRead)
    .addHelpText('after', VOID_HELP)
    .action((code: string, { reason }: { reason: string }) =>
      session.perennial(async (perennial) => {
        const answer = await perennial.voidCoupon(code, reason)
        if (answer.refused) session.exitCode = EXIT.refused
        session.answer(answer, () =>
          answer.refused
            ? page(`${answer.code} was not taken back: ${answer.refused}.`, REFUSALS[answer.refused])
            : `${answer.code} ${answer.before ? 'had been taken back before' : 'is taken back'}.`,
        )
      }),
    )
}

const COUPON_HELP = `
Examples:
  perennial coupon ABCD-EFGH-2345
  perennial coupon ABCDEFGH2345 --json
  perennial coupon void ABCDEFGH2345 --reason 'sent to the wrong customer'`

const VOID_HELP = `
Examples:
  perennial coupon void ABCDEFGH2345 --reason 'sent to the wrong customer'

A cart that holds it loses it; one that was redeemed is left alone. It keeps its place in the quota, and cannot be undone.`

const REASON_MOST = 200

function reasonRead(text: string): string {
  const reason = text.trim()
  if (reason.length >= 1 && reason.length <= REASON_MOST) return reason
  throw new InvalidArgumentError(`Expected 1 to ${REASON_MOST} characters.`)
}

function lifePage(life: CouponLife, zone: string): string {
  const { code, offer, title, version, status, customer, redemptions, batch } = life
  return page(
    `${strong(code)} ${status}`,
    faint(`${title} (${offer}, version ${version}), ${customer ?? `for whoever brings it, batch ${batch}`}`),
    table([left('WHEN'), left('WHAT'), left('KEY')], happened(life, zone)),
    section('Redeemed', redemptions.length === 0 ? 'never' : redeemedTable(life)),
  )
}

function redeemedTable({ redemptions }: CouponLife): string {
  const rows = redemptions.map(({ order, customer, discount, shipping, reversed, outcome }): Cell[] => [
    order,
    customer,
    number(discount),
    number(shipping),
    number(reversed),
    outcome ?? 'stands',
  ])
  const head = [left('ORDER'), left('CUSTOMER'), right('DISCOUNT'), right('SHIPPING'), right('TAKEN BACK'), left('NOW')]
  return table(head, rows)
}

/** One line for each thing that happened, as it came. */
function happened(life: CouponLife, zone: string): Cell[][] {
  const at = clockOf(zone)
  const { issuedAt, key, heldBy, heldUntil, expiresAt, voided, redemptions } = life
  const lines: [Date, string, string][] = [[issuedAt, `issued, good until ${at(expiresAt)}`, key]]
  for (const one of redemptions) {
    lines.push([new Date(one.redeemedAt), `redeemed on ${one.order}`, one.key])
    if (one.reversedAt) lines.push([new Date(one.reversedAt), `refunded: ${one.outcome ?? ''}`, ''])
  }
  if (voided) lines.push([new Date(voided.at), `taken back: ${voided.reason}`, voided.key])
  const rows = lines
    .toSorted(([a], [b]) => a.getTime() - b.getTime())
    .map(([when, what, by]): Cell[] => [at(when), what, by])
  if (heldBy !== null && heldUntil !== null) rows.push(['', `held by ${heldBy} until ${at(heldUntil)}`, ''])
  return rows
}
