/** A quota in one counter and over several: never one coupon too many or too few, whoever asks and whoever steers meanwhile. */
import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { codeFrom } from '../../domain/coupon.ts'
import { PerennialError } from '../../domain/errors.ts'
import { effectKey } from '../../domain/ids.ts'
import { makeCodes } from '../../store/codes.ts'
import { type Issue, addOffers, issueCoupon, offers } from '../../store/coupons.ts'
import { type Db, openStore } from '../../store/db.ts'
import { steerOffer } from '../../store/quota.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, NOON, crowded, enterCrowd, rowsOf } from './given.ts'

const { db, url } = await freshStore()
const wide = openStore({ url, connections: 16 })
afterAll(async () => {
  await wide.destroy()
  await expectInvariants(db)
})

const drawCode = (): string => codeFrom(randomBytes(12))
const offer = (id: string, quota: number, buckets: number, perMember = 1) =>
  addOffers(db, { [id]: { title: id, quota, perMember, buckets } })

function ask(run: string, id: string, nth = 1, store: Db = wide): Promise<Issue> {
  const key = effectKey(run, 'coupon', id, nth)
  return issueCoupon(store, { key, run, offer: id, valid: '7 days', validMs: 7 * DAY, now: NOON, drawCode })
}

const bucketsOf = (id: string) =>
  rowsOf<{ quota: number; issued: number }>(
    db,
    `select quota, issued from offer_buckets where offer = '${id}' order by bucket`,
  )

describe.each([1, 8])('a quota of 1,000 in %i counters, 3,000 members, each asking three times at once', (buckets) => {
  test('is 1,000 coupons, 2,000 replays of them and 6,000 refusals', { timeout: 60_000 }, async () => {
    const id = `rush-${buckets}`
    await offer(id, 1000, buckets)
    const crowd = await enterCrowd(db, { journey: id, prefix: `R${buckets}x`, size: 3000 })
    // The three of a member come next to one another, so that they are on their way at once.
    const asked = crowd.flatMap(({ run }) => [run, run, run])
    const answers = await crowded(asked, (run) => ask(run, id))
    const issued = answers.filter((answer) => answer.is === 'issued')
    expect(issued.filter(({ replayed }) => !replayed)).toHaveLength(1000)
    expect(issued.filter(({ replayed }) => replayed)).toHaveLength(2000)
    for (let at = 0; at < asked.length; at += 3) {
      const three = answers.slice(at, at + 3).map((answer) => (answer.is === 'issued' ? answer.coupon : answer.is))
      expect(three).toEqual([three[0], three[0], three[0]])
    }
    const refused = answers.filter((answer) => answer.is !== 'issued')
    expect(refused).toEqual(Array.from({ length: 6000 }, () => ({ is: 'refused', code: 'QUOTA_EXHAUSTED' })))
    const counters = await bucketsOf(id)
    expect(counters).toHaveLength(buckets)
    expect(counters.every(({ quota, issued: many }) => many === quota)).toBe(true)
    expect((await offers(db)).find((one) => one.id === id)).toMatchObject({ quota: 1000, issued: 1000, buckets })
    expect(await rowsOf(db, `select 1 from member_counters where offer = '${id}'`)).toHaveLength(1000)
    expect(await rowsOf(db, `select distinct customer from coupons where offer = '${id}'`)).toHaveLength(1000)
    await expectInvariants(db)
  })
})

test('the last coupon is found, in whichever counter it lies', async () => {
  await offer('last', 64, 64)
  const crowd = await enterCrowd(db, { journey: 'last', prefix: 'L', size: 70 })
  const answers: Issue[] = []
  for (const { run } of crowd.slice(0, 63)) answers.push(await ask(run, 'last'))
  expect(answers.every(({ is }) => is === 'issued')).toBe(true)
  const rest = await Promise.all(crowd.slice(63).map(({ run }) => ask(run, 'last')))
  expect(rest.filter(({ is }) => is === 'issued')).toHaveLength(1)
  expect(rest.filter((answer) => answer.is === 'refused' && answer.code === 'QUOTA_EXHAUSTED')).toHaveLength(6)
})

test('a crowd spreads over the counters', async () => {
  await offer('wide', 4000, 8)
  const crowd = await enterCrowd(db, { journey: 'wide', prefix: 'W', size: 400 })
  await crowded(crowd, ({ run }) => ask(run, 'wide'))
  const counts = (await bucketsOf('wide')).map(({ issued }) => issued)
  expect(counts.reduce((sum, many) => sum + many, 0)).toBe(400)
  expect(Math.min(...counts)).toBeGreaterThan(25)
})

describe('an operator', () => {
  test('spreads a quota anew and changes it, never below what was issued', async () => {
    await offer('steered', 10, 1)
    const crowd = await enterCrowd(db, { journey: 'steered', prefix: 'S', size: 9 })
    for (const { run } of crowd.slice(0, 5)) await ask(run, 'steered')
    expect(await steerOffer(db, { offer: 'steered', buckets: 4 })).toEqual({
      offer: 'steered',
      quota: 10,
      issued: 5,
      perMember: 1,
      perOccasion: null,
      buckets: 4,
    })
    expect(await bucketsOf('steered')).toEqual([
      { quota: 4, issued: 2 },
      { quota: 2, issued: 1 },
      { quota: 2, issued: 1 },
      { quota: 2, issued: 1 },
    ])
    const below = steerOffer(db, { offer: 'steered', quota: 4, perMember: 3 })
    await expect(below).rejects.toMatchObject({ code: 'QUOTA_INVALID', field: 'quota' })
    expect(await steerOffer(db, { offer: 'steered', quota: 6, buckets: 2 })).toMatchObject({ quota: 6, perMember: 1 })
    const answers = await Promise.all(crowd.slice(5).map(({ run }) => ask(run, 'steered')))
    expect(answers.filter(({ is }) => is === 'issued')).toHaveLength(1)
    await expect(steerOffer(db, { offer: 'none', quota: 1 })).rejects.toMatchObject({ code: 'OFFER_UNKNOWN' })
    await expect(steerOffer(db, { offer: 'steered', buckets: 65 })).rejects.toMatchObject({ field: 'buckets' })
  })

  test('lowers what one may have, and takes nothing from who has more', async () => {
    await offer('fewer', 10, 1, 3)
    const [one, other] = await enterCrowd(db, { journey: 'fewer', prefix: 'F', size: 2 })
    for (const nth of [1, 2]) await ask(one?.run ?? '', 'fewer', nth)
    await steerOffer(db, { offer: 'fewer', perMember: 1 })
    expect(await ask(one?.run ?? '', 'fewer', 3)).toEqual({ is: 'refused', code: 'MEMBER_LIMIT' })
    expect((await ask(other?.run ?? '', 'fewer')).is).toBe('issued')
    await expectInvariants(db)
    await steerOffer(db, { offer: 'fewer', perMember: 4 })
    expect((await ask(one?.run ?? '', 'fewer', 3)).is).toBe('issued')
  })

  test('does so while a crowd asks and a batch is printed: each place is used once', { timeout: 30_000 }, async () => {
    await offer('storm', 300, 8)
    const crowd = await enterCrowd(db, { journey: 'storm', prefix: 'T', size: 500 })
    const steps = [1, 5, 8, 2, 7, 3, 8].map((buckets, at) => ({ offer: 'storm', buckets, quota: 300 + at * 10 }))
    const steering = async (): Promise<void> => {
      for (const step of steps) await steerOffer(db, step)
    }
    const codes = (batch: string) =>
      makeCodes(db, { batch, offer: 'storm', count: 20, valid: '1 day', now: NOON, drawCode })
    const [answers, batches] = await Promise.all([
      crowded(crowd, ({ run }) => ask(run, 'storm')),
      Promise.all([codes('storm-1'), codes('storm-2')]),
      steering(),
    ])
    expect(batches.map(({ made, refused }) => [made, refused])).toEqual([
      [20, null],
      [20, null],
    ])
    const issued = answers.filter(({ is }) => is === 'issued').length
    const [storm] = (await offers(db)).filter(({ id }) => id === 'storm')
    expect(storm).toMatchObject({ quota: 360, issued: issued + 40 })
    const rest = await crowded(crowd, ({ run }) => ask(run, 'storm', 1))
    expect(rest.filter(({ is }) => is === 'issued')).toHaveLength(320)
    await expectInvariants(db)
  })
})

test('a store that is not there is an error, not a refusal', async () => {
  const none = openStore({ url: 'postgres://nobody:nothing@127.0.0.1:9/none', connections: 1 })
  await expect(ask('last/L1', 'last', 1, none)).rejects.toThrow(PerennialError)
  await none.destroy()
})
