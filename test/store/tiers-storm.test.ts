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

const ORDERS = 6
type Step =
  { do: 'pay' | 'settle' | 'refund'; order: number; yuan: number } | { do: 'pass'; hours: number } | { do: 'upkeep' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('pay' as const, 'settle' as const, 'settle' as const),
      order: fc.integer({ min: 0, max: ORDERS - 1 }),
      yuan: fc.constantFrom(40, 70, 110, 600, 1_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('refund' as const),
      order: fc.integer({ min: 0, max: ORDERS - 1 }),
      yuan: fc.constant(0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), hours: fc.constantFrom(1, 30, 24 * 40, 24 * 200) }),
  },
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
  const { order, yuan } = one
  const known = model.orders.get(order)
  if (one.do === 'pay' && !known) {
    model.orders.set(order, { yuan, settled: null, refunded: false })
    await shop.pay(customer, `O${order}`, yuan)
  }
  if (one.do === 'settle' && known) {
    await Promise.all([shop.settle(customer, `O${order}`), shop.settle(customer, `O${order}`)])
    if (!known.refunded) known.settled ??= clock.now()
  }
  if (one.do === 'refund' && known && !known.refunded) {
    await shop.refund(customer, `O${order}`)
    known.refunded = true
  }
}

/** What must be seen after every step. */
function look(rows: readonly TierRow[], { onRefund, ...rest }: Programme, model: Model, did: Step['do']): void {
  const now = rows.at(-1)
  if (did === 'settle' && now)
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
      fc.array(step, { minLength: 6, maxLength: 28 }),
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
        reached.push(level?.rank ?? -1)
        await expectInvariants(db)
      },
    ),
    { numRuns: 60, seed: 20_261_124 },
  )
  // The steps do come to every level, or the test would say nothing.
  expect(new Set(reached)).toEqual(new Set([-1, 0, 1, 2]))
}, 120_000)
