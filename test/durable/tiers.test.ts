/** Tiers on the real servers: an order, its return window, the rise, and one mail about it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DEFAULT_PROGRAMME } from '../../domain/programmes.ts'
import { dispatchBacklog } from '../../store/dispatch.ts'
import { enrolments } from '../../store/enrolments.ts'
import { couponsOf } from '../../store/coupons.ts'
import { balancesOf, ledgerOf } from '../../store/ledger.ts'
import { setProgramme } from '../../store/programmes.ts'
import { tierHistoryOf } from '../../store/tier-history.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

// Workflow ids are the server's, which other files share: the names are of this file alone.
let sink: Sink
let world: World

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  world = await openWorld({ smtpUrl: sink.url, dayMs: 60 })
  await setProgramme(world.db, DEFAULT_PROGRAMME, { now: world.clock.now() })
})

/** Of the mails about tiers: a first order brings an invitation, too. */
const subjects = (id: string): string[] =>
  sink.taken
    .filter(({ to, subject }) => to === `${id}@mail.example` && /Gold|Silver/.test(subject))
    .map(({ subject }) => subject)

const order = (id: string, name: string, yuan: number, type = 'order.paid'): Promise<unknown> =>
  world.send({
    id: `${id}-${type}-${name}`,
    type,
    customer: person(id),
    properties: { order: name, amount: yuan * 100 },
  })

it('rises when the order can no longer be returned, gives its gift and writes of it once', async () => {
  await order('riser', 'O1', 5_200)
  await order('returner', 'O1', 5_200)
  await until(async () => {
    const [run] = await enrolments(world.db, { customer: 'returner' }, 1)
    const { waiting, lastError } = await dispatchBacklog(world.db)
    const missing = `nothing pending: ${run?.status} ${run?.reason}, ${waiting} to tell, ${lastError}`
    return (await balancesOf(world.db, 'returner')).length === 2 || missing
  })
  await order('returner', 'O1', 5_200, 'order.refunded')
  // No other order is on when it rises, so both mails are of this rise.
  await until(async () => (subjects('riser').length === 2 ? true : `mails: ${subjects('riser').join(', ')}`))
  expect(subjects('riser')).toEqual(['You are Gold now', 'What Gold gives you'])
  expect((await tierHistoryOf(world.db, 'riser')).map(({ why, level }) => `${why} ${level}`)).toEqual([
    'first member',
    'rise gold',
  ])
  const [risen] = (await tierHistoryOf(world.db, 'riser')).slice(-1)
  const [earned] = await ledgerOf(world.db, 'riser')
  const days = ((risen?.valid_from.getTime() ?? 0) - (earned?.at.getTime() ?? 0)) / 86_400_000
  expect(days).toBeGreaterThanOrEqual(15)
  expect(await couponsOf(world.db, 'riser')).toMatchObject([
    { offer: 'tier-gold', enrolment: `tier-upgrade/riser/gold.${risen?.period}` },
  ])
  const gift = (await ledgerOf(world.db, 'riser')).filter(({ key }) => key.startsWith('tier/'))
  expect(gift).toMatchObject([{ key: `tier/riser/${risen?.period}/gold/gift/points`, available: 100 }])
  expect(await enrolments(world.db, { customer: 'returner', journey: 'tier-upgrade' }, 9)).toEqual([])
  const run = `tier-upgrade/riser/gold.${risen?.period}`
  await world.client.workflow.getHandle(run).result()
  expect((await world.historyOf(run)).length).toBeLessThanOrEqual(40)
  await expectInvariants(world.db)
})

it('rises once, though two orders settle at the same moment, and the worker was away', async () => {
  await world.stopWorker()
  for (const name of ['O1', 'O2', 'O3']) await order('doubler', name, 700)
  await world.startWorker()
  await until(async () => (subjects('doubler').length > 0 ? true : 'no mail'))
  await until(async () => {
    const points = (await balancesOf(world.db, 'doubler')).find(({ unit }) => unit === 'growth')
    return points?.available === 2_100 || 'not all is settled'
  })
  expect(subjects('doubler').filter((subject) => subject === 'You are Silver now')).toHaveLength(1)
  const history = (await tierHistoryOf(world.db, 'doubler')).map(({ why, level }) => `${why} ${level}`)
  expect(history).toEqual(['first member', 'rise silver'])
  await expectInvariants(world.db)
})
