/** What tests of tiers start from: a small programme, members, and orders that settle growth at once. */
import type { Routing } from '../../domain/journey.ts'
import { effectKey } from '../../domain/ids.ts'
import type { PointRule } from '../../domain/points.ts'
import type { Programme } from '../../domain/tier.ts'
import type { Db } from '../../store/db.ts'
import { awardPoints, settlePoints, takeBackPoints } from '../../store/points.ts'
import { tellEvent } from '../../store/events.ts'
import { setProgramme } from '../../store/programmes.ts'
import { tierHistoryOf } from '../../store/tier-history.ts'
import { person } from '../world.ts'
import { inboxOf, routing } from './given.ts'

/** Base from 0, mid from 100, top from 1,000; a rolling year, terms of a year, one down, no grace, refunds at the term's end. */
export function programme(more: Partial<Programme> = {}): Programme {
  return {
    title: 'Small',
    levels: [
      { id: 'base', title: 'Base', from: 0 },
      { id: 'mid', title: 'Middle', from: 100, discount: 2, multiplier: 1.5, gift: { valid: '30 days', points: 10 } },
      { id: 'top', title: 'Top', from: 1_000, discount: 5, multiplier: 2, services: ['Tea'] },
    ],
    window: { days: 365 },
    term: { months: 12 },
    downgrade: 'one-down',
    graceDays: 0,
    onRefund: 'term-end',
    nearMiss: { from: 80, to: 90 },
    ...more,
  }
}

/** A run for each order of a customer; growth value is what was paid. */
export const ORDERS = routing('orders', {
  begins: { on: 'order.paid' },
  exits: [{ on: 'order.refunded', sameOccasion: true }],
  occasion: 'order',
})

export const GROWTH: PointRule = { title: 'Growth', unit: 'growth', earn: { perYuan: 1 }, pending: true }

/** What a shop and its workflows do with the orders of customers, over a clock that is moved by hand. */
export function tiersOf(db: Db, clock: { now(): number }, plans: readonly Routing[] = [ORDERS], shopZone = 'UTC') {
  const send = inboxOf(db, clock, plans)
  const told = { plans, shopZone }
  const runOf = (customer: string, order: string): string => `orders/${customer}/${order}`
  return {
    send,
    setProgramme: (more: Partial<Programme> = {}) => setProgramme(db, programme(more), { now: clock.now() }),
    join: (customer: string, more: object = {}) => send('customer.registered', person(customer, more)),
    /** Pays an order and awards its growth, pending. */
    async pay(customer: string, order: string, yuan: number): Promise<string> {
      const run = runOf(customer, order)
      await send('order.paid', customer, { properties: { order, amount: yuan * 100 } })
      const key = effectKey(run, 'points', 'growth', 1)
      await awardPoints(db, { key, run, rule: 'growth', terms: GROWTH, ...told, now: clock.now() })
      return run
    },
    settle: (customer: string, order: string) =>
      settlePoints(db, { run: runOf(customer, order), now: clock.now(), ...told }),
    async buy(customer: string, order: string, yuan: number): Promise<void> {
      await this.pay(customer, order, yuan)
      await this.settle(customer, order)
    },
    async refund(customer: string, order: string): Promise<void> {
      await send('order.refunded', customer, { properties: { order } })
      await takeBackPoints(db, { run: runOf(customer, order), now: clock.now(), ...told })
    },
    /** 'first base, rise mid', in order. */
    history: async (customer: string): Promise<string> =>
      (await tierHistoryOf(db, customer)).map(({ why, level }) => `${why} ${level}`).join(', '),
    context: { ...told, tell: tellEvent },
  }
}
