/** What becomes of waits that a pause held, on the real servers: lengthened, gone at once, or left out. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { type Operator, operatorOf } from '../../client/operator.ts'
import { enrolment } from '../../store/enrolments.ts'
import { messagesOf } from '../../store/messages.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

const FIXTURES = new URL('../fixtures/workflows/', import.meta.url)
const DAY = 86_400_000
let sink: Sink
let world: World
let operator: Operator

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  const catalogue = await readCatalogue(FIXTURES)
  const bundle = await bundleWorkflows(catalogue, { folder: FIXTURES, logger: quietSdk })
  world = await openWorld({ smtpUrl: sink.url, dayMs: 400, catalogue, bundle })
  operator = operatorOf({ ...world, catalogue, shopZone: 'UTC' })
})

const enter = (id: string, type = 'trial.began', properties = {}): Promise<unknown> =>
  world.send({ id: `${id}-in`, type, customer: person(id), properties })

/** Resolves when the run holds for its journey to be resumed. */
const holds = (run: string): Promise<void> =>
  until(async () => {
    const { rows } = await sql<{ step: string }>`
      select step from enrolments where id = ${run} and held_at is not null`.execute(world.db)
    return rows.length === 1 || `${run} does not hold`
  })

const ended = (run: string): Promise<void> =>
  until(async () => (await enrolment(world.db, run))?.status !== 'running' || `${run} is on`)

/** The newest pause of a journey, and when a run of it entered and sent its only message, in ms of shop time. */
async function times(run: string, journey: string) {
  const { rows } = await sql<{ p: Date; r: Date; entered: Date; sent: Date | null }>`
    select p.paused_at as p, p.resumed_at as r, e.entered_at as entered, m.sent_at as sent
    from pauses p, enrolments e left join messages m on m.enrolment = e.id
    where p.journey = ${journey} and e.id = ${run} order by p.id desc limit 1`.execute(world.db)
  const [row] = rows
  if (!row) throw new Error(`no pause of ${journey}`)
  return { paused: +row.p, resumed: +row.r, entered: +row.entered, sent: row.sent ? +row.sent : undefined }
}

const subjects = (id: string): string[] =>
  sink.taken.filter((mail) => mail.to === `${id.toLowerCase()}@mail.example`).map((mail) => mail.subject)

it('shift lengthens a wait that came due in the pause, and the run goes on by itself', async () => {
  await enter('S1')
  await operator.pause('one-mail')
  await holds('one-mail/S1')
  expect(await operator.resume('one-mail', { waits: 'shift', by: 'Ann' })).toMatchObject({ changed: true, woken: 1 })
  await ended('one-mail/S1')
  const { paused, resumed, entered, sent = 0 } = await times('one-mail/S1', 'one-mail')
  expect(sent).toBeGreaterThanOrEqual(resumed + DAY - Math.max(0, paused - entered))
  expect(subjects('S1')).toEqual(['Hello'])
  expect(await operator.steering.log({ journey: 'one-mail' }, 1)).toMatchObject([
    { word: 'resume', by: 'Ann', detail: { waits: 'shift', woken: 1 } },
  ])
})

it('shift lengthens a wait that was not due yet when the pause was over', async () => {
  await operator.pause('one-mail')
  const begun = world.clock.now()
  await enter('S2')
  await until(async () => world.clock.now() - begun > DAY / 4 || 'too soon')
  expect(await operator.resume('one-mail', { waits: 'shift' })).toMatchObject({ woken: 0 })
  await ended('one-mail/S2')
  const { resumed, sent = 0 } = await times('one-mail/S2', 'one-mail')
  expect(sent).toBeGreaterThanOrEqual(resumed + DAY)
})

it('fire lets go at once what came due; a preview says how many that are, and changes nothing', async () => {
  await enter('F1')
  await operator.pause('one-mail')
  await holds('one-mail/F1')
  const held = [{ step: 'send hello', runs: 1, stale: 0 }]
  expect(await operator.steering.backlog('one-mail')).toMatchObject({ waits: 'fire', held, due: [] })
  expect(await operator.steering.backlog('one-mail', { waits: 'skip', stale: 0 })).toMatchObject({
    held: [{ ...held[0], stale: 1 }],
  })
  expect((await enrolment(world.db, 'one-mail/F1'))?.status).toBe('running')
  await operator.resume('one-mail')
  await ended('one-mail/F1')
  expect(subjects('F1')).toEqual(['Hello'])
  expect((await operator.why('F1')).lines.map(({ code }) => code)).not.toContain('WAIT_SHIFTED')
})

it('skip leaves out what is staler than told, with its code, and the story goes on', async () => {
  await Promise.all([enter('K1'), enter('K2')])
  await operator.pause('one-mail')
  await holds('one-mail/K1')
  await holds('one-mail/K2')
  await operator.resume('one-mail', { waits: 'skip', stale: 0 })
  await Promise.all([ended('one-mail/K1'), ended('one-mail/K2')])
  for (const id of ['K1', 'K2']) {
    expect(await messagesOf(world.db, { customer: id })).toMatchObject([{ status: 'skipped', code: 'STALE_SKIPPED' }])
    expect(await enrolment(world.db, `one-mail/${id}`)).toMatchObject({ status: 'completed' })
  }
  await enter('K3')
  await operator.pause('one-mail')
  await holds('one-mail/K3')
  await operator.resume('one-mail', { waits: 'skip', stale: 90 * DAY })
  await ended('one-mail/K3')
  expect(subjects('K3')).toEqual(['Hello'])
})

it.each([
  { waits: 'shift', gets: 'Thank you' },
  { waits: 'fire', gets: 'Your cart waits' },
] as const)('$waits: an event that came in the pause and after the deadline brings: $gets', async ({ waits, gets }) => {
  const id = `W${waits}`
  await enter(id, 'cart.created', { cart: id })
  await operator.pause('cart-clock')
  await holds(`cart-clock/${id}/${id}`)
  expect(await operator.steering.backlog('cart-clock')).toMatchObject({
    held: [{ step: 'wait for checkout.begun', runs: 1 }],
    due: [{ type: 'checkout.begun', waits: 1 }],
  })
  await world.send({ id: `${id}-out`, type: 'checkout.begun', customer: id, properties: { shop: 'main' } })
  await operator.resume('cart-clock', { waits })
  await until(async () => subjects(id).length > 0 || 'nothing came')
  expect(subjects(id)[0]).toBe(gets)
  await operator.stop(`cart-clock/${id}/${id}`)
  await expectInvariants(world.db)
})
