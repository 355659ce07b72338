import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { customer } from '../../store/customers.ts'
import { enrolments } from '../../store/enrolments.ts'
import { rejectedEvents } from '../../store/rejected-events.ts'
import { person } from '../world.ts'
import { event, served } from './served.ts'

const world = served()

describe('one event', () => {
  test('leaves of a device, a card and a postal address only hashes', async () => {
    const known = { phone: '139 1234 5678', device: 'dev-1', payment: 'card-1', address: 'Middle Road 3' }
    const sent = { id: 'e1', type: 'profile.changed', customer: { id: 'C1', ...known } }
    expect((await world.post(sent)).json()).toMatchObject({ accepted: 1 })
    expect((await world.post(sent)).json()).toMatchObject({ duplicates: 1 })
    expect(await customer(world.db, 'C1')).toMatchObject({ phone: '+8613912345678' })
    const { rows } = await sql<{ row: string }>`
      select i.kind || ' ' || i.hash as row from identities i order by kind`.execute(world.db)
    expect(rows.map(({ row }) => row)).toEqual([
      expect.stringMatching(/^address [0-9a-f]{64}$/),
      expect.stringMatching(/^device [0-9a-f]{64}$/),
      expect.stringMatching(/^payment [0-9a-f]{64}$/),
      expect.stringMatching(/^phone [0-9a-f]{64}$/),
    ])
  })

  test('is stored with its customer, enters its journeys and leaves an order for Temporal each', async () => {
    const response = await world.post({ id: 'e1', type: 'customer.registered', customer: person('C1') })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({ accepted: 1, duplicates: 0, rejected: [] })
    expect(await customer(world.db, 'C1')).toMatchObject({ email: 'c1@mail.example' })
    expect((await enrolments(world.db, { customer: 'C1' }, 9)).map(({ journey }) => journey).sort()).toEqual([
      'first-order',
      'welcome',
    ])
    expect(await world.count('dispatch')).toBe(2)
  })

  test('sent again is 200 and changes nothing, in whatever order its keys are written', async () => {
    const first = { id: 'e1', type: 'customer.registered', customer: person('C1'), properties: { a: 1, b: 2 } }
    await world.post(first)
    const again = await world.post({
      properties: { b: 2, a: 1 },
      customer: person('C1'),
      type: 'customer.registered',
      id: 'e1',
    })
    expect(again.statusCode).toBe(200)
    expect(again.json()).toEqual({ accepted: 0, duplicates: 1, rejected: [] })
    expect([
      await world.count('events'),
      await world.count('enrolments'),
      await world.count('dispatch'),
      await world.count('consents'),
    ]).toEqual([1, 2, 2, 1])
  })

  test('with the id of another is 409, kept as rejected, and its customer stays as he was', async () => {
    await world.post(event('e1', { customer: person('C1') }))
    const response = await world.post(event('e1', { customer: { id: 'C1', name: 'Somebody else' } }))
    expect(response.statusCode).toBe(409)
    expect(response.json().error).toMatchObject({ code: 'EVENT_ID_REUSED', field: 'id' })
    expect(await customer(world.db, 'C1')).toMatchObject({ name: 'Name of C1' })
    expect(await rejectedEvents(world.db, 10)).toMatchObject([{ id: 'e1', code: 'EVENT_ID_REUSED' }])
  })

  test('that is bad is 400 with the code, the field and what was expected, and is kept as rejected', async () => {
    const response = await world.post(event('e1', { customer: { id: 'C1', email: 'ada' } }))
    expect(response.statusCode).toBe(400)
    expect(response.json()).toEqual({
      error: {
        code: 'EVENT_INVALID',
        message: "customer.email: expected an address: 'ada@mail.example'",
        todo: 'Correct the named field and send it again with the same id.',
        field: 'customer.email',
        expected: "expected an address: 'ada@mail.example'",
      },
    })
    expect(await world.stored()).toEqual([])
    expect(await customer(world.db, 'C1')).toBeUndefined()
    expect(await rejectedEvents(world.db, 10)).toMatchObject([
      { id: 'e1', code: 'EVENT_INVALID', field: 'customer.email' },
    ])
    // Corrected, it is taken under the same id.
    expect((await world.post(event('e1', { customer: { id: 'C1', email: 'ada@mail.example' } }))).statusCode).toBe(200)
  })

  test('with a customer id alone makes a bare customer, and later one says more of him', async () => {
    await world.post(event('e1'))
    expect(await customer(world.db, 'C1')).toMatchObject({ id: 'C1', email: null, tags: [] })
    await world.post(event('e2', { customer: { id: 'C1', name: 'Ada' } }))
    await world.post(event('e3'))
    expect(await customer(world.db, 'C1')).toMatchObject({ name: 'Ada' })
  })

  test.each([
    ['a prototype', '{"id":"e1","type":"a.b","customer":"C1","properties":{"__proto__":{"polluted":true}}}'],
    ['a prototype outside', '{"id":"e1","type":"a.b","customer":"C1","__proto__":{"polluted":true}}'],
    ['NUL', '{"id":"e1","type":"a.b","customer":"C1","properties":{"a":"\\u0000"}}'],
    ['NUL in a key', '{"id":"e1","type":"a.b","customer":"C1","x\\u0000":1}'],
    ['half a character', '{"id":"e1","type":"a.b","customer":"C1","properties":{"a":"\\ud83d"}}'],
    [
      'a deep nest',
      `{"id":"e1","type":"a.b","customer":"C1","properties":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`,
    ],
    ['no object', '"order.paid"'],
  ])('with %s is refused and harms nothing', async (_what, payload) => {
    const response = await world.post(payload)
    expect([response.statusCode, response.json().error.code]).toEqual([400, 'EVENT_INVALID'])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect([await world.stored(), await world.count('rejected_events')]).toEqual([[], 1])
  })

  test('with constructor and toString as properties is data like any other', async () => {
    const response = await world.post(
      '{"id":"e1","type":"a.b","customer":"C1","properties":{"constructor":{"prototype":{"x":1}},"toString":"t"}}',
    )
    expect(response.statusCode).toBe(200)
    const { rows } = await sql<{ properties: unknown }>`select properties from events`.execute(world.db)
    expect(rows[0]?.properties).toEqual({ constructor: { prototype: { x: 1 } }, toString: 't' })
  })
})

describe('a batch', () => {
  test('keeps the good ones, names the bad ones and stores these as rejected', async () => {
    const response = await world.post({
      batch: [
        event('e1'),
        { id: 'bad', type: 'nope', customer: 'C1' },
        event('e2', { customer: 'C2' }),
        7,
        event('e1'),
      ],
      sentAt: '2026-11-23T12:00:00Z',
    })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({
      accepted: 2,
      duplicates: 1,
      rejected: [
        { index: 1, id: 'bad', code: 'EVENT_INVALID', field: 'type', expected: expect.stringContaining('noun.past') },
        { index: 3, id: null, code: 'EVENT_INVALID', field: 'event' },
      ],
    })
    expect((await world.stored()).sort()).toEqual(['e1', 'e2'])
    expect(await rejectedEvents(world.db, 10)).toMatchObject([
      { id: null, body: '7' },
      { id: 'bad', field: 'type' },
    ])
  })

  test('names an id that was used for another event', async () => {
    await world.post(event('e1'))
    const response = await world.post([event('e1', { type: 'order.paid' }), event('e2')])
    expect(response.json()).toMatchObject({ accepted: 1, rejected: [{ index: 0, id: 'e1', code: 'EVENT_ID_REUSED' }] })
  })

  test('keeps the order of each customer', async () => {
    const batch = Array.from({ length: 60 }, (_, n) => event(`e${n}`, { customer: `C${n % 12}` }))
    expect((await world.post(batch)).json()).toMatchObject({ accepted: 60 })
    const { rows } = await sql<{ ids: string[] }>`
      select array_agg(id order by seq) as ids from events group by customer`.execute(world.db)
    for (const { ids } of rows) expect(ids).toEqual([...ids].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))))
  })

  test('may be empty, hold 500, and not 501', async () => {
    expect((await world.post([])).json()).toEqual({ accepted: 0, duplicates: 0, rejected: [] })
    expect((await world.post({ batch: [] })).json()).toEqual({ accepted: 0, duplicates: 0, rejected: [] })
    const most = Array.from({ length: 500 }, (_, n) => event(`e${n}`, { customer: `C${n % 50}` }))
    expect((await world.post(most)).json()).toMatchObject({ accepted: 500 })
    const more = await world.post({ batch: [...most, event('e500')] })
    expect([more.statusCode, more.json().error.code]).toEqual([413, 'BATCH_TOO_LARGE'])
    expect(await world.count('events')).toBe(500)
  })

  test('that is no array is refused', async () => {
    const response = await world.post({ batch: 'e1' })
    expect([response.statusCode, response.json().error]).toMatchObject([
      400,
      { code: 'REQUEST_MALFORMED', field: 'batch' },
    ])
  })

  test('whose store goes away on the way is 503, stores none by half, and is whole when sent again', async () => {
    await sql`create function lose() returns trigger language plpgsql as
      $$begin raise exception 'terminating connection' using errcode = '57P01'; end$$`.execute(world.db)
    await sql`create trigger lose before insert on events for each row when (new.id = 'e5') execute function lose()`.execute(
      world.db,
    )
    const batch = [...Array.from({ length: 10 }, (_, n) => event(`e${n}`, { customer: `C${n}` })), { id: 'bad' }]
    const response = await world.post(batch)
    expect([response.statusCode, response.json().error.code]).toEqual([503, 'STORE_UNAVAILABLE'])
    expect(response.headers['retry-after']).toBe('5')
    const kept = await world.stored()
    expect(kept).not.toContain('e5')
    expect([
      await customer(world.db, 'C5'),
      await world.count('customers'),
      await world.count('rejected_events'),
    ]).toEqual([undefined, kept.length, 0])

    await sql`drop function lose() cascade`.execute(world.db)
    expect((await world.post(batch)).json()).toMatchObject({
      accepted: 10 - kept.length,
      duplicates: kept.length,
      rejected: [{ index: 10 }],
    })
    expect(await world.count('events')).toBe(10)
  })
})
