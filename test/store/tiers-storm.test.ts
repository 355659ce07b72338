/** Whatever happens to orders and however time passes: a level rises at once, is safe in its term, and its gift is given once. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Programme } from '../../domain/tier.ts'
import { levelAt, rankFor } from '../../domain/tier.ts'
import { setProgramme } from '../../store/programmes.ts'
import { type TierRow, currentTier, tierHistoryOf } from '../../store/tier-history.ts'
import { endTiers } from '../../store/tiers.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, HOUR, handClock, rowsOf } from './given.ts'
import { programme, tiersOf } from './given-tiers.ts'

const { db } = await freshStore()
const clock = handClock()
const shop = tiersOf(db, clock)

const ORDERS = 10
type Step =
  | { do: 'buy' | 'pay' | 'settle' | 'refund'; order: number; yuan: number }
  | { do: 'pass'; hours: number }
  | { do: 'upkeep' }

const order = fc.integer({ min: 0, max: ORDERS - 1 })
const yuan = fc.constantFrom(40, 70, 110, 600, 1_000)
const pass = (...hours: number[]) => fc.record({ do: fc.constant('pass' as const), hours: fc.constantFrom(...hours) })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('buy' as const), order, yuan }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('pay' as const, 'settle' as const), order, yuan }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('refund' as const), order, yuan }) },
  { weight: 3, arbitrary: pass(1, 30) },
  { weight: 2, arbitrary: pass(24 * 40, 24 * 200, 24 * 370) },
  { weight: 2, arbitrary: fc.constant({ do: 'upkeep' as const }) },
)

/** The shop as a few lines of arithmetic: what was settled when, and what of it came back. */
class Model {
  readonly orders = new Map<number, { yuan: number; settled: number | null; refunded: boolean }>()

  /** What a window of so many days has now, UTC. */
  growth(days: number): number {
    const since = Math.floor(clock.now() / DAY) * DAY - (days - 1) * DAY
    return [...this.orders.values()]
      .filter(({ settled, refunded }) => settled !== null && settled >= since && !refunded)
      .reduce((sum, { yuan }) => sum + yuan, 0)
  }
}

async function play(customer: string, one: Step, model: Model): Promise<void> {
  if (one.do === 'pass') return void clock.pass(one.hours * HOUR)
  if (one.do === 'upkeep') return void (await endTiers(db, { now: clock.now(), ...shop.context }))
  const name = `O${one.order}`
  const known = model.orders.get(one.order)
  if ((one.do === 'buy' || one.do === 'pay') && !known) {
    model.orders.set(one.order, { yuan: one.yuan, settled: null, refunded: false })
    await shop.pay(customer, name, one.yuan)
  }
  const paid = model.orders.get(one.order)
  if ((one.do === 'buy' || one.do === 'settle') && paid) {
    await Promise.all([shop.settle(customer, name), shop.settle(customer, name)])
    if (!paid.refunded) paid.settled ??= clock.now()
  }
  if (one.do === 'refund' && paid && !paid.refunded) {
    await shop.refund(customer, name)
    paid.refunded = true
  }
}

/** What must be seen after every step. */
function look(rows: readonly TierRow[], { onRefund, ...rest }: Programme, model: Model, did: Step['do']): void {
  const now = rows.at(-1)
  if ((did === 'settle' || did === 'buy') && now)
    expect(now.rank).toBeGreaterThanOrEqual(rankFor({ onRefund, ...rest }, model.growth(365)))
  for (const [nth, row] of rows.entries()) {
    const before = rows[nth - 1]
    if (!before || row.rank >= before.rank) continue
    if (row.why === 'fall')
      expect(row.valid_from.getTime()).toBeGreaterThanOrEqual(before.due_at?.getTime() ?? Infinity)
    else expect([row.why, onRefund]).toEqual(['refund', 'at-once'])
  }
}

/** The rises that say they are no second one of their period, with the rows they opened. */
async function firstRises(customer: string): Promise<{ reached: string; ordinal: number }[]> {
  const rises = await rowsOf<{ id: string; reached: string }>(
    db,
    `select id, properties->>'reached' as reached from events
      where customer = '${customer}' and type = 'tier.upgraded' and properties->'again' = 'false'`,
  )
  return rises.map(({ id, reached }) => ({ reached, ordinal: Number(id.split('/')[2]) }))
}

let round = 0

test('a level rises at once, is safe in its term, and is reached for the first time once a period', async () => {
  const reached: number[] = []
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('at-once' as const, 'term-end' as const),
      fc.constantFrom('one-down' as const, 'balance-based' as const),
      fc.integer({ min: 0, max: 10 }),
      fc.array(step, { minLength: 8, maxLength: 36, size: 'max' }),
      async (onRefund, downgrade, graceDays, steps) => {
        const customer = `S${++round}`
        const rules = programme({ onRefund, downgrade, graceDays })
        await setProgramme(db, rules, { now: clock.now() })
        await shop.join(customer)
        const model = new Model()
        for (const one of steps) {
          await play(customer, one, model)
          look(await tierHistoryOf(db, customer), rules, model, one.do)
        }
        const history = await tierHistoryOf(db, customer)
        const first = await firstRises(customer)
        expect(new Set(first.map(({ reached }) => reached)).size).toBe(first.length)
        // Reached for the first time is who did not have the level in a term that would still be on.
        for (const { ordinal } of first) {
          const row = history[ordinal - 1]
          const had = history.slice(0, ordinal - 1).filter(({ level }) => level === row?.level)
          for (const { due_at: due } of had) expect(due?.getTime()).toBeLessThanOrEqual(row?.valid_from.getTime() ?? 0)
        }
        const level = await currentTier(db, customer)
        if (level) expect(levelAt(rules, level.rank).id).toBe(level.level)
        reached.push(level?.rank ?? 0)
        await expectInvariants(db)
      },
    ),
    { numRuns: 30, seed: 20_261_124 },
  )
  // The steps do come to every level, and there in every way, or the test would say nothing.
  expect(new Set(reached)).toEqual(new Set([0, 1, 2]))
  const ways = await rowsOf<{ why: string; count: number }>(db, `select why, count(*) from tier_history group by why`)
  expect(
    ways
      .filter(({ count }) => count > 4)
      .map(({ why }) => why)
      .sort(),
  ).toEqual(['fall', 'first', 'keep', 'refund', 'rise'])
  const [again] = await rowsOf<{ count: number }>(db, `select count(*) from events where properties->'again' = 'true'`)
  expect(again?.count).toBeGreaterThan(4)
}, 120_000)
