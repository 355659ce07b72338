import { afterAll, expect, test } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { openReview } from '../../store/reviews.ts'
import { sql } from 'kysely'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, handClock } from '../store/given.ts'
import { RETURNS, referralShop } from '../store/referral-given.ts'

const { db, url } = await freshStore()
const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9', SHOP_ZONE: 'UTC' }
afterAll(() => expectInvariants(db))

async function perennial(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await carryOut(words, {
    env,
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  })
  return { code, ...said }
}

test('referrals, reviews and review: who brought whom, what waits, and a decision', async () => {
  expect((await perennial('referrals')).out).toBe('Nobody was brought by anybody yet.\n')
  expect((await perennial('reviews')).out).toBe('Nothing waits for a decision.\n')
  // The command line has the machine's own clock.
  const clock = handClock(Date.now() - RETURNS)
  const shop = await referralShop(db, clock)
  await shop.friend('F1', await shop.advocate('A1'))
  await sql`
    insert into identities (kind, hash, customer, first_seen, last_seen)
    select 'address', 'home', id, now(), now() from unnest(array['A1', 'F1']) id`.execute(db)
  await shop.paid('F1')
  clock.pass(RETURNS)
  await shop.judge('F1', 'A1')
  const run = shop.runOf('F1', 'A1')
  const review = { key: `${run}/review/referral`, run, topic: 'referral', otherwise: 'deny' } as const
  await openReview(db, { ...review, deadline: clock.now() + DAY, now: clock.now() })

  const referrals = await perennial('referrals', 'A1')
  expect(referrals).toMatchObject({ code: 0, err: '' })
  expect(referrals.out).toMatch(/ F1 +A1 +in-review +O-F1 +review, 50 +shared-address 50$/m)
  expect(JSON.parse((await perennial('referrals', 'F1', '--json')).out)).toMatchObject([
    { friend: 'F1', advocate: 'A1', status: 'in-review', risk: { outcome: 'review', points: 50 } },
  ])
  expect((await perennial('referrals', 'nobody')).err).toMatch(/^CUSTOMER_UNKNOWN/)

  const queue = JSON.parse((await perennial('reviews', '--json')).out) as { id: number }[]
  const id = String(queue[0]?.id)
  expect((await perennial('reviews')).out).toMatch(
    new RegExp(`^ *${id} .* deny +referral +A1 +F1 +50 +shared-address 50$`, 'm'),
  )
  const decided = await perennial('review', id, 'approve', '--reason', 'a family', '--by', 'ada', '--remember')
  expect(decided).toEqual({ code: 0, out: `Review ${id}: approve by ada.\n`, err: '' })
  expect((await perennial('review', id, 'approve')).out).toBe(`Review ${id}: approve by ada, as before.\n`)
  const other = await perennial('review', id, 'deny')
  expect([other.code, other.out]).toEqual([1, expect.stringMatching(/^REVIEW_DECIDED: Somebody decided/)])
  expect((await perennial('review', '77', 'deny')).err).toMatch(/^REVIEW_UNKNOWN/)
  expect((await perennial('review', id, 'maybe')).code).toBe(2)
  clock.set(Date.now())
  expect(await shop.approve('F1', 'A1')).toEqual({ is: 'approved', friends: 1 })
  expect((await perennial('why', 'A1')).out).toContain('referral: approve by ada, a family')
})
