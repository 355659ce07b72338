/**
 * What tells that two customers may be one person: a mail address, a phone, a device, a card, a postal address. Never kept as it
 * is but as a keyed hash of its normal form, which serves to compare and for nothing else.
 */
import { createHmac } from 'node:crypto'

export const IDENTITY_KINDS = ['email', 'phone', 'device', 'payment', 'address'] as const
export type IdentityKind = (typeof IDENTITY_KINDS)[number]

export interface Identity {
  kind: IdentityKind
  hash: string
}

/** A number in E.164, or undefined where it is none. Blanks, dashes and brackets are forgiven; 11 digits from 13 to 19 on are Chinese. */
export function readPhone(text: string): string | undefined {
  const digits = text.replace(/[\s().-]/g, '').replace(/^00/, '+')
  if (/^1[3-9]\d{9}$/.test(digits)) return `+86${digits}`
  return /^\+[1-9]\d{6,14}$/.test(digits) ? digits : undefined
}

const GMAIL = new Set(['gmail.com', 'googlemail.com'])

/** One inbox, one address: case and what follows a plus do not count, nor dots where the provider ignores them (Gmail's help says so). */
export function normalEmail(email: string): string {
  const [local = '', domain = ''] = email.toLowerCase().split('@')
  const name = local.replace(/\+.*$/, '')
  return GMAIL.has(domain) ? `${name.replaceAll('.', '')}@gmail.com` : `${name}@${domain}`
}

/** The same place written in two ways: width, case, blanks and punctuation do not count. */
const normalAddress = (address: string): string =>
  address
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{P}\p{S}]/gu, '')

const NORMAL: Record<IdentityKind, (value: string) => string> = {
  email: normalEmail,
  phone: (phone) => readPhone(phone) ?? phone,
  device: (device) => device.trim(),
  payment: (payment) => payment.trim(),
  address: normalAddress,
}

export type Known = { readonly [K in IdentityKind]?: string | null | undefined }

/** The identities of what is known of a customer, hashed with the shop's own key: another shop's hashes say nothing here. */
export function identitiesOf(known: Known, key: string): Identity[] {
  return IDENTITY_KINDS.flatMap((kind) => {
    const value = known[kind]
    const normal = value ? NORMAL[kind](value) : ''
    if (normal === '') return []
    return [{ kind, hash: createHmac('sha256', key).update(`identity\u0000${kind}\u0000${normal}`).digest('hex') }]
  })
}
