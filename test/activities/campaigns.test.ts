import { sql } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { operatorOf } from '../../client/operator.ts'
import type { PlanFacts } from '../../activities/index.ts'
import { setConsent } from '../../store/consents.ts'
import { inTransaction } from '../../store/db.ts'
import { messageByKey } from '../../store/messages.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, HOUR, rowsOf } from '../store/given.ts'
import { openShop } from './given.ts'
import {
  type BulkProvider,
  type Shop,
  DAY_OF,
  WAVE,
  bulkProvider,
  campaignFacts,
  crowd,
  openedWave,
  sendAll,
} from './given-campaigns.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

async function shopOf(
  plan: PlanFacts,
  policy: Parameters<typeof openShop>[2] = {},
): Promise<Shop & { bulk: BulkProvider }> {
  const bulk = bulkProvider()
  return { ...(await openShop(db, [plan], policy, { channels: new Map([['email', bulk]]) })), bulk }
}

/** Each test has a tag of its own, so that its audience is its own. */
const tagged = (name: string, more: Parameters<typeof campaignFacts>[1] = {}): PlanFacts =>
  campaignFacts(name, { ...more, campaign: { audience: { tag: name }, ...more.campaign } })
const members = (name: string, size: number, more: { zone?: string } = {}) =>
  crowd(db, name, size, { tags: [name], ...more })

const outcomes = (journey: string) =>
  rowsOf<{ status: string; code: string | null; count: number }>(
    db,
    `select status, code, count(*) as count from messages where journey = '${journey}' group by status, code order by status, code`,
  )

describe('a wave', () => {
  it('is one message to each of the audience in the zone of the run, once however often it is asked for', async () => {
    const shop = await shopOf(tagged('all'))
    await members('all', 1_203)
    await members('alle', 7, { zone: 'Asia/Shanghai' })
    await sql`update customers set tags = '{all}' where id like 'alle%'`.execute(db)
    const work = await openedWave(shop, 'all')
    const went = await sendAll(shop, work)
    expect(went).toMatchObject({ is: 'done', counts: { went: true, members: 1_203, sent: 1_203, skipped: 0 } })
    expect(new Set(shop.bulk.taken.map(({ to }) => to)).size).toBe(1_203)
    expect(await sendAll(shop, work)).toEqual(went)
    expect(shop.bulk.taken).toHaveLength(1_203)
    expect(await messageByKey(db, `all/all0001/${DAY_OF}/send/hello`)).toMatchObject({ status: 'sent', attempts: 1 })
    // No workflow each, and the other zone is of another run.
    expect(await rowsOf(db, `select 1 from dispatch where enrolment like 'all/%'`)).toEqual([])
    const east = await openedWave(shop, 'all', { zone: 'Asia/Shanghai' })
    expect(await sendAll(shop, east)).toMatchObject({ is: 'done', counts: { members: 7, sent: 7 } })
    await shop.activities.closeCampaign({ run: work.run, status: 'completed', reason: 'told', asked: shop.clock.now() })
    expect(
      await rowsOf(
        db,
        `select status, count(*) as count from enrolments where journey = 'all' group by status order by 1`,
      ),
    ).toEqual([
      { status: 'completed', count: 1_203 },
      { status: 'running', count: 7 },
    ])
  })

  it('takes in those who told no zone where the zone is the shop’s', async () => {
    const shop = await shopOf(tagged('nozone'))
    await members('nozone', 3)
    await sql`update customers set zone = null where id like 'nozone%'`.execute(db)
    expect(await sendAll(shop, await openedWave(shop, 'nozone'))).toMatchObject({ counts: { sent: 3 } })
  })

  it('is walked by two workers at once without anybody asked twice', async () => {
    const plan = tagged('pair')
    const [one, other] = [await shopOf(plan), await shopOf(plan)]
    await members('pair', 2_600)
    const work = await openedWave(one, 'pair')
    await Promise.all([sendAll(one, work), sendAll(other, work)])
    expect(await sendAll(one, work)).toMatchObject({ is: 'done', counts: { members: 2_600, sent: 2_600 } })
    const taken = [...one.bulk.taken, ...other.bulk.taken].map(({ key }) => key)
    expect(taken).toHaveLength(2_600)
    expect(new Set(taken).size).toBe(2_600)
  })

  it('goes on after a death: what was reserved goes out, what was begun is unknown and never repeated', async () => {
    const shop = await shopOf(tagged('dies'))
    await members('dies', 40)
    const work = await openedWave(shop, 'dies')
    shop.bulk.early = () => Promise.reject(new Error('killed before it began'))
    await expect(shop.activities.sendWave(work)).rejects.toThrow('killed before it began')
    expect(await outcomes('dies')).toEqual([{ status: 'reserved', code: null, count: 40 }])
    shop.bulk.meanwhile = () => Promise.reject(new Error('killed after it began'))
    await expect(shop.activities.sendWave(work)).rejects.toThrow('killed after it began')
    expect(await outcomes('dies')).toEqual([{ status: 'sending', code: null, count: 40 }])
    expect(await sendAll(shop, work)).toMatchObject({ is: 'done', counts: { unknown: 40, sent: 0 } })
    expect(shop.bulk.taken).toEqual([])
    expect(await outcomes('dies')).toEqual([{ status: 'unknown', code: 'SEND_FATE_UNKNOWN', count: 40 }])
  })

  it('leaves out who reached the goal or left since, and sends nothing to who does so in the last moment', async () => {
    const plan = tagged('goal', { goal: { on: 'order.paid', within: DAY } })
    const shop = await shopOf(plan)
    await members('goal', 4)
    const first = await openedWave(shop, 'goal')
    expect(await sendAll(shop, first)).toMatchObject({ counts: { sent: 4 } })
    await shop.event('order.paid', 'goal0002')
    expect(await rowsOf(db, `select 1 from dispatch where enrolment like 'goal/%'`)).toEqual([])
    const second = await openedWave(shop, 'goal', { name: 'second', terms: { ...WAVE, send: 'again' } })
    shop.bulk.early = () => shop.event('order.paid', 'goal0003').then(() => {})
    expect(await sendAll(shop, second)).toMatchObject({ counts: { sent: 2, skipped: 1, reasons: { LEFT_JOURNEY: 1 } } })
    const again = shop.bulk.taken.filter(({ key }) => key.endsWith('again')).map(({ to }) => to)
    expect(again).toEqual(['goal0001@mail.example', 'goal0004@mail.example'])
  })

  it('keeps the control arm out, and counts who would have got it in both arms', async () => {
    const shop = await shopOf(tagged('arms', { holdout: 30 }))
    await members('arms', 200)
    const went = await sendAll(shop, await openedWave(shop, 'arms'))
    const [held] = await rowsOf<{ count: number }>(
      db,
      `select count(*) as count from enrolments where journey = 'arms' and arm = 'holdout'`,
    )
    expect(held?.count).toBeGreaterThan(30)
    expect(went).toMatchObject({ counts: { members: 200, reasons: { HOLDOUT: held?.count } } })
    expect(await rowsOf(db, `select count(*) as count from exposures where journey = 'arms'`)).toEqual([{ count: 200 }])
  })
})

describe('the time of a wave', () => {
  const NIGHT = { quiet: { from: 20 * 60, to: 9 * 60 } }

  it('holds at night and is over once the morning has sent what is still news', async () => {
    const shop = await shopOf(tagged('night'), NIGHT)
    await members('night', 3)
    const work = await openedWave(shop, 'night', { terms: { ...WAVE, at: '21:00', late: 'now' } })
    shop.clock.pass(9 * HOUR)
    const held = await sendAll(shop, work)
    expect(held).toMatchObject({ is: 'resting', why: '3 held' })
    expect(await outcomes('night')).toEqual([{ status: 'held', code: 'QUIET_HOURS', count: 3 }])
    shop.clock.set((held as { until: number }).until + 1_000)
    expect(await sendAll(shop, work)).toMatchObject({ is: 'done', counts: { sent: 3 } })
  })

  it('skips what is held beyond its day, unless it may be late', async () => {
    const shop = await shopOf(tagged('stale'), NIGHT)
    await members('stale', 3)
    const work = await openedWave(shop, 'stale', { terms: { ...WAVE, at: '21:00' } })
    shop.clock.pass(9 * HOUR)
    await sendAll(shop, work)
    shop.clock.pass(12 * HOUR)
    expect(await sendAll(shop, work)).toMatchObject({ is: 'done', counts: { skipped: 3, reasons: { NEWS_OVER: 3 } } })
  })

  it.each([
    ['within its own day, unless said', 11 * HOUR, undefined, true],
    ['not after it, unless said', 12 * HOUR, undefined, false],
    ['whenever, with late: now', 40 * DAY, 'now', true],
    ['not an hour later, with late: skip', HOUR + 1, 'skip', false],
    ['within the hour, with late: skip', HOUR, 'skip', true],
  ] as const)('begins %s', async (title, after, late, goes) => {
    const name = `late-${title.replace(/\W+/g, '-')}`
    const shop = await shopOf(tagged(name))
    await members(name, 2)
    const work = await openedWave(shop, name, { terms: { ...WAVE, ...(late && { late }) } })
    shop.clock.pass(after)
    expect(await sendAll(shop, work)).toMatchObject({ is: 'done', counts: { went: goes, sent: goes ? 2 : 0 } })
  })

  it('keeps to the rate of the campaign over all its zones, and to its hours', async () => {
    const plan = tagged('rate', {
      campaign: { rate: { messages: 30, everyMs: HOUR }, hours: { from: 12 * 60, to: 14 * 60 } },
    })
    const shop = await shopOf(plan)
    await members('rate', 40)
    await members('rates', 40, { zone: 'Europe/London' })
    await sql`update customers set tags = '{rate}' where id like 'rates%'`.execute(db)
    const [here, there] = [await openedWave(shop, 'rate'), await openedWave(shop, 'rate', { zone: 'Europe/London' })]
    const first = await sendAll(shop, here)
    expect(first).toMatchObject({ is: 'resting', why: 'its rate is used up', until: shop.clock.now() + HOUR })
    expect(await sendAll(shop, there)).toEqual(first)
    expect(shop.bulk.taken).toHaveLength(30)
    shop.clock.pass(HOUR)
    expect(await sendAll(shop, here)).toMatchObject({ is: 'done', counts: { sent: 40 } })
    expect(await sendAll(shop, there)).toMatchObject({ is: 'resting', why: 'its rate is used up' })
    expect(shop.bulk.taken).toHaveLength(60)
    shop.clock.pass(HOUR)
    expect(await sendAll(shop, there)).toEqual({
      is: 'resting',
      why: 'outside its hours',
      until: shop.clock.now() + 22 * HOUR,
    })
  })
})

describe('the coupons of a wave', () => {
  const offers = (quota: number) => ({ half: { title: 'Half price', quota, perMember: 1, gives: { percent: 50 } } })
  const copy = {
    hello: { subject: 'Half', text: 'Yours: {{ coupon.code }}' },
    sorry: { subject: 'Gone', text: 'All gone, double points still.' },
  }
  const terms = { ...WAVE, coupon: { offer: 'half', valid: '1 day', otherwise: 'sorry' } } as const

  it('are as many as there are, for those whom the message reaches; the others are told otherwise', async () => {
    const plan = tagged('first', { offers: offers(100), copy, holdout: 10 })
    const [one, other] = [await shopOf(plan), await shopOf(plan)]
    const ids = await members('first', 700)
    for (const customer of ids.slice(0, 50)) {
      await inTransaction(db, (tx) =>
        setConsent(tx, {
          customer,
          topic: 'marketing',
          channel: 'email',
          granted: false,
          purpose: 'messages',
          source: 'test',
          proof: {},
          now: one.clock.now(),
        }),
      )
    }
    const work = await openedWave(one, 'first', { terms })
    await Promise.all([sendAll(one, work), sendAll(other, work)])
    const went = await sendAll(one, work)
    expect(went).toMatchObject({ is: 'done', counts: { members: 700, reasons: { NO_CONSENT: 50 } } })
    const told = await rowsOf(
      db,
      `select message, count(*) as count from messages where journey = 'first' and status = 'sent' group by message order by 1`,
    )
    const sent = (went as { counts: { sent: number } }).counts.sent
    expect(told).toEqual([
      { message: 'hello', count: 100 },
      { message: 'sorry', count: sent - 100 },
    ])
    expect(await rowsOf(db, `select count(*) as count from coupons where offer = 'half'`)).toEqual([{ count: 100 }])
    const holders = await rowsOf(
      db,
      `select 1 from coupons c join messages m on m.enrolment = c.enrolment and m.message = 'hello' and m.status = 'sent' where c.offer = 'half'`,
    )
    expect(holders).toHaveLength(100)
  })

  it('are so many an occasion: its zones share them, and the next one has as many again', async () => {
    const half = { title: 'Half', quota: 1_000, perMember: 9, perOccasion: 30, gives: { percent: 50 } }
    const shop = await shopOf(tagged('each', { offers: { each: half }, copy }))
    await members('each', 60)
    await members('eache', 40, { zone: 'Asia/Shanghai' })
    await sql`update customers set tags = '{each}' where id like 'eache%'`.execute(db)
    const wave = { ...terms, coupon: { ...terms.coupon, offer: 'each' } }
    const given = (occasion: string) =>
      rowsOf<{ zone: string; count: number }>(
        db,
        `select u.zone, count(*) as count from coupons c join enrolments e on e.id = c.enrolment
          join customers u on u.id = c.customer where c.offer = 'each' and e.occasion = '${occasion}' group by 1 order by 1`,
      )
    const [east, here] = [
      await openedWave(shop, 'each', { zone: 'Asia/Shanghai', terms: wave }),
      await openedWave(shop, 'each', { terms: wave }),
    ]
    expect(await sendAll(shop, east)).toMatchObject({ is: 'done', counts: { members: 40 } })
    expect(await given(DAY_OF)).toEqual([{ zone: 'Asia/Shanghai', count: 30 }])
    // Who is in the other zone is told the other words, all of them.
    expect(await sendAll(shop, here)).toMatchObject({ is: 'done', counts: { members: 60, sent: 60 } })
    expect(await given(DAY_OF)).toEqual([{ zone: 'Asia/Shanghai', count: 30 }])
    const next = '2026-11-24'
    shop.clock.pass(DAY)
    const zones = ['UTC', 'Asia/Shanghai'].map((zone) =>
      openedWave(shop, 'each', { zone, occasion: next, terms: wave }),
    )
    await Promise.all((await Promise.all(zones)).map((work) => sendAll(shop, work)))
    expect((await given(next)).reduce((sum, { count }) => sum + count, 0)).toBe(30)
    const told = await rowsOf(
      db,
      `select message, count(*) as count from messages where journey = 'each' and status = 'sent' group by 1 order by 1`,
    )
    expect(told).toEqual([
      { message: 'hello', count: 60 },
      { message: 'sorry', count: 2 * 100 - 60 },
    ])
  })
})

describe('an operator', () => {
  const operator = (shop: Shop, plan: PlanFacts) =>
    operatorOf({
      db,
      clock: shop.clock,
      shopZone: 'UTC',
      catalogue: new Map([
        [plan.name, { plan: { title: plan.name, ...plan } as never, journey: {} as never, file: new URL('file:///x') }],
      ]),
    })

  it('counts whom it reaches, begins it once a zone, and the outbox has it', async () => {
    const plan = tagged('begun')
    const shop = await shopOf(plan)
    await members('begun', 3)
    await members('begunw', 2, { zone: 'America/New_York' })
    await sql`update customers set tags = '{begun}' where id like 'begunw%'`.execute(db)
    const hand = operator(shop, plan)
    const reach = await hand.reach({ campaign: 'begun', occasion: DAY_OF })
    expect(reach.members).toBe(5)
    expect(reach.zones).toContainEqual({ zone: 'America/New_York', day: DAY_OF, members: 2 })
    const started = await hand.startCampaign({ campaign: 'begun', occasion: DAY_OF })
    expect(started.begun).toContain(`campaign/begun/${DAY_OF}/America/New_York`)
    expect((await hand.startCampaign({ campaign: 'begun', occasion: DAY_OF })).begun).toEqual([])
    const ordered = await rowsOf(db, `select kind from dispatch where campaign like 'campaign/begun/%'`)
    expect(ordered).toHaveLength(started.begun.length)
    await expect(hand.start({ journey: 'begun', customer: 'begun0001' })).rejects.toThrow('is a campaign')
    await expect(hand.reach({ campaign: 'begun', occasion: 'one day' })).rejects.toThrow('has no occasion')
  })

  it('pauses it between two pages, and wakes it when it goes on', async () => {
    const plan = tagged('paused')
    const shop = await shopOf(plan)
    await members('paused', 3)
    const hand = operator(shop, plan)
    const work = await openedWave(shop, 'paused')
    await hand.pause('paused')
    expect(await sendAll(shop, work)).toEqual({ is: 'resting', why: 'paused', until: null })
    expect(shop.bulk.taken).toEqual([])
    expect(await hand.resume('paused')).toMatchObject({ changed: true, woken: 1 })
    expect(await rowsOf(db, `select kind, campaign from dispatch where campaign like 'campaign/paused/%'`)).toEqual([
      { kind: 'wake', campaign: work.run },
    ])
    expect(await sendAll(shop, work)).toMatchObject({ is: 'done', counts: { sent: 3 } })
  })

  it('stops it, and is told what was handed over and what was not', async () => {
    const plan = tagged('stop', { campaign: { rate: { messages: 10, everyMs: HOUR } } })
    const shop = await shopOf(plan)
    await members('stop', 25)
    const work = await openedWave(shop, 'stop')
    await sendAll(shop, work)
    await sql`update messages set status = 'unknown', code = 'SEND_FATE_UNKNOWN' where key = ${`stop/stop0001/${DAY_OF}/send/hello`}`.execute(
      db,
    )
    await sql`insert into message_states (message, status, at) select key, status, now() from messages where key = ${`stop/stop0001/${DAY_OF}/send/hello`}`.execute(
      db,
    )
    const stopped = await operator(shop, plan).stopCampaign('stop')
    expect(stopped).toEqual({
      journey: 'stop',
      stopped: 10,
      handedOver: { sent: 9, accepted: 0, unknown: 1, withdrawn: 0, notBegun: 15 },
    })
    expect(await sendAll(shop, work)).toEqual({ is: 'stopped' })
    shop.clock.pass(HOUR)
    expect(await sendAll(shop, work)).toEqual({ is: 'stopped' })
    expect(shop.bulk.taken).toHaveLength(10)
    expect(await rowsOf(db, `select distinct status, reason from enrolments where journey = 'stop'`)).toEqual([
      { status: 'stopped', reason: 'operator' },
    ])
  })

  it('stops what is held: it goes nowhere', async () => {
    const plan = tagged('stopheld')
    const shop = await shopOf(plan, { quiet: { from: 0, to: 23 * 60 } })
    await members('stopheld', 4)
    const work = await openedWave(shop, 'stopheld')
    await sendAll(shop, work)
    expect((await operator(shop, plan).stopCampaign('stopheld')).handedOver).toMatchObject({ sent: 0, withdrawn: 4 })
    expect(await outcomes('stopheld')).toEqual([{ status: 'skipped', code: 'LEFT_JOURNEY', count: 4 }])
  })
})
