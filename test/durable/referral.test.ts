/** Referral on the real servers: both sides get theirs once, a refund takes it back, and a person or the deadline decides. */
import { sql } from 'kysely'
import { afterAll, expect, it } from 'vitest'
import { balancesOf, ledgerOf } from '../../store/ledger.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { referralsOfCustomer } from '../../store/referral-reports.ts'
import { referralOf } from '../../store/referrals.ts'
import { decideReview, openReviews } from '../../store/reviews.ts'
import { startSink } from '../smtp-sink.ts'
import { rowsOf } from '../store/given.ts'
import { expectInvariants, openWorld, person, until } from '../world.ts'

const sink = await startSink()
afterAll(() => sink.stop())
const world = await openWorld({ dayMs: 300, smtpUrl: sink.url })
const { db } = world
afterAll(() => expectInvariants(db))

const order = (id: string, type: 'order.paid' | 'order.refunded'): Promise<unknown> =>
  world.send({ id: `${id}-${type}`, type, customer: id, properties: { order: `O-${id}`, amount: 150_00 } })
const join = (id: string, referral: string): Promise<unknown> =>
  world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id), properties: { referral } })

/** The code of a new advocate, as the invitation after the first order has it. */
async function advocate(id: string): Promise<string> {
  await world.send({ id: `${id}-in`, type: 'profile.changed', customer: person(id) })
  await order(id, 'order.paid')
  await until(async () => sink.taken.some((mail) => mail.to === `${id}@mail.example`) || `${id} is not invited`)
  return (await referralsOfCustomer(db, id)).codes[0]?.code ?? ''
}

const stands = (id: string, wanted: string): Promise<void> =>
  until(async () => {
    const row = await referralOf(db, id)
    return row?.status === wanted || `${id} is ${row?.status} ${row?.reason}`
  })
/** Points for friends; those for the advocate's own order do not count here. */
const earned = async (id: string): Promise<string[]> =>
  (await ledgerOf(db, id))
    .filter(({ key }) => !key.startsWith('order-rewards'))
    .map(({ kind, available }) => `${kind} ${available}`)

/** Who has the friends' coupon. */
async function couponed(): Promise<string[]> {
  const query = `select customer from coupons where offer = 'referral-friend-10' order by customer`
  return (await rowsOf<{ customer: string }>(db, query)).map(({ customer }) => customer)
}

it('pays friend and advocate once, and takes back what a later refund undoes', async () => {
  const code = await advocate('ada')
  await join('kept', code)
  await join('back', code)
  // The goal would end the friend's run before its coupon.
  await until(async () => (await couponed()).length === 2 || 'no coupons for the friends')
  await Promise.all([order('kept', 'order.paid'), order('back', 'order.paid')])
  await world.send({
    id: 'kept-again',
    type: 'order.paid',
    customer: 'kept',
    properties: { order: 'O-kept', amount: 150_00 },
  })
  await stands('kept', 'approved')
  await stands('back', 'approved')
  await until(async () => (await earned('ada')).length === 3 || (await earned('ada')).join())
  expect((await earned('ada')).sort()).toEqual(['earn 100', 'earn 500', 'earn 500'])
  await order('back', 'order.refunded')
  await until(async () => (await earned('ada')).includes('claw-back -500') || 'nothing is taken back')
  await world.client.workflow.getHandle('referral-reward/ada/back').result()
  expect((await referralOf(db, 'back'))?.taken_back_at).not.toBeNull()
  expect((await earned('ada')).sort()).toEqual(['claw-back -500', 'earn 100', 'earn 500', 'earn 500'])
  expect(await couponed()).toEqual(['back', 'kept'])
  expect((await balancesOf(db, 'ada')).every(({ debt }) => debt === 0)).toBe(true)
  expect((await world.historyOf('referral-reward/ada/back')).length).toBeLessThanOrEqual(45)
})

it('asks a person where the two share a device; whom nobody decides is denied at the deadline', async () => {
  const code = await advocate('eve')
  await join('seen', code)
  await join('left', code)
  for (const id of ['eve', 'seen', 'left']) {
    await sql`
      insert into identities (kind, hash, customer, first_seen, last_seen) values ('device', 'one', ${id}, now(), now())`.execute(
      db,
    )
  }
  await order('seen', 'order.paid')
  await order('left', 'order.paid')
  await until(async () => {
    const now = world.clock.now()
    const open = (await openReviews(db, { now })).find(({ occasion }) => occasion === 'seen')
    if (!open) return 'nobody is asked'
    const decision = { decision: 'approve', by: 'test', reason: 'seen', remember: false } as const
    await decideReview(db, { id: open.id, ...decision, now: () => world.clock.now() })
    expect(open.rules.map(({ rule }) => rule)).toEqual(['shared-device'])
    return true
  })
  await stands('seen', 'approved')
  await stands('left', 'denied')
  await world.client.workflow.getHandle('referral-reward/eve/left').result()
  await until(async () => (await earned('eve')).length === 2 || (await earned('eve')).join())
  const reviews = await rowsOf(
    db,
    `select enrolment, decision, by, decided_at = deadline as late from reviews order by enrolment`,
  )
  expect(reviews).toEqual([
    { enrolment: 'referral-reward/eve/left', decision: 'deny', by: 'deadline', late: true },
    { enrolment: 'referral-reward/eve/seen', decision: 'approve', by: 'test', late: false },
  ])
  const log = (await decisionsOf(db, 'eve')).filter(({ about }) => about === 'review' || about === 'referral')
  expect(log.map(({ verdict }) => verdict)).toEqual(
    expect.arrayContaining(['pending', 'review', 'asked', 'decided', 'approved']),
  )
})

it('voids what comes back before the window is over, while no worker is there', async () => {
  const code = await advocate('bob')
  await join('early', code)
  await order('early', 'order.paid')
  await stands('early', 'pending')
  await world.stopWorker()
  await order('early', 'order.refunded')
  await stands('early', 'voided')
  await world.startWorker()
  await world.client.workflow.getHandle('referral-reward/bob/early').result()
  expect(await earned('bob')).toEqual([])
})
