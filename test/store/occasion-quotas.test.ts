/** What one occasion may give of an offer: exactly so many each, whoever asks, and whoever steers meanwhile. */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { codeFrom } from '../../domain/coupon.ts'
import { effectKey } from '../../domain/ids.ts'
import { type Issue, type IssueRequest, addOffers, hasPlaces, issueCoupon, offers } from '../../store/coupons.ts'
import { inTransaction, openStore } from '../../store/db.ts'
import { lockOccasion, steerOffer } from '../../store/quota.ts'
import { expectInvariants, freshStore, until } from '../world.ts'
import { DAY, NOON, behindLock, crowded, enterCrowd, rowsOf } from './given.ts'

const { db, url } = await freshStore()
const wide = openStore({ url, connections: 16 })
afterAll(async () => {
  await wide.destroy()
  await expectInvariants(db)
})

const OCTOBER = '2026-10-15'
const NOVEMBER = '2026-11-15'

const offer = (id: string, perOccasion: number | undefined, more: { quota?: number; buckets?: number } = {}) =>
  addOffers(db, { [id]: { title: id, quota: 1_000, perMember: 100, perOccasion, ...more } })

function ask(run: string, id: string, more: Partial<IssueRequest> = {}): Promise<Issue> {
  const key = effectKey(run, 'coupon', id, 1)
  const drawCode = (): string => codeFrom(randomBytes(12))
  return issueCoupon(wide, { key, run, offer: id, valid: '1 day', validMs: DAY, now: NOON, drawCode, ...more })
}

/** The runs of members of one occasion; the same members come for each. */
async function runsOf(id: string, occasion: string | undefined, size: number): Promise<string[]> {
  const crowd = await enterCrowd(db, {
    journey: id,
    prefix: `${id}-`,
    size,
    ...(occasion !== undefined && { occasion }),
  })
  return crowd.map(({ run }) => run)
}

/** Resolves when so many transactions wait for a lock. */
const queued = (many: number): Promise<void> =>
  until(async () => {
    const rows = await rowsOf(
      db,
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows.length >= many || `${rows.length} wait for a lock`
  })

const issued = (answers: readonly Issue[]): number => answers.filter(({ is }) => is === 'issued').length
const countersOf = (id: string) =>
  rowsOf<{ occasion: string; issued: number; most: number }>(
    db,
    `select occasion, issued, most from occasion_counters where offer = '${id}' order by occasion`,
  )
const REFUSED: Issue = { is: 'refused', code: 'QUOTA_EXHAUSTED' }

describe.each([1, 8])('a hundred an occasion, the quota in %i counters, 150 members, each twice at once', (buckets) => {
  test('are a hundred on each of two, and the first coupon again for who has one', { timeout: 60_000 }, async () => {
    const id = `day-${buckets}`
    await offer(id, 100, { buckets })
    const occasions = [await runsOf(id, OCTOBER, 150), await runsOf(id, NOVEMBER, 150)] as const
    // Both occasions at once, the two of a member next to one another.
    const asked = occasions[0].flatMap((run, at) => [run, run, occasions[1][at] ?? '', occasions[1][at] ?? ''])
    const answers = await crowded(asked, (run) => ask(run, id))
    for (let at = 0; at < asked.length; at += 2) {
      const [one, other] = answers.slice(at, at + 2).map((answer) => (answer.is === 'issued' ? answer.coupon : answer))
      expect(other).toEqual(one)
    }
    for (const runs of occasions) {
      const ofOccasion = answers.filter((_, at) => runs.includes(asked[at] ?? ''))
      expect(ofOccasion.filter((answer) => answer.is === 'issued' && !answer.replayed)).toHaveLength(100)
      expect(ofOccasion.filter(({ is }) => is === 'refused')).toEqual(Array.from({ length: 100 }, () => REFUSED))
    }
    expect(await countersOf(id)).toEqual([
      { occasion: OCTOBER, issued: 100, most: 100 },
      { occasion: NOVEMBER, issued: 100, most: 100 },
    ])
    expect((await offers(db)).find((one) => one.id === id)).toMatchObject({ issued: 200, perOccasion: 100 })
    // Asked again later, nothing is given and nothing taken.
    const again = await crowded(asked, (run) => ask(run, id))
    expect(again.map((answer) => (answer.is === 'issued' ? { ...answer, replayed: false } : answer))).toEqual(
      answers.map((answer) => (answer.is === 'issued' ? { ...answer, replayed: false } : answer)),
    )
    await expectInvariants(db)
  })
})

describe('what an occasion may give', () => {
  test('is within the quota, which runs of no occasion go by alone', async () => {
    await offer('few', 4, { quota: 5 })
    const [mine, other] = [await runsOf('few', OCTOBER, 3), await runsOf('few', NOVEMBER, 3)]
    const plain = await runsOf('few', undefined, 1)
    expect(issued(await crowded([...mine, ...plain], (run) => ask(run, 'few')))).toBe(4)
    expect(issued(await crowded(other, (run) => ask(run, 'few')))).toBe(1)
    expect((await countersOf('few')).map((counter) => counter.issued)).toEqual([3, 1])
  })

  test('is that of the offer which takes the place of the one asked for', async () => {
    await offer('asked', 1)
    await offer('pack', 2)
    const runs = await runsOf('asked', OCTOBER, 3)
    const answers = await crowded(runs, (run) => ask(run, 'asked', { instead: () => Promise.resolve('pack') }))
    expect(issued(answers)).toBe(2)
    expect(await countersOf('asked')).toEqual([])
    expect(await countersOf('pack')).toMatchObject([{ issued: 2 }])
  })

  test('is known to whoever asks for many: the occasion has none left, another has', async () => {
    await offer('known', 1)
    const [run = ''] = await runsOf('known', OCTOBER, 1)
    expect(await hasPlaces(db, 'known', OCTOBER)).toBe(true)
    await ask(run, 'known')
    expect(await hasPlaces(db, 'known', OCTOBER)).toBe(false)
    expect(await hasPlaces(db, 'known', NOVEMBER)).toBe(true)
    await steerOffer(db, { offer: 'known', perOccasion: 0 })
    expect(await hasPlaces(db, 'known', NOVEMBER)).toBe(false)
    expect(await hasPlaces(db, 'unknown', NOVEMBER)).toBe(false)
  })

  test('is refused without a wait while another holds the counter, once it was given', async () => {
    await offer('held', 1)
    const [first = '', second = ''] = await runsOf('held', OCTOBER, 2)
    await ask(first, 'held')
    await inTransaction(db, async (tx) => {
      await lockOccasion(tx, 'held', OCTOBER)
      expect(await ask(second, 'held')).toEqual(REFUSED)
      expect(await ask(first, 'held')).toMatchObject({ is: 'issued', replayed: true })
    })
  })
})

describe('an operator', () => {
  test('lowers it, and nobody loses a coupon; raises it, and there are more', async () => {
    await offer('steered', 3)
    const runs = await runsOf('steered', OCTOBER, 9)
    expect(issued(await crowded(runs, (run) => ask(run, 'steered')))).toBe(3)
    expect(await steerOffer(db, { offer: 'steered', perOccasion: 2 })).toMatchObject({ perOccasion: 2, issued: 3 })
    expect(issued(await crowded(runs, (run) => ask(run, 'steered')))).toBe(3)
    const next = await runsOf('steered', NOVEMBER, 9)
    expect(issued(await crowded(next, (run) => ask(run, 'steered')))).toBe(2)
    await steerOffer(db, { offer: 'steered', perOccasion: 5 })
    expect(issued(await crowded([...runs, ...next], (run) => ask(run, 'steered')))).toBe(10)
    expect(await countersOf('steered')).toEqual([
      { occasion: OCTOBER, issued: 5, most: 5 },
      { occasion: NOVEMBER, issued: 5, most: 5 },
    ])
    await steerOffer(db, { offer: 'steered', perOccasion: 0 })
    const [later = ''] = await runsOf('steered', '2026-12-15', 1)
    expect(await ask(later, 'steered')).toEqual(REFUSED)
  })

  test('says a number for an offer that had none: what the occasion gave before counts', async () => {
    await offer('late', undefined)
    const runs = await runsOf('late', OCTOBER, 9)
    expect(issued(await crowded(runs.slice(0, 4), (run) => ask(run, 'late')))).toBe(4)
    expect(await countersOf('late')).toEqual([])
    await steerOffer(db, { offer: 'late', perOccasion: 6 })
    expect(issued(await crowded(runs, (run) => ask(run, 'late')))).toBe(6)
    expect(await countersOf('late')).toEqual([{ occasion: OCTOBER, issued: 6, most: 6 }])
  })

  test('does so while a crowd asks: none is issued past the number once it is said', { timeout: 60_000 }, async () => {
    await offer('storm', undefined, { buckets: 4 })
    const runs = await runsOf('storm', OCTOBER, 400)
    const steering = async (): Promise<void> => {
      for (const perOccasion of [300, 200, 120]) await steerOffer(db, { offer: 'storm', perOccasion })
    }
    const [answers] = await Promise.all([crowded(runs, (run) => ask(run, 'storm')), steering()])
    const many = issued(answers)
    expect(many).toBeGreaterThanOrEqual(120)
    expect((await countersOf('storm')).map((counter) => counter.issued)).toEqual([many])
    expect(issued(await crowded(runs, (run) => ask(run, 'storm')))).toBe(many)
    await expectInvariants(db)
  })

  test.each([
    ['another number', 5],
    ['none', undefined],
  ])('has said it for who read %s before and comes to the quota after', async (_, before) => {
    const id = `raced-${before}`
    await offer(id, before)
    const [run = ''] = await runsOf(id, OCTOBER, 1)
    const begun: { steered?: Promise<unknown>; answer?: Promise<Issue> } = {}
    await inTransaction(db, async (tx) => {
      await sql`select 1 from offer_buckets where offer = ${id} for update`.execute(tx)
      begun.steered = steerOffer(wide, { offer: id, perOccasion: 0 })
      await queued(1)
      begun.answer = ask(run, id)
      await queued(2)
    })
    await begun.steered
    expect(await begun.answer).toEqual(REFUSED)
  })

  test('has said it for who waits for the occasion meanwhile', async () => {
    await offer('waits', 5)
    const [run = ''] = await runsOf('waits', OCTOBER, 1)
    const begun: { answer?: Promise<Issue> } = {}
    await inTransaction(db, async (tx) => {
      await lockOccasion(tx, 'waits', OCTOBER)
      begun.answer = ask(run, 'waits')
      await queued(1)
      await steerOffer(wide, { offer: 'waits', perOccasion: 0 })
    })
    expect(await begun.answer).toEqual(REFUSED)
  })

  test('raises it while somebody is about to be refused: they have theirs', async () => {
    await offer('raised', 1)
    const [first = '', second = ''] = await runsOf('raised', OCTOBER, 2)
    await ask(first, 'raised')
    const customer = second.split('/')[1] ?? ''
    const answer = await behindLock(db, customer, {
      work: () => ask(second, 'raised'),
      meanwhile: () => steerOffer(wide, { offer: 'raised', perOccasion: 2 }),
    })
    expect(answer.is).toBe('issued')
  })
})
