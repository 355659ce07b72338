/** The words about offers: offers, codes. */
import { open, rename } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { BUCKETS_MOST, CODES_MOST } from '../../domain/coupon.ts'
import { inWords } from '../../domain/duration.ts'
import { PerennialError, REFUSALS } from '../../domain/errors.ts'
import { isKeyPart } from '../../domain/ids.ts'
import type { Gives, Terms } from '../../domain/offer.ts'
import type { OfferLine } from '../../store/offers.ts'
import type { Steering } from '../../store/quota.ts'
import type { Perennial } from '../operator.ts'
import { type Cell, clockOf, faint, left, limitsInWords, many, number, page, right, table } from './layout.ts'
import { EXIT } from './problems.ts'
import type { Session } from './session.ts'

export function addOfferWords(program: Command, session: Session): void {
  const offers = program
    .command('offers')
    .description('every offer: what it gives and asks for, issued of its quota, held and redeemed; or steer one')
    .addHelpText('after', OFFERS_HELP)
  offers
    .command('list', { isDefault: true })
    .description('every offer')
    .action(() =>
      session.perennial(async (perennial) => {
        const offers = await perennial.offers()
        session.answer(offers, () => offersPage(offers))
      }),
    )
  offers
    .command('set')
    .description(
      'change how many coupons there are, how many one customer may have or one occasion may give, and over how many counters they lie',
    )
    .argument('<offer>', 'the name of an offer')
    .option('--quota <number>', 'coupons in all, never below what was issued', wholeRead(0, QUOTA_MOST))
    .option('--per-member <number>', 'what one customer may have from now on', wholeRead(0, QUOTA_MOST))
    .option(
      '--per-occasion <number>',
      'what one occasion may give from now on, the one that is on too',
      wholeRead(0, QUOTA_MOST),
    )
    .option('--buckets <number>', 'counters over which the quota is spread, for a crowd', wholeRead(1, BUCKETS_MOST))
    .addHelpText('after', SET_HELP)
    .action((offer: string, options: Omit<Steering, 'offer'>) =>
      session.perennial(async (perennial) => {
        const steered = await perennial.steerOffer(readSteering(offer, options))
        const { issued, quota, perMember, perOccasion, buckets } = steered
        session.answer(steered, () =>
          page(
            `${offer}: ${number(issued)} of ${number(quota)} issued, ${limitsInWords({ perMember, perOccasion })}`,
            faint(`The quota lies in ${many(buckets, 'bucket')}.`),
          ),
        )
      }),
    )

  program
    .command('codes')
    .description('make codes for whoever brings one, and write them to a file; asked again it goes on where it was cut')
    .argument('<offer>', 'the name of an offer')
    .requiredOption('--count <number>', 'how many', wholeRead(1, CODES_MOST))
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
  perennial offers set first-order-10 --quota 20000
  perennial offers --json        with the terms new coupons are issued under, and what they took off in all

Held: a cart has it at this moment. Redeemed: on an order that was not refunded. Expired: over before anybody did.`

const SET_HELP = `
Examples:
  perennial offers set first-order-10 --quota 20000
  perennial offers set singles-day --buckets 8             before the hour in which everybody asks
  perennial offers set first-order-10 --per-member 2
  perennial offers set member-day-half --per-occasion 150  for the member day that is on, and for each to come

While coupons are issued too. A limit that is lowered takes nothing from those who have more.`

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

/** The most that a counter of the store holds. */
const QUOTA_MOST = 2_000_000_000

const wholeRead =
  (least: number, most: number) =>
  (text: string): number => {
    const whole = Number(text)
    if (text !== '' && Number.isInteger(whole) && whole >= least && whole <= most) return whole
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
  }

function readSteering(offer: string, options: Omit<Steering, 'offer'>): Steering {
  if (Object.keys(options).length > 0) return { offer, ...options }
  const expected = '--quota, --per-member, --per-occasion or --buckets'
  throw new PerennialError('COMMAND_INVALID', `nothing to set: ${expected}`, { field: 'offers set', expected })
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
  const rows = offers.map(({ id, title, issued, quota, perOccasion, held, redeemed, expired, terms }): Cell[] => [
    id,
    `${number(issued)} of ${number(quota)}${perOccasion === null ? '' : `, ${number(perOccasion)} an occasion`}`,
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

function needsInWords({ needs, onRefund, limitBy }: Terms): string {
  const words = [
    needs.minimum > 0 && `at least ${number(needs.minimum)}`,
    needs.categories && `of ${needs.categories.join(', ')}`,
    needs.firstOrder && 'a first order',
    limitBy && `one customer by ${limitBy.join(' and ')}`,
    onRefund.is === 'lost' && 'lost by a refund',
    onRefund.is === 'reissue' && `good for ${inWords(onRefund.ms)} after a refund`,
  ]
  return words.filter(Boolean).join('; ')
}
