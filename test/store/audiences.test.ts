import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { settleAudiences, walkAudiences } from '../../store/audience-walks.ts'
import { unsettledAudiences } from '../../store/audience-members.ts'
import { setAudience } from '../../store/audiences.ts'
import { tellEvent } from '../../store/events.ts'
import { reckonNow } from '../../store/reckonings.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, behindLock, handClock, inboxOf, routing, rowsOf } from './given.ts'

const { db } = await freshStore()
afterEach(() => expectInvariants(db))

let names = 0
const clock = handClock()

/** An audience of a name of its own, walked to its end. */
async function audience(filter: AudienceFilter, { tell = false, name = `a-${++names}` } = {}): Promise<string> {
  await setAudience(db, { name, title: name, filter, by: 'eve', now: clock.now(), tell })
  await walk()
  return name
}

async function walk(now = clock.now()): Promise<number> {
  let done = 0
  for (let some = 1; some > 0; done += some)
    some = await walkAudiences(db, { now, shopZone: 'UTC' }, { plans: [], tell: tellEvent })
  return done
}

const send = inboxOf(db, clock, [])

const entriesOf = (name: string): Promise<string[]> =>
  rowsOf<{ line: string }>(
    db,
    `select customer || ' ' || entry || case when left_at is null then '' else ' left' end as line
     from audience_members where audience = '${name}' order by customer, entry`,
  ).then((rows) => rows.map(({ line }) => line))

const toldOf = (name: string): Promise<string[]> =>
  rowsOf<{ line: string }>(
    db,
    `select customer || ' ' || type || ' ' || (properties->>'entry') as line from events
     where type like 'audience.%' and properties->>'audience' = '${name}' order by seq`,
  ).then((rows) => rows.map(({ line }) => line))

describe('what happens to a customer', () => {
  test('takes them in and out in the transaction that stores it, and tells of it once an entry', async () => {
    const name = await audience({ tag: 'tea' })
    await send('customer.registered', person('L1', { tags: ['tea'] }))
    await send('page.viewed', 'L1')
    await send('profile.updated', { id: 'L1', tags: ['coffee'] })
    await send('profile.updated', { id: 'L1', tags: ['coffee', 'tea'] })
    await send('profile.updated', { id: 'L1', tags: ['tea'] })
    expect(await entriesOf(name)).toEqual(['L1 1 left', 'L1 2'])
    expect(await toldOf(name)).toEqual([
      `L1 audience.entered ${name}.1`,
      `L1 audience.left ${name}.1`,
      `L1 audience.entered ${name}.2`,
    ])
  })

  test('takes in whoever is seen for the first time, also where the filter asks for nothing they have', async () => {
    const name = await audience({ not: { tag: 'loud' } })
    await send('page.viewed', 'L2')
    expect(await entriesOf(name)).toContain('L2 1')
    expect(await toldOf(name)).toEqual([`L2 audience.entered ${name}.1`])
  })

  test('is looked at by traits, places, addresses, consent, events and money alike', async () => {
    const by: Record<string, AudienceFilter> = {
      trait: { trait: 'age', atLeast: 18 },
      zone: { zone: 'Asia/Shanghai' },
      locale: { locale: 'zh' },
      channel: { channel: 'sms' },
      consent: { consent: 'marketing' },
      event: { event: 'page.viewed', within: '2 days', atLeast: 2 },
      spent: { spent: { atLeast: 100 } },
    }
    const made: Record<string, string> = {}
    for (const [kind, filter] of Object.entries(by)) made[kind] = await audience(filter)
    const inNow = async (): Promise<string[]> => {
      const rows = await rowsOf<{ audience: string }>(
        db,
        `select audience from audience_members where customer = 'L3' and left_at is null`,
      )
      return Object.keys(made).filter((kind) => rows.some((row) => row.audience === made[kind]))
    }
    await send('customer.registered', 'L3')
    expect(await inNow()).toEqual([])
    await send('profile.updated', { id: 'L3', traits: { age: 20 }, zone: 'Asia/Shanghai' })
    expect(await inNow()).toEqual(['trait', 'zone'])
    await send('profile.updated', { id: 'L3', traits: { age: null }, locale: 'zh-CN', phone: '+8613912345678' })
    expect(await inNow()).toEqual(['zone', 'locale', 'channel'])
    await send('profile.updated', { id: 'L3', zone: null, phone: null, consent: { marketing: true } })
    expect(await inNow()).toEqual(['locale', 'consent'])
    await send('page.viewed', { id: 'L3', consent: { marketing: false }, locale: 'en' })
    await send('page.viewed', 'L3')
    expect(await inNow()).toEqual(['event'])
    await send('order.paid', 'L3', { properties: { order: 'L3-1', amount: 100 } })
    expect(await inNow()).toEqual(['event', 'spent'])
    await send('order.refunded', 'L3', { properties: { order: 'L3-1', refund: 'R', amount: 1 } })
    expect(await inNow()).toEqual(['event'])
  })

  test('costs nothing of audiences that do not look at it: nothing is asked of them', async () => {
    const name = await audience({ tag: 'sleepy' })
    await send('customer.registered', 'L4')
    // Behind our back, so that a look at the audience would show.
    await rowsOf(db, `update customers set tags = '{sleepy}' where id = 'L4'`)
    await send('page.viewed', 'L4')
    expect(await entriesOf(name)).toEqual([])
    await send('profile.updated', { id: 'L4', tags: ['sleepy'] })
    expect(await entriesOf(name)).toEqual(['L4 1'])
  })

  test('is told to journeys, which begin once an entry; those of other audiences leave no line', async () => {
    const name = await audience({ tag: 'vip' })
    const begins = { on: 'audience.entered', where: { audience: name } }
    const more = { occasion: 'entry', reentry: { when: 'any', gap: 0, atMost: Infinity } } as const
    const mine = routing('vip-hello', { begins, exits: [{ on: 'audience.left', where: { audience: name } }], ...more })
    const other = routing('other-hello', { begins: { ...begins, where: { audience: 'other' } }, ...more })
    const sendTo = inboxOf(db, clock, [mine, other])
    await sendTo('customer.registered', person('L5', { tags: ['vip'] }))
    await sendTo('profile.updated', { id: 'L5', tags: [] })
    await sendTo('profile.updated', { id: 'L5', tags: ['vip'] })
    expect(await rowsOf(db, `select id, status from enrolments where customer = 'L5' order by id`)).toEqual([
      { id: `vip-hello/L5/${name}.1`, status: 'exited' },
      { id: `vip-hello/L5/${name}.2`, status: 'running' },
    ])
    expect(await rowsOf(db, `select 1 from decisions where journey = 'other-hello'`)).toEqual([])
  })

  test('told by ourselves it is looked at too: a stage, as the reckoning tells it', async () => {
    const name = await audience({ stage: ['new', 'active'] })
    const reckon = () => reckonNow(db, { now: clock.now(), plans: [], shopZone: 'UTC', tell: tellEvent })
    await send('customer.registered', 'L6')
    await reckon()
    await send('order.paid', 'L6', { properties: { order: 'O1', amount: 100_00 } })
    clock.pass(400 * DAY)
    await reckon()
    expect(await toldOf(name)).toEqual([`L6 audience.entered ${name}.1`, `L6 audience.left ${name}.1`])
  })

  test('in one line behind the lock: of two changes at once the last one holds', async () => {
    const name = await audience({ tag: 'line' })
    await send('customer.registered', 'L7')
    await behindLock(db, 'L7', {
      work: () => send('profile.updated', { id: 'L7', tags: ['line'] }),
      meanwhile: (tx) => rowsOf(tx, `update customers set tags = '{line}' where id = 'L7'`),
    })
    const changes = [['line'], [], ['line'], [], ['line']]
    await Promise.all(changes.map((tags) => send('profile.updated', { id: 'L7', tags })))
    const [row] = await rowsOf<{ tags: string[] }>(db, `select tags from customers where id = 'L7'`)
    const lines = await entriesOf(name)
    expect(lines.at(-1)?.endsWith('left')).toBe(row?.tags.length === 0)
  })
})

describe('a definition', () => {
  test('takes in whom it finds without telling, unless told to tell', async () => {
    for (const id of ['D1', 'D2']) await send('customer.registered', person(id, { tags: ['old'] }))
    const quiet = await audience({ tag: 'old' })
    const loud = await audience({ tag: 'old' }, { tell: true })
    expect(await entriesOf(quiet)).toEqual(['D1 1', 'D2 1'])
    expect(await toldOf(quiet)).toEqual([])
    expect(await toldOf(loud)).toEqual([`D1 audience.entered ${loud}.1`, `D2 audience.entered ${loud}.1`])
    // Once it is settled, whoever comes is told of.
    await send('profile.updated', { id: 'D2', tags: [] })
    expect(await toldOf(quiet)).toEqual([`D2 audience.left ${quiet}.1`])
  })

  test('that is changed moves those who differ; one that names it is walked with it', async () => {
    await send('customer.registered', person('D3', { tags: ['red'] }))
    await send('customer.registered', person('D4', { tags: ['blue'] }))
    const base = await audience({ tag: 'red' })
    const on = await audience({ all: [{ audience: base }, { not: { tag: 'never' } }] })
    expect(await entriesOf(on)).toEqual(['D3 1'])
    await audience({ tag: 'blue' }, { name: base })
    expect(await entriesOf(base)).toEqual(['D3 1 left', 'D4 1'])
    expect(await entriesOf(on)).toEqual(['D3 1 left', 'D4 1'])
    expect(await toldOf(on)).toEqual([])
    // What the named one looks at is looked at for those that name it.
    await send('profile.updated', { id: 'D3', tags: ['blue'] })
    expect(await entriesOf(on)).toEqual(['D3 1 left', 'D3 2', 'D4 1'])
  })

  test('is refused where it hangs on itself, names one that is not there, or is removed while another names it', async () => {
    const a = await audience({ tag: 'x' })
    const b = await audience({ not: { audience: a } })
    const set = (name: string, filter: AudienceFilter | null) =>
      setAudience(db, { name, title: name, filter, by: 'eve', now: clock.now(), tell: false })
    await expect(set(a, { any: [{ audience: b }] })).rejects.toMatchObject({ code: 'AUDIENCE_CIRCULAR' })
    await expect(set('itself', { audience: 'itself' })).rejects.toMatchObject({ code: 'AUDIENCE_CIRCULAR' })
    await expect(set('new', { audience: 'none' })).rejects.toMatchObject({ code: 'AUDIENCE_UNKNOWN' })
    await expect(set(a, null)).rejects.toMatchObject({ code: 'AUDIENCE_IN_USE' })
    await expect(set('none', null)).rejects.toMatchObject({ code: 'AUDIENCE_UNKNOWN' })
    expect(await rowsOf(db, `select 1 from audiences where name in ('itself', 'new')`)).toEqual([])
    expect(await set(a, { tag: 'x' })).toMatchObject({ version: 1, changed: false })
  })

  test('that is removed has nobody, and may come back: the entries count on', async () => {
    await send('customer.registered', person('D5', { tags: ['gone'] }))
    const name = await audience({ tag: 'gone' })
    await setAudience(db, { name, title: name, filter: null, by: 'eve', now: clock.now(), tell: false })
    await walk()
    await send('profile.updated', { id: 'D5', tags: ['gone'] })
    expect(await entriesOf(name)).toEqual(['D5 1 left'])
    await audience({ tag: 'gone' }, { name })
    expect(await entriesOf(name)).toEqual(['D5 1 left', 'D5 2'])
  })
})

describe('the walk', () => {
  test('is once a day of the shop, and tells of those who fell out as time passed', async () => {
    const name = await audience({ event: 'page.viewed', within: '2 days' })
    await send('page.viewed', 'T1')
    clock.pass(DAY)
    expect(await walk()).toBeGreaterThan(0)
    expect(await walk()).toBe(0)
    expect(await entriesOf(name)).toContain('T1 1')
    clock.pass(DAY + HOUR)
    await walk()
    expect(await entriesOf(name)).toContain('T1 1 left')
    expect(await toldOf(name)).toContain(`T1 audience.left ${name}.1`)
    expect(await walk()).toBe(0)
  })

  test('goes on where it stopped, page by page, and begins anew when the definition changes meanwhile', async () => {
    const name = `a-${++names}`
    await rowsOf(
      db,
      `insert into customers (id, tags, created_at, updated_at)
       select 'P' || lpad(n::text, 5, '0'), '{crowd}', came, came from generate_series(1, 700) n, to_timestamp(${clock.now() / 1000}) came`,
    )
    // Nobody was told of them, so whoever takes them in finds them now.
    await rowsOf(db, `update audience_walks set settled = false, quiet = true, after = '', round = round + 1`)
    await walk()
    const set = (filter: AudienceFilter) =>
      setAudience(db, { name, title: name, filter, by: 'eve', now: clock.now(), tell: true })
    const page = () =>
      walkAudiences(db, { now: clock.now(), shopZone: 'UTC', audience: name }, { plans: [], tell: tellEvent })
    await set({ tag: 'crowd' })
    expect(await page()).toBe(501)
    expect(await entriesOf(name)).toHaveLength(500)
    await set({ any: [{ tag: 'crowd' }, { tag: 'more' }] })
    // The first 500 are in already, so that the page has the others.
    expect([await page(), await page()]).toEqual([201, 0])
    expect(await entriesOf(name)).toHaveLength(700)
    expect(new Set(await toldOf(name)).size).toBe(700)
    await rowsOf(db, `delete from audience_members where customer = 'P00007' and audience = '${name}'`)
    await rowsOf(db, `update audience_walks set after = '' where audience = '${name}'`)
    expect([await page(), await page()]).toEqual([2, 0])
  })

  test('of a new definition is awaited for some pages and left to the upkeep after them, which tells nobody either', async () => {
    const name = `a-${++names}`
    await rowsOf(
      db,
      `insert into customers (id, tags, created_at, updated_at)
       select 'Q' || lpad(n::text, 5, '0'), '{large}', came, came from generate_series(1, 5100) n, to_timestamp(${clock.now() / 1000}) came`,
    )
    await walk()
    const now = clock.now()
    await setAudience(db, { name, title: name, filter: { tag: 'large' }, by: 'eve', now, tell: false })
    const settle = (pages: number) =>
      settleAudiences(db, { now, shopZone: 'UTC' }, { plans: [], tell: tellEvent }, pages)
    expect([await settle(1), (await unsettledAudiences(db)).has(name)]).toEqual([false, true])
    const some = (await entriesOf(name)).length
    expect(some).toBeGreaterThan(0)
    expect(some).toBeLessThan(5100)
    await send('profile.updated', { id: 'Q05100', tags: ['large', 'more'] })
    await walk()
    expect([await settle(1), (await unsettledAudiences(db)).has(name)]).toEqual([true, false])
    expect(await entriesOf(name)).toHaveLength(5100)
    expect(await toldOf(name)).toEqual([])
    await send('profile.updated', { id: 'Q00001', tags: [] })
    expect(await toldOf(name)).toEqual([`Q00001 audience.left ${name}.1`])
  })

  test('loses nobody to whoever changes at the same time', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `S${i}`)
    for (const id of ids) await send('customer.registered', person(id))
    const name = `a-${++names}`
    await setAudience(db, { name, title: name, filter: { tag: 'storm' }, by: 'eve', now: clock.now(), tell: false })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), async (tagged) => {
        const filter: AudienceFilter = { any: [{ tag: 'storm' }, { trait: 'round', is: String(tagged) }] }
        await Promise.all([
          setAudience(db, { name, title: name, filter, by: 'eve', now: clock.now(), tell: false }).then(() => walk()),
          ...ids.map((id, i) => send('profile.updated', { id, tags: tagged[i] ? ['storm'] : [] })),
        ])
        await walk()
        await expectInvariants(db)
        const open = (await entriesOf(name)).filter((line) => !line.endsWith('left'))
        const inNow: string[] = open.map((line) => line.split(' ')[0] ?? '')
        expect(inNow.sort()).toEqual(ids.filter((_, i) => tagged[i]).sort())
      }),
      { numRuns: 5 },
    )
  })
})
