import { sql } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { type Operator, operatorOf } from '../../client/operator.ts'
import { connectTemporal } from '../../client/temporal.ts'
import { armOf } from '../../domain/experiment.ts'
import { addOffers } from '../../store/coupons.ts'
import { type Db, inTransaction, openStore } from '../../store/db.ts'
import { enrolment, holdRun } from '../../store/enrolments.ts'
import { acceptEvent } from '../../store/events.ts'
import { NOON, asEvent, expectInvariants, freshStore, openWorld, person, until } from '../world.ts'

/** These two, whatever else the house has. */
const catalogue = new Map([...(await readCatalogue())].filter(([name]) => /^(birthday|first-order)$/.test(name)))
const plans = [...catalogue.values()].map(({ plan }) => plan)
const HOUR = 3_600_000

/** Customers of first-order whose arm is known. */
const inArm = (arm: string, count: number): string[] =>
  Array.from({ length: 5_000 }, (_, i) => `C${1001 + i}`)
    .filter((id) => armOf('first-order', id, 10) === arm)
    .slice(0, count)

interface Shop {
  db: Db
  operator: Operator
  /** Shop time; tests move it. */
  time: { now: number }
  send(event: object): Promise<unknown>
  /** A customer who is known, and in no journey. */
  know(id: string, more?: object): Promise<unknown>
  wakesOf(run: string): Promise<number>
}

async function openShop(): Promise<Shop> {
  const { db } = await freshStore()
  for (const { offers } of plans) await addOffers(db, offers)
  const time = { now: NOON }
  const clock = { now: () => time.now }
  const send = (event: object): Promise<unknown> => acceptEvent(db, asEvent(event), { plans, now: clock.now })
  return {
    db,
    operator: operatorOf({ db, catalogue, clock, shopZone: 'UTC' }),
    time,
    send,
    know: (id, more) => send({ id: `known-${id}`, type: 'customer.seen', customer: person(id, more) }),
    async wakesOf(run) {
      const { rows } = await sql<{ wakes: number }>`
        select count(*) as wakes from dispatch where kind = 'wake' and enrolment = ${run}`.execute(db)
      return rows[0]?.wakes ?? 0
    },
  }
}

const refused = (code: string, words: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(words) })

describe('start', async () => {
  const shop = await openShop()
  const [treated = '', other = ''] = inArm('treated', 2)
  const [held = ''] = inArm('holdout', 1)

  test('enters a customer once, by the rule an event obeys', async () => {
    await shop.know(treated)
    const started = await shop.operator.start({ journey: 'first-order', customer: treated })
    expect(started).toEqual({
      run: `first-order/${treated}`,
      journey: 'first-order',
      customer: treated,
      occasion: null,
      arm: 'treated',
      pausedSince: null,
    })
    expect(await enrolment(shop.db, started.run)).toMatchObject({
      status: 'running',
      begun_by: 'operator',
      goal_until: new Date(NOON + 14 * 24 * HOUR),
    })
    await expect(shop.operator.start({ journey: 'first-order', customer: treated })).rejects.toEqual(
      refused('ENTRY_REFUSED', /ALREADY_ENTERED/),
    )
    await expectInvariants(shop.db)
  })

  test('takes an event that came before as past: only later ones count for the run', async () => {
    await shop.know(other)
    await shop.send({ id: 'cart-1', type: 'cart.added', customer: other })
    const { run } = await shop.operator.start({ journey: 'first-order', customer: other })
    const { rows } = await sql`
      select (select begun_seq from enrolments where id = ${run}) = (select seq from events where id = 'cart-1') as behind
    `.execute(shop.db)
    expect(rows).toEqual([{ behind: true }])
  })

  test('draws the arm as for everybody', async () => {
    await shop.know(held)
    expect(await shop.operator.start({ journey: 'first-order', customer: held })).toMatchObject({ arm: 'holdout' })
  })

  test("takes the customer's own year as the occasion of a birthday, once", async () => {
    shop.time.now = Date.UTC(2026, 11, 31, 20)
    await shop.know('B1', { zone: 'Asia/Shanghai', birthday: '01-01' })
    expect(await shop.operator.start({ journey: 'birthday', customer: 'B1' })).toMatchObject({
      run: 'birthday/B1/2027',
    })
    await expect(shop.operator.start({ journey: 'birthday', customer: 'B1', occasion: '2027' })).rejects.toEqual(
      refused('ENTRY_REFUSED', /ALREADY_ENTERED/),
    )
    await expect(shop.operator.start({ journey: 'birthday', customer: 'B1', occasion: 'soon' })).rejects.toEqual(
      refused('ENTRY_REFUSED', /'soon'/),
    )
  })

  test('refuses what it does not know, and stores nothing', async () => {
    const before = await counted(shop.db)
    const starts: [object, string, RegExp][] = [
      [{ journey: 'first-oder', customer: treated }, 'JOURNEY_UNKNOWN', /there are: birthday, first-order/],
      [{ journey: 'first-order', customer: 'nobody' }, 'CUSTOMER_UNKNOWN', /'nobody'/],
      [{ journey: 'first-order', customer: 'a/b' }, 'CUSTOMER_UNKNOWN', /'a\/b'/],
      [{ journey: 'first-order', customer: treated, occasion: 'again' }, 'ENTRY_REFUSED', /no occasions/],
    ]
    for (const [request, code, words] of starts) {
      await expect(shop.operator.start(request as Parameters<Operator['start']>[0])).rejects.toEqual(
        refused(code, words),
      )
    }
    expect(await counted(shop.db)).toEqual(before)
  })

  test('lets one of two at the same time in', async () => {
    await shop.know('R1')
    const both = await Promise.allSettled(
      [1, 2].map(() => shop.operator.start({ journey: 'first-order', customer: 'R1' })),
    )
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expectInvariants(shop.db)
  })
})

async function counted(db: Db): Promise<unknown> {
  const { rows } = await sql`
    select (select count(*) from enrolments) as runs, (select count(*) from dispatch) as orders,
      (select count(*) from decisions) as decisions`.execute(db)
  return rows
}

describe('stop', async () => {
  const shop = await openShop()

  test('ends a run at once, wakes it, and says so when it was over', async () => {
    await shop.know('C1001')
    const { run } = await shop.operator.start({ journey: 'first-order', customer: 'C1001' })
    const none = { handed: { messages: 0, coupons: 0, points: 0, growth: 0 }, cleanUp: false }
    const over = { run, status: 'stopped', reason: 'operator', ...none }
    expect(await shop.operator.stop(run)).toEqual({ ...over, stopped: true })
    expect(await enrolment(shop.db, run)).toMatchObject({ status: 'stopped', reason: 'operator' })
    expect(await shop.wakesOf(run)).toBe(1)
    expect(await shop.operator.stop(run)).toEqual({ ...over, stopped: false })
    expect(await shop.wakesOf(run)).toBe(1)
    await expect(shop.operator.stop('first-order/nobody')).rejects.toEqual(refused('RUN_UNKNOWN', /nobody/))
    await expectInvariants(shop.db)
  })

  test('ends all runs of a journey, page by page, and of no other', async () => {
    const people = Array.from({ length: 205 }, (_, i) => `S${i}`)
    for (const id of people) await shop.send({ id: `r-${id}`, type: 'customer.registered', customer: person(id) })
    await shop.know('B1')
    await shop.operator.start({ journey: 'birthday', customer: 'B1' })
    expect(await shop.operator.stopJourney('first-order')).toMatchObject({ journey: 'first-order', stopped: 205 })
    expect(await shop.operator.stopJourney('first-order')).toMatchObject({ journey: 'first-order', stopped: 0 })
    const [birthday, firstOrder] = await shop.operator.list()
    expect(birthday?.runs).toMatchObject({ running: 1, stopped: 0 })
    expect(firstOrder?.runs).toMatchObject({ running: 0, stopped: 206 })
    await expectInvariants(shop.db)
  })
})

describe('pause and resume', async () => {
  const shop = await openShop()

  test('hold a journey and wake the runs that held, and no others', async () => {
    for (const id of ['P1', 'P2', 'P3'])
      await shop.send({ id: `r-${id}`, type: 'customer.registered', customer: person(id) })
    const paused = { journey: 'first-order', pausedSince: new Date(NOON), on: 3 }
    expect(await shop.operator.pause('first-order')).toEqual({ ...paused, changed: true })
    shop.time.now += HOUR
    expect(await shop.operator.pause('first-order')).toEqual({ ...paused, changed: false })
    expect(await shop.operator.list()).toMatchObject([{ pausedSince: null }, { pausedSince: new Date(NOON) }])
    await inTransaction(shop.db, async (tx) => {
      for (const id of ['P1', 'P2']) await holdRun(tx, `first-order/${id}`, shop.time.now)
    })

    expect(await shop.operator.resume('first-order')).toEqual({ journey: 'first-order', changed: true, woken: 2 })
    const wakes = await Promise.all(['P1', 'P2', 'P3'].map((id) => shop.wakesOf(`first-order/${id}`)))
    expect(wakes).toEqual([1, 1, 0])
    expect(await shop.operator.resume('first-order')).toEqual({ journey: 'first-order', changed: false, woken: 0 })
    await expect(shop.operator.pause('nothing')).rejects.toEqual(refused('JOURNEY_UNKNOWN', /nothing/))
    await expect(shop.operator.resume('nothing')).rejects.toEqual(refused('JOURNEY_UNKNOWN', /nothing/))
  })

  test('a run begun while the journey is paused is told so', async () => {
    await shop.operator.pause('first-order')
    await shop.know('P4')
    const started = await shop.operator.start({ journey: 'first-order', customer: 'P4' })
    expect(started.pausedSince).toEqual(new Date(shop.time.now))
  })
})

describe('why', async () => {
  const shop = await openShop()

  test('answers for somebody who was refused, with the refusal in words', async () => {
    await shop.send({ id: 'r1', type: 'customer.registered', customer: person('W1') })
    shop.time.now += HOUR
    await shop.send({ id: 'r2', type: 'customer.registered', customer: 'W1' })
    const { lines, customer } = await shop.operator.why('W1')
    expect(customer).toMatchObject({ id: 'W1', consents: [{ topic: 'marketing', granted: true }] })
    expect(lines).toMatchObject([
      {
        at: new Date(NOON),
        run: 'first-order/W1',
        about: 'entry',
        verdict: 'entered',
        detail: 'customer.registered r1',
      },
      {
        run: null,
        about: 'entry',
        verdict: 'refused',
        code: 'ALREADY_ENTERED',
        because: expect.stringMatching(/may not be/),
      },
    ])
  })

  test('answers for somebody who never entered anything', async () => {
    await shop.know('W2', { birthday: '02-29' })
    const { lines, untouched } = await shop.operator.why('W2')
    expect(lines).toEqual([])
    expect(untouched).toEqual([
      { journey: 'birthday', title: 'Birthday', why: 'the birthday is 02-29; no sweep has met it yet' },
      { journey: 'first-order', title: 'First order', why: 'no customer.registered has come from this customer' },
    ])
    await expect(shop.operator.why('nobody')).rejects.toEqual(refused('CUSTOMER_UNKNOWN', /nobody/))
  })

  test('tells the end of a run once, whoever ended it', async () => {
    await shop.send({ id: 'r3', type: 'customer.registered', customer: person('W3') })
    await shop.send({ id: 'p3', type: 'order.paid', customer: 'W3' })
    await shop.send({ id: 'r4', type: 'customer.registered', customer: person('W4') })
    await shop.operator.stop('first-order/W4')
    const verdicts = async (id: string): Promise<string[]> =>
      (await shop.operator.why(id)).lines.map(({ about, verdict }) => `${about} ${verdict}`)
    expect(await verdicts('W3')).toEqual(['entry entered', 'goal reached'])
    expect(await verdicts('W4')).toEqual(['entry entered', 'exit stopped'])
  })
})

describe('show', async () => {
  const shop = await openShop()

  test('measures the lift of treated over held-out customers, and says when it means nothing yet', async () => {
    expect((await shop.operator.showJourney('first-order')).lift).toBeNull()
    const treated = inArm('treated', 30)
    const held = inArm('holdout', 8)
    const enter = (id: string): Promise<unknown> =>
      shop.send({ id: `r-${id}`, type: 'customer.registered', customer: person(id) })
    const pay = (id: string): Promise<unknown> => shop.send({ id: `p-${id}`, type: 'order.paid', customer: id })
    for (const id of [...treated.slice(0, 2), held[0] ?? '']) await enter(id)
    await pay(treated[0] ?? '')
    const early = await shop.operator.showJourney('first-order')
    expect(early.lift).toMatchObject({ difference: 0.5, conclusive: false })
    expect(early.lift?.low).toBeLessThan(0)

    for (const id of [...treated.slice(2), ...held.slice(1)]) await enter(id)
    for (const id of treated.slice(1)) await pay(id)
    const report = await shop.operator.showJourney('first-order')
    expect(report.arms).toEqual([
      { journey: 'first-order', arm: 'treated', runs: 30, converted: 30 },
      { journey: 'first-order', arm: 'holdout', runs: 8, converted: 0 },
    ])
    expect(report.lift).toMatchObject({ difference: 1, conclusive: true })
    expect(report.lift?.low).toBeGreaterThan(0)
    expect(report.offers).toMatchObject([{ id: 'first-order-10', issued: 0, quota: 10_000 }])
    expect(report.newest).toHaveLength(10)
    await expect(shop.operator.showJourney('nothing')).rejects.toEqual(refused('JOURNEY_UNKNOWN', /nothing/))
  })

  test('shows a run as far as the store knows it where Temporal does not answer', async () => {
    const [id = ''] = inArm('holdout', 1)
    const config = {
      TEMPORAL_ADDRESS: '127.0.0.1:9',
      TEMPORAL_NAMESPACE: 'default',
      TEMPORAL_API_KEY: undefined,
      TEMPORAL_TLS: false,
    }
    const deaf = operatorOf({
      db: shop.db,
      catalogue,
      clock: { now: () => NOON },
      shopZone: 'UTC',
      temporal: () => connectTemporal(config, { timeoutMs: 300 }),
    })
    const { run, where } = await deaf.showRun(`first-order/${id}`)
    expect(run).toMatchObject({ arm: 'holdout', status: 'running' })
    expect(where).toEqual({ known: false, why: 'Temporal does not answer at 127.0.0.1:9' })
    await expect(deaf.showRun('first-order/nobody')).rejects.toEqual(refused('RUN_UNKNOWN', /nobody/))
  })

  test('says where a run is right now, as its workflow knows it', { timeout: 60_000 }, async () => {
    const world = await openWorld({ dayMs: 600_000 })
    const address = inject('temporalAddress')
    const config = {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: 'default',
      TEMPORAL_API_KEY: undefined,
      TEMPORAL_TLS: false,
    }
    const temporal = await connectTemporal(config)
    const operator = operatorOf({
      db: world.db,
      catalogue,
      clock: world.clock,
      shopZone: 'UTC',
      temporal: async () => temporal,
    })
    try {
      // Without consent the mail is skipped, so that no provider is needed.
      await world.send({ id: 'r-1', type: 'customer.registered', customer: person('W-here', { consent: {} }) })
      await until(async () => {
        const { where } = await operator.showRun('first-order/W-here')
        return (where?.known && where.step === 'wait for cart.added') || JSON.stringify(where)
      })
      const { where } = await operator.showRun('first-order/W-here')
      expect(where).toMatchObject({ known: true, since: expect.any(Date), until: expect.any(Date) })
    } finally {
      await temporal.close()
    }
  })
})

test('check names what does not hold', async () => {
  const { db, operator, know } = await openShop()
  await know('K1')
  expect(await operator.check()).toMatchObject({ holds: true })
  await sql`update offer_buckets set issued = 3 where offer = 'first-order-10'`.execute(db)
  const { holds, invariants } = await operator.check()
  expect(holds).toBe(false)
  expect(invariants.filter(({ broken }) => broken > 0)).toEqual([
    {
      invariant: 'issued equals the coupons there are',
      broken: 1,
      examples: [{ key: 'first-order-10', wrong: 'issued 3, coupons 0' }],
    },
  ])
})

test('a store that is not there is STORE_UNAVAILABLE for every question', async () => {
  const db = openStore({ url: 'postgres://perennial:x@127.0.0.1:9/perennial' })
  const operator = operatorOf({ db, catalogue, clock: { now: () => NOON }, shopZone: 'UTC' })
  const questions = [
    operator.list(),
    operator.check(),
    operator.why('C1'),
    operator.pause('birthday'),
    operator.stop('a/b'),
  ]
  const answers = await Promise.allSettled(questions)
  for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'STORE_UNAVAILABLE' } })
  await db.destroy()
})
