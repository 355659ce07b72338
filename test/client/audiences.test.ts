import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { audienceDesk } from '../../client/audiences.ts'
import { carryOut } from '../../client/cli/program.ts'
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { DAY, handClock, inboxOf, routing, rowsOf } from '../store/given.ts'
import { NOON, expectInvariants, freshStore, person } from '../world.ts'
import { BEARER, event, served } from './served.ts'

describe('the words about audiences', async () => {
  const { db, url } = await freshStore()
  afterAll(() => expectInvariants(db))
  const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9', SHOP_ZONE: 'Asia/Shanghai' }
  const send = inboxOf(db, handClock(Date.now() - DAY), [])
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perennial-audiences-'))
    for (const id of ['C1', 'C2', 'C3']) await send('customer.registered', person(id, { tags: ['tea'], zone: 'UTC' }))
    await send('customer.registered', person('C4', { tags: ['coffee'] }))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function perennial(...words: string[]) {
    const said = { out: '', err: '' }
    const out = (text: string): void => void (said.out += text)
    const code = await carryOut(words, { env, out, err: (text) => void (said.err += text) })
    return { code, ...said }
  }

  const tea = '{"tag": "tea"}'

  test('count and sample a filter before there is an audience, and show no name and no address', async () => {
    expect((await perennial('audiences')).out).toMatch(/^There is none yet/)
    expect((await perennial('audiences', 'count', '--filter', tea)).out).toBe('3 of 4 customers\n')
    const sample = await perennial('audiences', 'sample', '--filter', tea)
    expect(sample.out).toMatch(/C1[\s\S]*tea/)
    expect(sample.out).not.toMatch(/Name of|mail\.example/)
    const one = await perennial('audiences', 'sample', '--filter', tea, '--limit', '1', '--json')
    expect(JSON.parse(one.out)).toHaveLength(1)
  })

  test('set says who would be in, enter and leave, first dry; the version before comes back', async () => {
    const dry = await perennial('audiences', 'set', 'drinkers', '--filter', tea, '--by', 'eve', '--dry')
    expect(dry.out).toMatch(/^Nothing was set\.\s+3 of 4 customers: 3 come in, 0 fall out\./)
    expect((await perennial('audiences', 'show', 'drinkers')).err).toMatch(/^AUDIENCE_UNKNOWN: /)
    const set = await perennial('audiences', 'set', 'drinkers', '--filter', tea, '--by', 'eve', '--title', 'Drinkers')
    expect(set.out).toMatch(/^drinkers is at version 1\. 3 of 4 customers: 3 come in, 0 fall out\.\s+Journeys do not/)
    expect((await perennial('audiences', 'set', 'drinkers', '--filter', tea)).out).toMatch(/says so already/)
    const file = join(folder, 'coffee.json')
    await writeFile(file, '{"any": [{"tag": "coffee"}, {"tag": "none"}]}')
    const changed = await perennial('audiences', 'set', 'drinkers', '--file', file, '--by', 'bob')
    expect(changed.out).toMatch(/^drinkers is at version 2\. 1 of 4 customers: 1 come in, 3 fall out\./)
    const listed = await perennial('audiences', 'list')
    expect(listed.out).toMatch(/drinkers\s+Drinkers\s+1\s+2\s+bob/)
    expect((await perennial('audiences', 'back', 'drinkers', '--to', '1', '--by', 'eve')).out).toMatch(/at version 3/)
    const history = await perennial('audiences', 'history', 'drinkers', '--json')
    expect(JSON.parse(history.out)).toMatchObject([
      { version: 3, by: 'eve', filter: { tag: 'tea' } },
      { version: 2, by: 'bob', title: 'Drinkers' },
      { version: 1, by: 'eve' },
    ])
    expect((await perennial('audiences', 'show', 'drinkers')).out).toMatch(/in it now\s+3[\s\S]*"tag": "tea"/)
    expect((await perennial('audiences', 'count', 'drinkers')).out).toBe('3 of 4 customers\n')
  })

  test('say what is wrong: of a filter the field, of names the code, of words exit code 2', async () => {
    const refused = async (code: string, ...words: string[]): Promise<string> => {
      const said = await perennial('audiences', ...words)
      expect([said.code, said.err.split(':')[0]], words.join(' ')).toEqual([code === 'COMMAND_INVALID' ? 2 : 1, code])
      return said.err
    }
    expect(await refused('AUDIENCE_INVALID', 'count', '--filter', '{"stage": "asleep"}')).toContain('stage')
    await refused('AUDIENCE_INVALID', 'count', '--filter', '{')
    await refused('AUDIENCE_INVALID', 'set', 'birthday', '--filter', tea)
    await refused('AUDIENCE_INVALID', 'set', 'Tea Lovers', '--filter', tea)
    await refused('AUDIENCE_UNKNOWN', 'count', 'none')
    await refused('AUDIENCE_UNKNOWN', 'set', 'more', '--filter', '{"audience": "none"}')
    await refused('AUDIENCE_UNKNOWN', 'back', 'drinkers', '--to', '9')
    await refused('AUDIENCE_CIRCULAR', 'set', 'drinkers', '--filter', '{"not": {"audience": "drinkers"}}')
    await refused('COMMAND_INVALID', 'count')
    await refused('COMMAND_INVALID', 'count', 'drinkers', '--filter', tea)
    await refused('COMMAND_INVALID', 'set', 'drinkers')
    await refused('COMMAND_INVALID', 'sample', 'drinkers', '--limit', '0')
  })

  test('removed, one has nobody and is listed no more; while another names it, it stays', async () => {
    await perennial(
      'audiences',
      'set',
      'guests',
      '--filter',
      '{"all": [{"audience": "drinkers"}, {"channel": "email"}]}',
    )
    expect((await perennial('audiences', 'remove', 'drinkers')).err).toMatch(/^AUDIENCE_IN_USE: .*guests/)
    expect((await perennial('audiences')).out).toMatch(/drinkers .*audience guests/)
    expect((await perennial('audiences', 'remove', 'guests')).out).toMatch(
      /^guests is removed, as version 2\..*3 fall out/,
    )
    expect((await perennial('audiences')).out).not.toContain('guests')
    expect((await perennial('audiences', 'list', '--removed')).out).toMatch(/guests\s+\(removed\)\s+0/)
    expect(await rowsOf(db, `select 1 from audience_members where audience = 'guests' and left_at is null`)).toEqual([])
  })

  test('one that a plan names stays, wherever the plan names it', async () => {
    const desk = (plans: Parameters<typeof audienceDesk>[0]['plans']) =>
      audienceDesk({ db, clock: { now: () => NOON }, plans, shopZone: 'UTC' })
    const of = { name: 'kept', filter: { tag: 'kept' } as AudienceFilter, by: 'eve' }
    await desk([]).set(of)
    const where = { audience: 'kept' }
    for (const plan of [
      routing('hello', { begins: { on: 'audience.entered', where } }),
      routing('hello', { exits: [{ on: 'audience.left', where }] }),
      { ...routing('hello'), waves: [{ to: { all: [{ not: { audience: 'kept' } }] } }] },
    ]) {
      await expect(desk([plan]).remove(of)).rejects.toMatchObject({ code: 'AUDIENCE_IN_USE' })
      expect((await desk([plan]).show('kept')).usedBy).toEqual(['hello'])
    }
    expect(await desk([routing('hello')]).remove(of)).toMatchObject({ version: 2, filter: null })
  })
})

describe('GET and PUT /v1/audiences/:name, POST /v1/audiences/count', () => {
  const world = served()
  const ask = async (method: 'GET' | 'PUT' | 'POST', url: string, payload?: object, headers: object = BEARER) => {
    const answer = await world.app.inject({ method, url, headers: { ...headers }, ...(payload && { payload }) })
    return { status: answer.statusCode, body: answer.json<{ error?: object }>() }
  }

  test('are behind the key', async () => {
    for (const [method, url] of [
      ['GET', '/v1/audiences'],
      ['GET', '/v1/audiences/teens'],
      ['PUT', '/v1/audiences/teens'],
      ['POST', '/v1/audiences/count'],
    ] as const)
      expect((await ask(method, url, method === 'GET' ? undefined : {}, {})).status).toBe(401)
  })

  test('set, read and count by what events told', async () => {
    await world.post(event('E1', { customer: { id: 'C1', traits: { age: 17, city: 'Hangzhou' } } }))
    await world.post(event('E2', { customer: { id: 'C2', traits: { age: 30 } } }))
    await world.post(event('E3', { customer: { id: 'C2', traits: { age: null, city: 'Suzhou' } } }))
    expect(await rowsOf(world.db, 'select id, traits from customers order by id')).toEqual([
      { id: 'C1', traits: { age: 17, city: 'Hangzhou' } },
      { id: 'C2', traits: { city: 'Suzhou' } },
    ])
    const filter = { trait: 'age', atMost: 19 }
    expect(await ask('POST', '/v1/audiences/count', { filter })).toEqual({
      status: 200,
      body: { customers: 2, members: 1 },
    })
    const put = await ask('PUT', '/v1/audiences/teens', { title: 'Teens', filter, by: 'shop' })
    expect(put).toMatchObject({ status: 200, body: { name: 'teens', version: 1, changed: true, enter: 1, leave: 0 } })
    const again = await ask('PUT', '/v1/audiences/teens', { filter, by: 'shop' })
    expect(again).toMatchObject({ status: 200, body: { version: 1, title: 'Teens', changed: false } })
    const shown = { name: 'teens', members: 1, entries: 1, usedBy: [], filter }
    expect(await ask('GET', '/v1/audiences/teens')).toMatchObject({ status: 200, body: shown })
    expect(await ask('GET', '/v1/audiences')).toMatchObject({ status: 200, body: { audiences: [shown] } })
    // Behind the other tests' truncation of the customers.
    await ask('PUT', '/v1/audiences/teens', { filter: { trait: 'age', exists: true }, by: 'shop' })
  })

  test('say with a code and a field what is wrong', async () => {
    const refused = async (method: 'GET' | 'PUT' | 'POST', url: string, body?: object) => {
      const { status, body: answer } = await ask(method, url, body)
      return { status, ...answer.error }
    }
    const invalid = (field: string) => ({ status: 400, code: 'AUDIENCE_INVALID', field })
    expect(await refused('GET', '/v1/audiences/none')).toMatchObject({ status: 404, code: 'AUDIENCE_UNKNOWN' })
    expect(await refused('GET', '/v1/audiences/No')).toMatchObject(invalid('name'))
    expect(await refused('PUT', '/v1/audiences/x', { filter: { tag: 1 }, by: 'e' })).toMatchObject(
      invalid('filter.tag'),
    )
    expect(await refused('PUT', '/v1/audiences/x', { filter: { tag: 'a' } })).toMatchObject(invalid('by'))
    expect(await refused('PUT', '/v1/audiences/x', [])).toMatchObject(invalid('filter'))
    expect(await refused('PUT', '/v1/audiences/tier-ending', { filter: { tag: 'a' }, by: 'e' })).toMatchObject(
      invalid('name'),
    )
    expect(await refused('POST', '/v1/audiences/count', {})).toMatchObject(invalid('filter'))
    expect(await refused('POST', '/v1/audiences/count', { filter: { audience: 'none' } })).toMatchObject({
      status: 404,
      code: 'AUDIENCE_UNKNOWN',
    })
  })
})
