/** The sweeps of those who stopped buying and of those who do nothing however often they are written to. */
import { sql } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { standingOf } from '../../store/standings.ts'
import { DAY, HOUR, enterCrowd, planFacts, rowsOf } from '../store/given.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { openShop } from './given.ts'

const again = { reentry: { when: 'any' as const, gap: 0, atMost: Infinity }, begins: undefined }
const winBack = planFacts('win-back', { ...again, sweep: { audience: 'dormant', at: '10:00' } })
const sunset = planFacts('sunset', { ...again, sweep: { audience: 'silent', at: '10:00', worth: 3 } })
const { db } = await freshStore()
afterAll(() => expectInvariants(db))
const shop = await openShop(db, [winBack, sunset], { shopZone: 'Asia/Shanghai' })

const pay = (customer: string, order: string) =>
  shop.event('order.paid', person(customer), { properties: { order, amount: 100_00 } })

async function sweep(journey: string): Promise<string[]> {
  const from = shop.clock.now()
  const before = new Set((await rowsOf<{ id: string }>(db, `select id from enrolments`)).map(({ id }) => id))
  await shop.activities.sweepPage({ journey, from, to: from + DAY, after: '', asked: from })
  const rows = await rowsOf<{ id: string; starts_at: Date }>(db, `select id, starts_at from enrolments order by id`)
  return rows.filter(({ id }) => !before.has(id)).map((row) => `${row.id} ${row.starts_at.toISOString().slice(0, 16)}`)
}

/** Rounds of the upkeep until nothing is left. */
async function night(): Promise<void> {
  const asked = shop.clock.now()
  while (Object.values(await shop.activities.upkeep({ asked })).some((some) => some > 0));
}

test('who is dormant enters once a dormancy, at the hour on their own clock, and not who has bought since', async () => {
  // Noon in London: of the same day in Shanghai until four hours later.
  for (const n of [1, 2, 3]) {
    for (const id of ['D1', 'D2', 'D3']) await pay(id, `${id}-${n}`)
    if (n < 3) shop.clock.pass(50 * DAY)
  }
  shop.clock.pass(100 * DAY)
  // Before the first reckoning nobody is.
  expect(await sweep('win-back')).toEqual([])
  await night()
  expect(await sweep('win-back')).toEqual([])
  shop.clock.pass(DAY)
  await night()
  await pay('D3', 'D3-back')
  expect([(await standingOf(db, 'D1'))?.stage, (await standingOf(db, 'D3'))?.stage]).toEqual(['dormant', 'reactivated'])
  await rowsOf(db, `update customers set zone = 'America/New_York' where id = 'D2'`)
  const first = new Date(shop.clock.now()).toISOString().slice(0, 10)
  const next = new Date(shop.clock.now() + DAY).toISOString().slice(0, 10)
  expect(await sweep('win-back')).toEqual([
    `win-back/D1/2027-03-03 ${next}T10:00`,
    `win-back/D2/2027-03-03 ${first}T14:00`,
  ])
  expect(await sweep('win-back')).toEqual([])
  shop.clock.pass(30 * DAY)
  await night()
  expect(await sweep('win-back')).toEqual([])
  // A second dormancy is another occasion.
  await pay('D1', 'D1-back')
  shop.clock.pass(300 * DAY)
  await night()
  expect((await sweep('win-back')).map((line) => line.split(' ')[0])).toContain('win-back/D1/2027-07-12')
})

test('who got many messages in half a year and did nothing enters once a silence', async () => {
  const people = (await enterCrowd(db, { journey: 'mail', prefix: 'S', size: 5, now: shop.clock.now() })).slice(0, 4)
  shop.clock.pass(200 * DAY)
  /** Messages of a customer, so many days ago. */
  const written = async (nth: number, days: readonly number[], more = `'marketing', 'sent'`): Promise<void> => {
    const { customer, run } = people[nth] ?? { customer: '', run: '' }
    for (const ago of days) {
      const at = new Date(shop.clock.now() - ago * DAY)
      const key = `${run}/send/${ago}`
      await sql`insert into consents (customer, topic, channel, granted, source, at)
        values (${customer}, 'marketing', 'email', true, 'test', ${new Date(at.getTime() - HOUR)})`.execute(db)
      await sql`insert into messages (key, enrolment, customer, journey, message, channel, class, status, topic, message_id,
          address, reserved_at, sent_at, created_at)
        select ${key}, ${run}, ${customer}, 'mail', 'hello', 'email', c, s, 'marketing', ${key}, 'a@b.example', ${at}, ${at}, ${at}
        from (values (${sql.raw(more)})) v (c, s)`.execute(db)
      await sql`insert into message_states (message, status, at) select key, status, reserved_at from messages where key = ${key}`.execute(
        db,
      )
      await sql`insert into exposures (message, enrolment, journey, customer, arm, at)
        select key, enrolment, journey, customer, 'treated', reserved_at from messages where key = ${key}`.execute(db)
    }
  }
  await written(0, [1, 50, 179])
  await written(1, [1, 50, 181])
  await written(2, [1, 50, 100])
  await written(3, [1, 50, 100], `'transactional', 'sent'`)
  await shop.event('cart.added', 'S3')
  const first = await sweep('sunset')
  expect(first.map((line) => line.split(' ')[0])).toEqual([expect.stringMatching(/^sunset\/S1\/\d{4}-\d{2}-\d{2}$/)])
  expect(await sweep('sunset')).toEqual([])
})
