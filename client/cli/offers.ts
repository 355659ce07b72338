/** The words about offers: offers, codes. */
import { open, rename } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { inWords } from '../../domain/duration.ts'
import { PerennialError, REFUSALS } from '../../domain/errors.ts'
import { isKeyPart } from '../../domain/ids.ts'
import type { Gives, Terms } from '../../domain/offer.ts'
import { CODES_MOST } from '../../store/codes.ts'
import type { OfferLine } from '../../store/offers.ts'
import type { Perennial } from '../operator.ts'
import { type Cell, clockOf, faint, left, number, page, right, table } from './layout.ts'
import { EXIT } from './problems.ts'
import type { Session } from './session.ts'

export function addOfferWords(program: Command, session: Session): void {
  program
    .command('offers')
    .description('every offer: what it gives and asks for, issued of its quota, held and redeemed')
    .addHelpText('after', OFFERS_HELP)
    .action(() =>
      session.perennial(async (perennial) => {
        const offers = await perennial.offers()
        session.answer(offers, () => offersPage(offers))
      }),
    )

  program
    .command('codes')
    .description('make codes for whoever brings one, and write them to a file; asked again it goes on where it was cut')
    .argument('<offer>', 'the name of an offer')
    .requiredOption('--count <number>', 'how many', countRead)
    .requiredOption('--out <file>', 'where to write them, as CSV', fileRead)
    .option('--valid <duration>', 'how long they are good', '30 days')
    .option('--batch <key>', 'the name of the batch; that of the file unless said', batchRead)
    .addHelpText('after', CODES_HELP)
    .action((offer: string, options: CodesOptions) =>
      session.perennial((perennial, zone) => codes(session, perennial, { offer, zone, ...options })),
    )
}

const OFFERS_HELP = `
Examples:
  perennial offers
  perennial offers --json        with the terms new coupons are issued under, and what they took off in all

Held: a cart has it at this moment. Redeemed: on an order that was not refunded. Expired: over before anybody did.`

const CODES_HELP = `
Examples:
  perennial codes first-order-10 --count 1000 --out flyer.csv
  perennial codes first-order-10 --count 1000000 --out autumn.csv --valid '60 days'
  perennial codes first-order-10 --count 500 --out again.csv --batch flyer-2

Each code takes its place in the offer's quota. The same words again write the same codes: a batch is made once.`

interface CodesOptions {
  count: number
  out: string
  valid: string
  batch?: string
}

function countRead(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= CODES_MOST) return count
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${CODES_MOST}.`)
}

function batchRead(text: string): string {
  if (isKeyPart(text)) return text
  throw new InvalidArgumentError('Expected a name: 1 to 128 characters without blanks or slashes.')
}

function fileRead(text: string): string {
  if (basename(text) !== '') return text
  throw new InvalidArgumentError('Expected the name of a file.')
}

const TELLS_EVERY = 50_000

async function codes(
  session: Session,
  perennial: Perennial,
  { offer, count, out, valid, batch = batchOf(out), zone }: CodesOptions & { offer: string; zone: string },
): Promise<void> {
  const onProgress = (made: number): void => {
    if (made % TELLS_EVERY === 0 && made < count) session.say(`${number(made)} of ${number(count)} codes`)
  }
  const made = await perennial.makeCodes({ batch, offer, count, valid, onProgress })
  const expires = clockOf(zone)(made.expiresAt)
  if (made.refused) {
    session.exitCode = EXIT.refused
    session.answer({ ...made, file: null }, () =>
      page(
        `${number(made.made)} of ${number(count)} codes were made, and no file was written.`,
        REFUSALS.QUOTA_EXHAUSTED,
      ),
    )
    return
  }
  await write(out, made.expiresAt, perennial.codesOf(made))
  session.answer({ ...made, file: out }, () =>
    page(`${number(made.made)} codes of ${offer}, good until ${expires}: ${out}`, faint(`Batch ${batch}`)),
  )
}

function batchOf(out: string): string {
  const name = basename(out, extname(out))
  if (isKeyPart(name)) return name
  throw new PerennialError('COMMAND_INVALID', `'${name}' cannot be the name of a batch`, {
    field: 'batch',
    expected: '--batch <key>: 1 to 128 characters without blanks or slashes',
  })
}

/** Under its name only when it is whole. */
async function write(out: string, expiresAt: Date, all: AsyncIterable<string[]>): Promise<void> {
  const part = `${out}.part`
  const file = await open(part, 'w').catch(notWritten(out))
  try {
    await file.write('code,expires\n')
    const end = `,${expiresAt.toISOString()}\n`
    for await (const some of all) await file.write(some.map((code) => `${code}${end}`).join(''))
  } finally {
    await file.close()
  }
  await rename(part, out).catch(notWritten(out))
}

const notWritten =
  (out: string) =>
  (cause: unknown): never => {
    const message = `${out} cannot be written; the codes are kept, so ask again with another --out and the same --batch`
    throw new PerennialError('COMMAND_INVALID', message, {
      field: 'out',
      expected: 'a file in a folder that exists',
      cause,
    })
  }

function offersPage(offers: readonly OfferLine[]): string {
  if (offers.length === 0) return 'No offer is stored yet: a worker stores those of the plans when it starts.'
  const rows = offers.map(({ id, title, issued, quota, held, redeemed, expired, terms }): Cell[] => [
    id,
    `${number(issued)} of ${number(quota)}`,
    number(held),
    number(redeemed),
    number(expired),
    givesInWords(terms.gives),
    title,
    needsInWords(terms),
  ])
  return table(
    [
      left('OFFER'),
      right('ISSUED'),
      right('HELD'),
      right('REDEEMED'),
      right('EXPIRED'),
      left('GIVES'),
      left('TITLE'),
      left('ASKS FOR'),
    ],
    rows,
  )
}

function givesInWords(gives: Gives | null): string {
  if (gives === null) return 'what the till says'
  if ('percent' in gives)
    return `${gives.percent} %${gives.atMost === undefined ? '' : `, at most ${number(gives.atMost)}`}`
  if ('amount' in gives) return number(gives.amount)
  return 'gift' in gives ? `gift ${gives.gift}` : 'free shipping'
}

function needsInWords({ needs, onRefund }: Terms): string {
  const words = [
    needs.minimum > 0 && `at least ${number(needs.minimum)}`,
    needs.categories && `of ${needs.categories.join(', ')}`,
    needs.firstOrder && 'a first order',
    onRefund.is === 'lost' && 'lost by a refund',
    onRefund.is === 'reissue' && `good for ${inWords(onRefund.ms)} after a refund`,
  ]
  return words.filter(Boolean).join('; ')
}
