/** What the SMS providers of mainland China have in common: signature, refusal, length and price. */
import { createHash } from 'node:crypto'
import type { Outgoing, Receipt } from './channel.ts'
import type { ProviderTemplates } from './provider-templates.ts'
import { type Segments, segmentsOf } from './segments.ts'

export interface SmsOptions {
  /** The approved signature, without its brackets. */
  sign: string
  templates: ProviderTemplates
  /** Price of a segment, in ten-thousandths of the currency's main unit; 0 unless told. */
  price?: number
  /** Machine time, epoch ms: signatures are dated. */
  now: () => number
}

/** What promotion must end with, to the letter (the operators' rule for the suffix). */
export const REFUSAL_SUFFIX = '拒收请回复R'

/** The words with the refusal where the message is marketing and does not say it itself. */
export function contentOf({ words, class: of }: Pick<Outgoing, 'words' | 'class'>): string {
  const text = words.text.trim()
  return of === 'marketing' && !text.endsWith(REFUSAL_SUFFIX) ? `${text} ${REFUSAL_SUFFIX}` : text
}

/** What the customer reads, signature and all, and what that costs. */
export function measure(
  message: Pick<Outgoing, 'words' | 'class' | 'to'>,
  { sign, price = 0 }: Pick<SmsOptions, 'sign' | 'price'>,
): Segments & { cost: number } {
  const segments = segmentsOf(`【${sign}】${contentOf(message)}`, message.to)
  return { ...segments, cost: segments.segments * price }
}

/** An id of ours that comes back with receipts: the key, or its hash where the provider's field is too short. */
export function ownId(key: string, most: number): string {
  return Buffer.byteLength(key) <= most ? key : createHash('sha256').update(key).digest('hex')
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A code of the provider as a receipt; what no table names is refused, since the provider did answer. */
export function codeReceipt(
  table: Readonly<Record<string, Omit<Receipt, 'detail'>>>,
  code: string,
  said: string,
  to: string,
): Receipt {
  const known =
    table[code] ?? Object.entries(table).find(([name]) => name.endsWith('*') && code.startsWith(name.slice(0, -1)))?.[1]
  return {
    ...(known ?? { is: 'refused' }),
    detail: `${code} ${said}`.replaceAll(to, '…').replaceAll(bare(to), '…').trim(),
  }
}

/** A number as the providers write it: without the plus, mainland numbers without their 86. */
export function bare(phone: string): string {
  return phone.replace(/^\+86/, '').replace(/^\+/, '')
}
