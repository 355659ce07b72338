import { sql } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import type { IdentityKind } from '../../domain/identity.ts'
import { type RiskFacts } from '../../domain/risk.ts'
import { inTransaction } from '../../store/db.ts'
import { type Referral } from '../../store/referrals.ts'
import { decideReview, openReview } from '../../store/reviews.ts'
import { WALK, riskFacts } from '../../store/risk.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, handClock, rowsOf } from './given.ts'
import { RETURNS, referralShop } from './referral-given.ts'

const { db } = await freshStore()
const clock = handClock()
const shop = await referralShop(db, clock)
afterAll(() => expectInvariants(db))

const known = async (customer: string, kind: IdentityKind, hash: string): Promise<void> => {
  await sql`
    insert into identities (kind, hash, customer, first_seen, last_seen) values (${kind}, ${hash}, ${customer}, now(), now())
    on conflict do nothing`.execute(db)
}

async function factsOf(friend: string): Promise<RiskFacts> {
  const referral = (await shop.row(friend)) as Referral
  return inTransaction(db, (tx) => riskFacts(tx, referral))
}

test('two who share nothing are nothing special', async () => {
  await shop.friend('plain', await shop.advocate('A1'))
  expect(await factsOf('plain')).toEqual({
    sameCustomer: false,
    shared: [],
    lastHour: 1,
    lastDay: 1,
    sameDevice: 0,
    sameAddress: 0,
    virtualNumber: false,
    friends: 1,
    newFriends: 1,
    denied: 0,
    ring: { customers: 1, density: 0, circle: false, capped: false },
  })
})

test('what the two share, the friend’s number, and what else came from the same device is seen', async () => {
  const code = await shop.advocate('A2')
  for (const id of ['s1', 's2', 's3']) {
    await shop.friend(id, code)
    await known(id, 'device', 'one')
    clock.pass(HOUR / 2)
  }
  await known('A2', 'address', 'home')
  await known('s3', 'address', 'home')
  await shop.send('profile.changed', { id: 's3', phone: '17012345678' })
  const facts = await factsOf('s3')
  expect(facts).toMatchObject({ shared: ['address'], lastHour: 2, lastDay: 3, sameDevice: 3, sameAddress: 1 })
  expect(facts).toMatchObject({ virtualNumber: true, friends: 3, newFriends: 3 })
  // The three share a device, one of them the advocate's address: four of them, four of six pairs.
  expect(facts.ring).toEqual({ customers: 4, density: 4 / 6, circle: false, capped: false })
  expect((await factsOf('s1')).sameDevice).toBe(1)
  await shop.send('customer.registered', person('old'))
  clock.pass(2 * DAY)
  await shop.claim('old', code)
  expect(await factsOf('old')).toMatchObject({ friends: 4, newFriends: 3, lastDay: 1 })
})

test('a circle of referrals is seen through the identities of its persons', async () => {
  const a = await shop.advocate('A3')
  await shop.friend('B3', a)
  await known('A3', 'device', 'circle')
  const b = await shop.advocate('B3')
  await shop.friend('A3-again', b)
  await known('A3-again', 'device', 'circle')
  expect((await factsOf('A3-again')).ring.circle).toBe(true)
})

test('a crowd is looked at as far as the walk goes, and says so', async () => {
  await shop.friend('crowd', await shop.advocate('A4'))
  await rowsOf(
    db,
    `insert into customers (id, created_at, updated_at) select 'many' || n, now(), now() from generate_series(1, 2000) n;
     insert into identities select 'device', 'terminal', 'many' || n, now(), now() from generate_series(1, 2000) n`,
  )
  await known('crowd', 'device', 'terminal')
  const { ring } = await factsOf('crowd')
  expect(ring.capped).toBe(true)
  expect(ring.customers).toBeLessThanOrEqual(WALK.customers)
})

test('a judgement is kept with its rules and facts, once a key, and a reviewer’s yes is fed back', async () => {
  const code = await shop.advocate('A5')
  for (const id of ['h1', 'h2']) {
    await shop.friend(id, code)
    await known(id, 'address', 'household')
    await shop.paid(id)
  }
  await known('A5', 'address', 'household')
  clock.pass(RETURNS)
  const judged = await shop.judge('h1', 'A5')
  expect(judged).toMatchObject({ outcome: 'review', rules: [{ rule: 'shared-address', points: 50 }] })
  expect(await shop.status('h1')).toBe('in-review')
  await known('A5', 'payment', 'card')
  await known('h1', 'payment', 'card')
  expect(await shop.judge('h1', 'A5')).toEqual(judged)
  const kept = await rowsOf<{ facts: RiskFacts }>(db, `select facts from risk_judgements where friend = 'h1'`)
  expect(kept).toMatchObject([{ facts: { shared: ['address'] } }])
  expect(await shop.reward('h1', 'A5')).toEqual({ is: 'refused', code: 'REFERRAL_NOT_APPROVED' })
  const run = shop.runOf('h1', 'A5')
  const deadline = clock.now() + DAY
  await openReview(db, {
    key: `${run}/review/referral`,
    run,
    topic: 'referral',
    deadline,
    otherwise: 'deny',
    now: clock.now(),
  })
  const [review] = await rowsOf<{ id: number }>(db, `select id from reviews where enrolment = '${run}'`)
  const yes = { decision: 'approve', by: 'ada', reason: 'a family', remember: true, now: clock.now } as const
  await decideReview(db, { id: review?.id ?? 0, ...yes })
  expect(await shop.approve('h1', 'A5')).toEqual({ is: 'approved', friends: 1 })
  expect(await shop.judge('h2', 'A5')).toMatchObject({
    outcome: 'allow',
    rules: [{ rule: 'shared-address', points: 0, exempt: true }],
  })
})

test('what the rules or a reviewer deny is denied for good', async () => {
  const code = await shop.advocate('A6')
  for (const id of ['d1', 'd2']) {
    await shop.friend(id, code)
    await shop.paid(id)
  }
  await known('A6', 'payment', 'same card')
  await known('d1', 'payment', 'same card')
  clock.pass(RETURNS)
  expect(await shop.judge('d1', 'A6')).toMatchObject({ outcome: 'deny' })
  expect(await shop.status('d1')).toBe('denied REFERRAL_DENIED')
  expect(await shop.approve('d1', 'A6')).toEqual({ is: 'refused', code: 'REFERRAL_DENIED' })
  // The denial itself speaks against the next one, and without a person's yes a hold is a no.
  expect(await shop.judge('d2', 'A6')).toMatchObject({ outcome: 'hold', rules: [{ rule: 'denied-before' }] })
  expect(await shop.approve('d2', 'A6')).toEqual({ is: 'refused', code: 'REFERRAL_DENIED' })
  expect(await shop.status('d2')).toBe('denied REFERRAL_DENIED')
})
