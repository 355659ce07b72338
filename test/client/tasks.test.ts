import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { openReview } from '../../store/reviews.ts'
import { NOON, freshStore, person } from '../world.ts'
import { inboxOf, routing } from '../store/given.ts'
import { BEARER, event, served } from './served.ts'

const world = served()
const DAY = 86_400_000

async function asked(): Promise<string> {
  await world.post([event('r1', { type: 'customer.registered', customer: person('C7') })])
  await sql`update enrolments set arm = 'treated'`.execute(world.db)
  const task = { run: 'first-order/C7', key: 'first-order/C7/task/adviser', topic: 'adviser', note: 'Call them.' }
  await openReview(world.db, { ...task, deadline: NOON + DAY, otherwise: 'cannot', now: NOON })
  const { tasks } = (await get('/v1/tasks')).json() as { tasks: { id: number }[] }
  expect(tasks).toEqual([
    {
      id: expect.any(Number),
      task: 'adviser',
      note: 'Call them.',
      journey: 'first-order',
      customer: 'C7',
      occasion: null,
      run: 'first-order/C7',
      openedAt: '2026-11-23T12:00:00.000Z',
      deadline: '2026-11-24T12:00:00.000Z',
    },
  ])
  return `/v1/tasks/${tasks[0]?.id}`
}
const get = (url: string, headers: object = BEARER) => world.app.inject({ method: 'GET', url, headers: { ...headers } })
const say = (url: string, payload: object, headers: object = BEARER) =>
  world.app.inject({ method: 'POST', url, payload, headers: { ...headers } })

test('a task is done once over HTTP', async () => {
  const url = await asked()
  const done = { result: 'done', by: 'eve', note: 'pleased' }
  const answer = { ok: true, id: Number(url.split('/').at(-1)), result: 'done', by: 'eve' }
  expect((await say(url, done)).json()).toEqual({ ...answer, replayed: false })
  expect((await say(url, done)).json()).toEqual({ ...answer, replayed: true })
  expect((await say(url, { ...done, result: 'cannot' })).json()).toEqual({
    ok: false,
    code: 'TASK_DECIDED',
    meaning: expect.any(String),
  })
  expect((await get('/v1/tasks')).json()).toEqual({ tasks: [] })
  const { rows } = await sql`select detail from decisions where about = 'task' order by id`.execute(world.db)
  expect(rows).toEqual([{ detail: 'adviser' }, { detail: 'adviser: done by eve, pleased' }])
})

test.each([
  ['a result that is none', { result: 'approve', by: 'eve' }, {}, 400, 'REQUEST_INVALID'],
  ['nobody', { result: 'done' }, {}, 400, 'REQUEST_INVALID'],
  ['two lines of a name', { result: 'done', by: 'eve\neve' }, {}, 400, 'REQUEST_INVALID'],
  ['no key of the shop', { result: 'done', by: 'eve' }, { authorization: '' }, 401, 'API_KEY_INVALID'],
])('is not done with %s', async (_what, body, headers, status, problem) => {
  const response = await say(await asked(), body, { ...BEARER, ...headers })
  expect([response.statusCode, response.json().error.code]).toEqual([status, problem])
})

test('that is none is unknown', async () => {
  for (const id of ['0', 'x', '99999']) {
    const response = await say(`/v1/tasks/${id}`, { result: 'done', by: 'eve' })
    expect([response.statusCode, response.json().error.code]).toEqual([404, 'TASK_UNKNOWN'])
  }
  expect((await get('/v1/tasks', {})).statusCode).toBe(401)
})

test('tasks and task, on the command line', async () => {
  const { db, url } = await freshStore()
  const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9', SHOP_ZONE: 'UTC' }
  const perennial = async (...words: string[]): Promise<{ code: number; out: string; err: string }> => {
    const said = { out: '', err: '' }
    const take = { out: (text: string) => void (said.out += text), err: (text: string) => void (said.err += text) }
    return { code: await carryOut(words, { env, ...take }), ...said }
  }
  expect((await perennial('tasks')).out).toBe('There is nothing to do.\n')
  // The command line has the machine's own clock.
  const now = Date.now()
  await inboxOf(db, { now: () => now }, [routing('story')])('customer.registered', person('C1'))
  const task = { run: 'story/C1', key: 'story/C1/task/adviser', topic: 'adviser', note: 'Call them.' }
  await openReview(db, { ...task, deadline: now + DAY, otherwise: 'cannot', now })
  const queue = JSON.parse((await perennial('tasks', '--json')).out) as { id: number }[]
  const id = String(queue[0]?.id)
  expect((await perennial('tasks')).out).toMatch(new RegExp(`^ *${id} .* adviser +C1 +story +Call them\\.$`, 'm'))
  const done = await perennial('task', 'done', id, '--by', 'eve', '--note', 'pleased')
  expect(done).toEqual({ code: 0, out: `Task ${id}: done by eve.\n`, err: '' })
  expect((await perennial('task', 'done', id)).out).toBe(`Task ${id}: done by eve, as before.\n`)
  const other = await perennial('task', 'cannot', id)
  expect([other.code, other.out]).toEqual([1, expect.stringMatching(/^TASK_DECIDED: Somebody answered/)])
  expect((await perennial('task', 'done', '77')).err).toMatch(/^TASK_UNKNOWN/)
  expect((await perennial('task', 'maybe', id)).code).toBe(2)
  expect((await perennial('why', 'C1')).out).toContain('adviser: done by eve, pleased')
})
