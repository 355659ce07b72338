/** What tests take for a policy when they are not about it. */
import type { Policy } from '../activities/index.ts'

/** No night, and a cap nobody reaches. */
export const OPEN_HOURS: Policy = {
  quiet: { from: 0, to: 0 },
  caps: [{ messages: 100, windowMs: 86_400_000, counts: ['marketing'] }],
  auctionMs: 0,
  release: { messages: 1000, windowMs: 1 },
  shopZone: 'UTC',
}

export const PUBLIC_URL = 'http://shop.example'
export const SECRET = 'a-secret-of-at-least-sixteen'

/** Clocks that jump at midnight, by half an hour, in either half of the year, and not at all. */
export const JUMPING_ZONES = [
  'America/Santiago',
  'Australia/Lord_Howe',
  'Europe/London',
  'America/New_York',
  'Asia/Kathmandu',
  'Asia/Shanghai',
]
