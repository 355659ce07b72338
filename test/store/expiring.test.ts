/** The expiry itself: a step of the ledger, once a lot, whoever asks for it and however many do at once. */
import { afterAll, expect, test } from 'vitest'
import { effectKey } from '../../domain/ids.ts'
import { expiringLots } from '../../store/expiring.ts'
import { balancesOf, expireLots, ledgerOf } from '../../store/ledger.ts'
import { awardPoints } from '../../store/points.ts'
import { expirePoints, spendPoints } from '../../store/spends.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, NOON, behindLock, enterCrowd, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

/** A customer with lots of ten points that live for so many days; NOON in the zone of the shop, UTC. */
async function withLots(prefix: string, days: readonly number[]): Promise<string> {
  const [one] = await enterCrowd(db, { journey: 'giver', prefix, size: 1 })
  const run = one?.run ?? ''
  for (const [nth, validDays] of days.entries()) {
    const key = effectKey(run, 'points', 'gift', nth + 1)
    await awardPoints(db, {
      key,
      run,
      rule: 'gift',
      terms: { title: 'Gift', earn: { fixed: 10 }, validDays },
      shopZone: 'UTC',
      now: NOON,
    })
  }
  return one?.customer ?? ''
}

const kinds = async (customer: string): Promise<string[]> => (await ledgerOf(db, customer)).map(({ kind }) => kind)

test('many upkeeps and spends at once expire each lot once, and only what is over', async () => {
  const customers = await Promise.all(['A', 'B', 'C'].map((prefix) => withLots(prefix, [1, 1, 2, 9])))
  const now = NOON + 3 * DAY
  await Promise.all([
    ...Array.from({ length: 6 }, () => expirePoints(db, { now })),
    ...customers.map((customer) => spendPoints(db, { key: `spend/${customer}`, customer, amount: 10, now })),
  ])
  for (const customer of customers) {
    expect((await kinds(customer)).filter((kind) => kind === 'expire')).toHaveLength(3)
    expect((await balancesOf(db, customer))[0]).toMatchObject({ available: 0 })
    expect(await expiringLots(db, { customer, now })).toEqual([])
  }
  expect(await expirePoints(db, { now })).toBe(0)
})

test('an expiry is keyed by its lot, and one that waited for the lock finds nothing left to do', async () => {
  const customer = await withLots('D', [1])
  const now = NOON + 3 * DAY
  const late = behindLock(db, customer, {
    work: () => expirePoints(db, { now }),
    meanwhile: (tx) => expireLots(tx, { customer, now }),
  })
  expect(await late).toBe(1)
  expect(await kinds(customer)).toEqual(['earn', 'expire'])
  const [line] = await rowsOf<{ key: string; lot: number }>(
    db,
    `select t.key, l.id as lot from point_transfers t join point_lots l on l.customer = t.customer
     where t.kind = 'expire' and t.customer = '${customer}'`,
  )
  expect(line?.key).toBe(`lot/${line?.lot}/expire`)
})

test('at the midnight that ends its last day, and not a moment before', async () => {
  const customer = await withLots('E', [1])
  const midnight = Date.parse('2026-11-25T00:00:00Z')
  expect(await expirePoints(db, { now: midnight - 1 })).toBe(0)
  expect(await expiringLots(db, { customer, now: midnight - 1 })).toEqual([{ at: midnight, amount: 10 }])
  expect(await expiringLots(db, { customer, now: midnight })).toEqual([])
  expect(await expirePoints(db, { now: midnight })).toBe(1)
})
