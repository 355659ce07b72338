/** Links that name a person without a login: signed, so that they cannot be guessed or altered. */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** What an unsubscribe link is about. */
export interface Subscription {
  customer: string
  topic: string
  channel: string
}

const SIGNATURE_BYTES = 16

const signature = (payload: string, secret: string): Buffer =>
  createHmac('sha256', secret).update(`unsubscribe\u0000${payload}`).digest().subarray(0, SIGNATURE_BYTES)

/** A token of URL-safe symbols. RFC 8058 asks that it identify the recipient and the list. */
export function subscriptionToken({ customer, topic, channel }: Subscription, secret: string): string {
  const payload = Buffer.from(JSON.stringify([customer, topic, channel])).toString('base64url')
  return `${payload}.${signature(payload, secret).toString('base64url')}`
}

/** What the token says; undefined unless we signed it. */
export function readSubscriptionToken(token: string, secret: string): Subscription | undefined {
  const [payload, signed] = token.split('.')
  if (!payload || !signed) return undefined
  const given = Buffer.from(signed, 'base64url')
  if (given.length !== SIGNATURE_BYTES || !timingSafeEqual(given, signature(payload, secret))) return undefined
  const [customer, topic, channel] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as string[]
  return customer && topic && channel ? { customer, topic, channel } : undefined
}
