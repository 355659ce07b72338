/** Links that name a person without a login: signed, so that they cannot be guessed or altered. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What an unsubscribe link is about. */
export interface Subscription {
  customer: string
  topic: string
  channel: string
}

/** What a link to confirm is about: all that a customer said and has not confirmed, at the address it was sent to. */
export interface Confirmation {
  customer: string
  /** A hash of the address: a link sent to another one confirms nothing. */
  address: string
  /** Epoch ms, shop time. */
  expires: number
}

type Purpose = 'unsubscribe' | 'preferences' | 'confirm'

const SIGNATURE_BYTES = 16

const signature = (purpose: Purpose, payload: string, secret: string): Buffer =>
  createHmac('sha256', secret).update(`${purpose}\u0000${payload}`).digest().subarray(0, SIGNATURE_BYTES)

/** A token of URL-safe symbols. A link made for one purpose opens no other. */
function signed(purpose: Purpose, fields: readonly (string | number)[], secret: string): string {
  const payload = Buffer.from(JSON.stringify(fields)).toString('base64url')
  return `${payload}.${signature(purpose, payload, secret).toString('base64url')}`
}

/** What the token says; undefined unless we signed it for this purpose. */
function read(purpose: Purpose, token: string, secret: string): unknown[] | undefined {
  const [payload, given] = token.split('.')
  if (!payload || !given) return undefined
  const bytes = Buffer.from(given, 'base64url')
  if (bytes.length !== SIGNATURE_BYTES || !timingSafeEqual(bytes, signature(purpose, payload, secret))) return undefined
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as unknown[]
}

/** RFC 8058 asks that it identify the recipient and the list. */
export function subscriptionToken({ customer, topic, channel }: Subscription, secret: string): string {
  return signed('unsubscribe', [customer, topic, channel], secret)
}

export function readSubscriptionToken(token: string, secret: string): Subscription | undefined {
  const [customer, topic, channel] = (read('unsubscribe', token, secret) ?? []) as string[]
  return customer && topic && channel ? { customer, topic, channel } : undefined
}

export function preferencesToken(customer: string, secret: string): string {
  return signed('preferences', [customer], secret)
}

/** The customer whose preferences the link opens. */
export function readPreferencesToken(token: string, secret: string): string | undefined {
  const [customer] = (read('preferences', token, secret) ?? []) as string[]
  return customer || undefined
}

export const addressHash = (address: string): string =>
  createHash('sha256').update(address.toLowerCase()).digest('base64url').slice(0, 16)

export function confirmationToken({ customer, address, expires }: Confirmation, secret: string): string {
  return signed('confirm', [customer, address, expires], secret)
}

/** What the link is about, expired or not; undefined unless we signed it. */
export function readConfirmationToken(token: string, secret: string): Confirmation | undefined {
  const [customer, address, expires] = read('confirm', token, secret) ?? []
  if (typeof customer !== 'string' || typeof address !== 'string' || typeof expires !== 'number') return undefined
  return { customer, address, expires }
}
