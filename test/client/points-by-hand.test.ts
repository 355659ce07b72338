/** The operator's words over points and switches, as they are typed: in words and as JSON. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { carryOut } from '../../client/cli/program.ts'
import { endAndWake, enrolment } from '../../store/enrolments.ts'
import { inTransaction } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { acceptEvent } from '../../store/events.ts'
import { balancesOf } from '../../store/ledger.ts'
import { awardPoints } from '../../store/points.ts'
import { NOON, asEvent, expectInvariants, freshStore, person } from '../world.ts'

const { db, url } = await freshStore()
const plans = plansOf(await readCatalogue())

async function typed(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9' }
  const code = await carryOut(words, {
    env,
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  })
  return { code, ...said }
}

const send = (id: string, type: string, properties: object): Promise<unknown> =>
  acceptEvent(db, asEvent({ id, type, customer: person('C1'), properties }), {
    plans: [...plans.values()],
    now: () => NOON,
  })

test('points that a stopped run left are settled or void by a word, with its reason', async () => {
  const [run, terms] = ['order-rewards/C1/O1', plans.get('order-rewards')?.points['order']]
  await send('paid', 'order.paid', { order: 'O1', amount: 100_00 })
  if (!terms) throw new Error('order-rewards has no rule of orders')
  await awardPoints(db, { key: `${run}/points/order`, run, rule: 'order', terms, shopZone: 'UTC', now: NOON })
  const on = await typed('points', 'settle', run, '--reason', 'ticket 1')
  expect([on.code, on.err]).toEqual([1, expect.stringContaining('RUN_IS_ON')])
  await inTransaction(db, (tx) => endAndWake(tx, [run], { status: 'stopped', reason: 'operator', now: NOON }))
  expect((await typed('points', 'settle', run)).code).toBe(2)
  expect((await typed('points', 'settle', run, '--reason', ' ')).code).toBe(2)
  expect(await typed('points', 'settle', run, '--reason', 'ticket 2')).toMatchObject({
    code: 0,
    out: `100 points and 0 growth value of ${run} are the customer’s own.\n`,
  })
  const again = await typed('points', 'void', run, '--reason', 'ticket 3', '--json')
  expect(JSON.parse(again.out)).toEqual({ run, customer: 'C1', verdict: 'void', changed: false, points: 0, growth: 0 })
  expect((await balancesOf(db, 'C1'))[0]).toMatchObject({ pending: 0, available: 100 })
  expect((await decisionsOf(db, 'C1')).at(-1)).toMatchObject({
    verdict: 'settled by hand',
    detail: 'order: 100 points, ticket 2',
  })
  expect((await typed('points', 'void', 'order-rewards/C1/O9', '--reason', 'x')).err).toContain('RUN_UNKNOWN')
  await expectInvariants(db)
})

test('a journey that is off begins for nobody until an operator switches it on, and says so', async () => {
  const enters = async (share: string): Promise<boolean> => {
    await send(`share-${share}`, 'product.shared', { share })
    return (await enrolment(db, `share/C1/${share}`)) !== undefined
  }
  expect(await enters('S1')).toBe(false)
  expect((await decisionsOf(db, 'C1')).at(-1)).toMatchObject({
    journey: 'share',
    verdict: 'refused',
    code: 'SWITCHED_OFF',
  })
  const started = await typed('start', 'share', 'C1', '--occasion', 'S2')
  expect([started.code, started.err]).toEqual([1, expect.stringContaining('SWITCHED_OFF')])
  expect((await typed('list')).out).toContain('share is off: nobody enters.')
  expect((await typed('switch', 'share', 'on')).err).toContain('why may share be on?')
  const on = await typed('switch', 'share', 'on', '--because', 'by mail only', '--json')
  expect(JSON.parse(on.out)).toEqual({ journey: 'share', on: true, changed: true })
  expect((await typed('switch', 'share', 'on', '--because', 'again')).out).toContain('was on already')
  expect((await typed('list')).out).not.toContain('share is off')
  expect(await enters('S3')).toBe(true)
  expect((await typed('switch', 'share', 'off')).out).toContain('share is off')
  expect(await enters('S4')).toBe(false)
  expect((await typed('switch', 'birthday', 'off')).err).toContain('NOT_SWITCHABLE')
  expect((await typed('switch', 'share', 'sideways')).code).toBe(2)
})

test('who expires what is begun by hand with its date', async () => {
  const none = await typed('start', 'points-expiry', 'C1')
  expect([none.code, none.err]).toEqual([1, expect.stringContaining('2027-01-05')])
  expect((await typed('start', 'points-expiry', 'C1', '--occasion', '2027-02-30')).code).toBe(1)
  expect((await typed('start', 'points-expiry', 'C1', '--occasion', '2027-02-28')).code).toBe(0)
  expect(await enrolment(db, 'points-expiry/C1/2027-02-28')).toMatchObject({ status: 'running' })
})

test('a balance that has drifted from its ledger is seen by the check, and mended by nobody', async () => {
  expect((await typed('check')).code).toBe(0)
  await sql`update point_balances set available = available + 1 where customer = 'C1' and unit = 'points'`.execute(db)
  const seen = await typed('check', '--json')
  expect(seen.code).toBe(1)
  const { invariants } = JSON.parse(seen.out) as { invariants: { invariant: string; broken: number }[] }
  expect(invariants.filter(({ broken }) => broken > 0).map(({ invariant }) => invariant)).toEqual([
    'balances equal their postings',
    'lots sum to balances',
  ])
  expect((await typed('check')).out).toContain('C1 points')
  await sql`update point_balances set available = available - 1 where customer = 'C1' and unit = 'points'`.execute(db)
  expect((await typed('check')).code).toBe(0)
})
