/**
 * What a simulation says and what really happens: people live through some weeks in memory, and the same on PostgreSQL and Temporal
 * with a day in some seconds. Their messages are compared one by one: key, last status, code.
 *
 * At this scale a tenth of a second is half an hour of the shop, so nothing that is decided may hang on less than hours. The minute of
 * a message is not compared.
 */
import { expect, it } from 'vitest'
import { OPEN_HOURS } from '../policy.ts'
import { EVERYDAY, PRESSING, PRESSURE, everyday, pressed } from './agreeing-people.ts'
import { CAMPAIGNS, RHYTHMS, habitual, members } from './agreeing-season.ts'
import { DAY, type Word, liveInBoth } from './two-worlds.ts'

/** Three weeks in the suite; AGREEMENT_DAYS=90 AGREEMENT_PACE=1 takes seven and a half minutes, on a machine that does nothing else. */
const DAYS = Number(process.env['AGREEMENT_DAYS'] ?? 21)
/**
 * 1 is for a machine that does nothing else; everything goes so much slower above it, as beside other tests a second late is hours of the
 * shop here.
 */
const PACE = Number(process.env['AGREEMENT_PACE'] ?? 2)
const DAY_MS = 5_000 * PACE
/** Twice what any takes. */
const LIMIT_MS = 240_000 * PACE

/** What really went out, and of which journeys; a message that was decided against would do for neither. */
const sentOf = (messages: readonly Word[]): { journeys: string[]; words: string[] } => {
  const sent = messages.filter(({ status }) => status === 'sent')
  const namesOf = (names: readonly string[]): string[] => [...new Set(names)].toSorted()
  return { journeys: namesOf(sent.map((one) => one.journey)), words: namesOf(sent.map((one) => one.message)) }
}

/** Of those that are played, the ones that three weeks come to. */
const IN_THREE_WEEKS = ['birthday', 'coupon-expiry', 'first-order', 'referral-invite', 'service-recovery', 'welcome']

it.concurrent(
  'agrees with a real run, message by message',
  async () => {
    const lived = {
      journeys: EVERYDAY,
      members: everyday(DAYS),
      days: DAYS,
      dayMs: DAY_MS,
      policy: OPEN_HOURS,
      tail: 2 * DAY,
    }
    const { messages, redeemed } = await liveInBoth(lived)
    expect(redeemed.length).toBeGreaterThan(10)
    // Enough of each for the agreement to mean something.
    const statuses = messages.map(({ status, code }) => code ?? status)
    for (const one of ['sent', 'NO_CONSENT', 'SUPPRESSED', 'NO_ADDRESS']) expect(statuses, one).toContain(one)
    expect(messages.length).toBeGreaterThan(150)
    expect(sentOf(messages).journeys).toEqual(expect.arrayContaining(IN_THREE_WEEKS))
  },
  DAYS * DAY_MS * 2,
)

it.concurrent(
  'agrees on who is kept back: by nights, by caps, and in auctions',
  async () => {
    const lived = { journeys: PRESSING, members: pressed(), days: 9, dayMs: 12_000 * PACE, policy: PRESSURE, tail: DAY }
    const { messages } = await liveInBoth(lived)
    expect(sentOf(messages).journeys).toEqual(PRESSING)
    const codes = new Set(messages.map(({ code }) => code))
    expect(codes).toEqual(new Set([null, 'FREQUENCY_CAP', 'LEFT_JOURNEY', 'OUTRANKED']))
  },
  LIMIT_MS,
)

it.concurrent(
  'agrees on campaigns, wave by wave',
  async () => {
    const lived = {
      journeys: CAMPAIGNS,
      members: members(),
      days: 22.5,
      dayMs: 4_800 * PACE,
      policy: OPEN_HOURS,
      tail: DAY / 4,
    }
    const { messages } = await liveInBoth(lived)
    const words = ['double', 'first', 'half', 'hours', 'last', 'teaser', 'week']
    expect(sentOf(messages)).toEqual({ journeys: CAMPAIGNS, words })
  },
  LIMIT_MS,
)

it.concurrent(
  'agrees on who buys again and who falls asleep',
  async () => {
    const lived = {
      journeys: RHYTHMS,
      members: habitual(),
      days: 51,
      dayMs: 2_100 * PACE,
      policy: OPEN_HOURS,
      tail: 2.5 * DAY,
    }
    const { messages } = await liveInBoth(lived)
    const words = ['due', 'late', 'modest', 'news', 'soon', 'strong']
    expect(sentOf(messages)).toEqual({ journeys: RHYTHMS, words })
  },
  LIMIT_MS,
)
