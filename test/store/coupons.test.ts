import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { codeFrom } from '../../domain/coupon.ts'
import { PerennialError } from '../../domain/errors.ts'
import { effectKey } from '../../domain/ids.ts'
import { type Issue, type IssueRequest, addOffers, couponsOf, issueCoupon, offers } from '../../store/coupons.ts'
import { inTransaction, openStore } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { endAndWake } from '../../store/enrolments.ts'
import { pauseJourney, resumeJourney } from '../../store/journeys.ts'
import { steerOffer } from '../../store/quota.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, NOON, enterCrowd, rowsOf, wakesOf } from './given.ts'

const { db, url } = await freshStore()
afterAll(() => expectInvariants(db))

const drawCode = (): string => codeFrom(randomBytes(12))

function ask(run: string, offer: string, more: Partial<IssueRequest> = {}, store = db): Promise<Issue> {
  const key = effectKey(run, 'coupon', offer, 1)
  return issueCoupon(store, { key, run, offer, valid: '7 days', validMs: 7 * DAY, now: NOON, drawCode, ...more })
}

/** As Temporal does it: a store that gives no connection in time is asked again. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof PerennialError && error.code === 'STORE_UNAVAILABLE')) throw error
    }
  }
}

/** One member in a journey of their own name; the run. */
async function member(id: string, journey = 'story'): Promise<string> {
  const [one] = await enterCrowd(db, { journey, prefix: id, size: 1 })
  return one?.run ?? ''
}

const issuedOf = async (offer: string): Promise<number | undefined> =>
  (await offers(db)).find((one) => one.id === offer)?.issued

await addOffers(db, { plenty: { title: 'Plenty', quota: 1000, perMember: 1 } })

describe('a quota of 100, 300 members, each asked three times at once', () => {
  test('is 100 coupons: a winner gets the first one again, all others are refused', async () => {
    await addOffers(db, { rush: { title: 'Rush', quota: 100, perMember: 1 } })
    const crowd = await enterCrowd(db, { journey: 'rush', prefix: 'R', size: 300 })
    const wide = openStore({ url, connections: 16 })
    const once = (run: string): Promise<Issue> => persistently(() => ask(run, 'rush', {}, wide))
    const answers = await Promise.all(crowd.map(({ run }) => Promise.all([once(run), once(run), once(run)])))
    await wide.destroy()
    const won = answers.filter(([first]) => first.is === 'issued')
    expect(won).toHaveLength(100)
    for (const three of won) {
      const coupons = three.map((one) => (one.is === 'issued' ? one.coupon : undefined))
      expect(new Set(coupons.map((coupon) => coupon?.code)).size).toBe(1)
      expect(three.filter((one) => one.is === 'issued' && !one.replayed)).toHaveLength(1)
    }
    const lost = answers.filter(([first]) => first.is !== 'issued').flat()
    expect(lost).toEqual(Array.from({ length: 600 }, () => ({ is: 'refused', code: 'QUOTA_EXHAUSTED' })))
    expect(await issuedOf('rush')).toBe(100)
    expect(await rowsOf(db, `select distinct customer from coupons where offer = 'rush'`)).toHaveLength(100)
    // However often one is refused, the log says it once.
    expect(await rowsOf(db, `select 1 from decisions where code = 'QUOTA_EXHAUSTED'`)).toHaveLength(200)
    await expectInvariants(db)
  })
})

describe('the same key', () => {
  test('answers the first coupon again, whatever became of the run, the journey and the clock', async () => {
    const run = await member('K')
    const first = await ask(run, 'plenty')
    expect(first).toMatchObject({
      is: 'issued',
      replayed: false,
      coupon: { offer: 'plenty', title: 'Plenty', expiresAt: new Date(NOON + 7 * DAY), zone: 'UTC' },
    })
    await pauseJourney(db, 'story', NOON)
    await inTransaction(db, (tx) => endAndWake(tx, [run], { status: 'stopped', reason: 'operator', now: NOON + DAY }))
    const again = await ask(run, 'plenty', { now: NOON + 2 * DAY })
    await resumeJourney(db, 'story', { now: NOON })
    expect(again).toEqual({ ...first, replayed: true })
    expect(await couponsOf(db, 'K1')).toHaveLength(1)
  })

  test('with another request is IDEMPOTENCY_MISMATCH', async () => {
    const run = await member('M')
    const other = await member('M-other')
    await ask(run, 'plenty')
    const key = effectKey(run, 'coupon', 'plenty', 1)
    for (const asked of [
      () => ask(run, 'plenty', { valid: '8 days' }),
      () => ask(run, 'rush', { key }),
      () => ask(other, 'plenty', { key }),
    ]) {
      await expect(asked()).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    }
    expect(await couponsOf(db, 'M1')).toHaveLength(1)
    expect(await couponsOf(db, 'M-other1')).toEqual([])
  })
})

describe('what one customer may have', () => {
  test('is kept over all keys and runs, also when they ask at once', async () => {
    await addOffers(db, { two: { title: 'Two each', quota: 1000, perMember: 2 } })
    const run = await member('L')
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((nth) => ask(run, 'two', { key: effectKey(run, 'coupon', 'two', nth) })),
    )
    expect(answers.filter((one) => one.is === 'issued')).toHaveLength(2)
    expect(answers.filter((one) => one.is === 'refused' && one.code === 'MEMBER_LIMIT')).toHaveLength(3)
    expect(await issuedOf('two')).toBe(2)
    // Another customer has a limit of their own.
    expect((await ask(await member('L-other'), 'two')).is).toBe('issued')
  })
})

describe('a code that is taken', () => {
  test('is drawn anew', async () => {
    const first = await ask(await member('C'), 'plenty')
    const taken = first.is === 'issued' ? first.coupon.code : ''
    const draws = [taken, taken, 'FRESHCODE234']
    const second = await ask(await member('C-other'), 'plenty', { drawCode: () => draws.shift() ?? '' })
    expect(second).toMatchObject({ is: 'issued', replayed: false, coupon: { code: 'FRESHCODE234' } })
    expect(draws).toEqual([])
  })

  test('five times over is an error, and nothing was spent', async () => {
    const first = await ask(await member('D'), 'plenty')
    const taken = first.is === 'issued' ? first.coupon.code : ''
    const spent = await issuedOf('plenty')
    const asked = ask(await member('D-other'), 'plenty', { drawCode: () => taken })
    await expect(asked).rejects.toThrow(/coupons_pkey/)
    expect(await issuedOf('plenty')).toBe(spent)
    expect(await couponsOf(db, 'D-other1')).toEqual([])
  })
})

describe('no coupon', () => {
  test('for an offer or a run that is not there', async () => {
    const run = await member('U')
    await expect(ask(run, 'nothing')).rejects.toMatchObject({ code: 'OFFER_UNKNOWN', field: 'offer' })
    await expect(ask('story/nobody', 'plenty')).rejects.toMatchObject({ code: 'RUN_UNKNOWN', field: 'run' })
    expect(await decisionsOf(db, 'U1')).toEqual([])
  })

  test('while the journey is paused: held, and the run is woken when it is resumed', async () => {
    const run = await member('P', 'paused')
    await pauseJourney(db, 'paused', NOON)
    expect(await ask(run, 'plenty')).toEqual({ is: 'held' })
    expect(await couponsOf(db, 'P1')).toEqual([])
    expect(await resumeJourney(db, 'paused', { now: NOON })).toBe(1)
    expect(await wakesOf(db)).toContain(run)
    expect((await ask(run, 'plenty')).is).toBe('issued')
  })

  test('in the control arm', async () => {
    const run = await member('H')
    await rowsOf(db, `update enrolments set arm = 'holdout' where id = '${run}'`)
    expect(await ask(run, 'plenty')).toEqual({ is: 'refused', code: 'HOLDOUT' })
    expect(await decisionsOf(db, 'H1')).toMatchObject([
      { about: 'coupon', verdict: 'refused', code: 'HOLDOUT', detail: 'plenty', enrolment: run },
    ])
  })

  test('after the run was over', async () => {
    const run = await member('E')
    await inTransaction(db, (tx) => endAndWake(tx, [run], { status: 'stopped', reason: 'operator', now: NOON }))
    expect(await ask(run, 'plenty')).toEqual({ is: 'refused', code: 'LEFT_JOURNEY' })
  })
})

test('an offer is stored once and then stays as it was steered', async () => {
  await addOffers(db, { steered: { title: 'First', quota: 5, perMember: 1, perOccasion: 3 } })
  await steerOffer(db, { offer: 'steered', quota: 7, perOccasion: 2 })
  await addOffers(db, { steered: { title: 'Second', quota: 9, perMember: 2, perOccasion: 9 } })
  const steered = (await offers(db)).find((one) => one.id === 'steered')
  const kept = { id: 'steered', title: 'First', quota: 7, perMember: 1, perOccasion: 2, issued: 0, buckets: 1 }
  expect(steered).toEqual(kept)
})
