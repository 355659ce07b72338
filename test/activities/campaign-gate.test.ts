/** The same shop twice: what the gate says of each customer alone, and what it says of them in a page, are one thing. */
import { sql } from 'kysely'
import { afterAll, expect, it } from 'vitest'
import type { PlanFacts } from '../../activities/index.ts'
import { armOf, bucketOf } from '../../domain/experiment.ts'
import { effectKey, runId } from '../../domain/ids.ts'
import type { CapRule } from '../../domain/pressure.ts'
import { type Db, inTransaction } from '../../store/db.ts'
import { enrol } from '../../store/enrolments.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, HOUR, NOON, rowsOf } from '../store/given.ts'
import { openShop, provider } from './given.ts'
import { DAY_OF, WAVE, bulkProvider, campaignFacts, openedWave, sendAll } from './given-campaigns.ts'

const [single, bulk] = [await freshStore(), await freshStore()]
afterAll(() => Promise.all([expectInvariants(single.db), expectInvariants(bulk.db)]))

const SIZE = 400
const ids = Array.from({ length: SIZE }, (_, index) => `G${String(index + 1).padStart(4, '0')}`)
/** A fact of a customer that so many percent have, by a hash. */
const has = (fact: string, id: string, percent: number): boolean => bucketOf('given', fact, id) < percent * 100

const CAP: readonly CapRule[] = [{ messages: 2, windowMs: 7 * DAY, counts: ['marketing'] }]
const QUIET = { from: 20 * 60, to: 9 * 60 }

/** What the campaign and the journey have in common: by mail, else by SMS, to names that may be missing, in two languages. */
const COMMON: Partial<PlanFacts> = {
  holdout: 20,
  topic: 'marketing',
  delivery: { ...campaignFacts('x').delivery, channels: ['email', 'sms'], purpose: 'profiling', tags: ['promotion'] },
  copy: {
    hello: {
      subject: 'Hello',
      text: 'Hello {{ name }}, it is the day.',
      locales: {
        'zh-CN': { subject: '您好', text: '{{ name }}您好，这是史上最低价。' },
        de: { subject: 'Hallo', text: 'Guten Tag.' },
      },
    },
  },
}

async function populate(db: Db): Promise<void> {
  const at = new Date(NOON - DAY)
  const people = ids.map((id) => ({
    id,
    name: has('nameless', id, 15) ? null : `Name of ${id}`,
    email: has('no-mail', id, 20) ? null : `${id.toLowerCase()}@mail.example`,
    phone: has('phone', id, 50) ? `+4917000${id.slice(1)}` : null,
    zone: has('tokyo', id, 20) ? 'Asia/Tokyo' : has('unsaid', id, 30) ? null : 'UTC',
    locale: has('chinese', id, 15) ? 'zh-CN' : has('german', id, 20) ? 'de-AT' : null,
    likes: has('likes', id, 30) ? ['sms'] : [],
  }))
  await sql`
    insert into customers (id, name, email, phone, zone, locale, channels, created_at, updated_at)
    select id, name, email, phone, zone, locale, likes, ${at}, ${at}
    from jsonb_to_recordset(${JSON.stringify(people)}::jsonb)
      as one (id text, name text, email text, phone text, zone text, locale text, likes text[])`.execute(db)
  for (const channel of ['email', 'sms']) {
    for (const purpose of ['messages', 'profiling']) {
      for (const id of ids.filter((one) => has(`no-${channel}-${purpose}`, one, 75) || purpose === 'messages')) {
        const granted = !has(`refused-${channel}`, id, 20)
        await sql`
          insert into consents (customer, topic, channel, granted, source, at, purpose)
          values (${id}, 'marketing', ${channel}, ${granted}, 'test', ${at}, ${purpose})`.execute(db)
      }
    }
  }
  const dead = people.flatMap(({ id, email }) => (email !== null && has('dead', id, 10) ? [email] : []))
  await sql`insert into suppressions (channel, address, reason, at) select 'email', a, 'test', ${at} from unnest(${dead}::text[]) a`.execute(
    db,
  )
  for (const id of ids.filter((one) => has('written', one, 25))) await earlier(db, id, has('twice', id, 60) ? 2 : 1)
}

/** Mails of another journey in the days before. */
async function earlier(db: Db, customer: string, count: number): Promise<void> {
  const run = `other/${customer}`
  const at = new Date(NOON - 6 * HOUR)
  await sql`
    insert into enrolments (id, journey, customer, arm, status, begun_by, begun_seq, entered_at, starts_at)
    values (${run}, 'other', ${customer}, 'treated', 'running', 'test', 0, ${at}, ${at})`.execute(db)
  await sql`insert into outcomes (enrolment, kind, at, detail) values (${run}, 'entered', ${at}, 'test')`.execute(db)
  await sql`insert into dispatch (kind, enrolment, created_at, delivered_at) values ('start', ${run}, now(), now())`.execute(
    db,
  )
  for (let n = 1; n <= count; n++) {
    const key = `${run}/send/m${n}`
    await sql`
      insert into messages (key, enrolment, journey, message, customer, channel, class, topic, status, code, message_id, created_at, reserved_at)
      values (${key}, ${run}, 'other', ${`m${n}`}, ${customer}, 'sms', 'service', 'other', 'failed', 'PROVIDER_REFUSED', ${key}, ${at}, ${at})`.execute(
      db,
    )
    await sql`update messages set status = 'sent', code = null, sent_at = ${at}, class = 'marketing' where key = ${key}`.execute(
      db,
    )
    await sql`insert into message_states (message, status, at) values (${key}, 'sent', ${at})`.execute(db)
    await sql`insert into exposures (message, enrolment, journey, customer, arm, at) values (${key}, ${run}, 'other', ${customer}, 'treated', ${at})`.execute(
      db,
    )
    await sql`
      insert into consents (customer, topic, channel, granted, source, at) select ${customer}, 'other', 'sms', true, 'test', ${at}
      where not exists (select 1 from consents where customer = ${customer} and topic = 'other')`.execute(db)
  }
}

interface Told {
  customer: string
  status: string
  code: string | null
  channel: string
  held: string | null
  passed: unknown
  locale: string | null
  exposed: boolean
}

const told = (db: Db): Promise<Told[]> =>
  rowsOf<Told>(
    db,
    `select customer, status, code, channel, held_until::text as held, passed, locale,
      exists (select 1 from exposures x where x.message = m.key) as exposed
    from messages m where journey = 'same' order by customer`,
  )

it('decides of each in a page as it does of each alone', async () => {
  const policy = { quiet: QUIET, caps: CAP, release: { messages: 1_000, windowMs: HOUR } }
  await populate(single.db)
  await populate(bulk.db)

  const journey = { ...campaignFacts('same', COMMON), campaign: undefined } as unknown as PlanFacts
  const alone = await openShop(single.db, [journey], policy, {}, [provider('sms')])
  for (const customer of ids) {
    const of = { journey: 'same', customer, occasion: DAY_OF }
    const now = alone.clock.now()
    await inTransaction(single.db, (tx) =>
      enrol(tx, {
        ...of,
        arm: armOf('same', customer, 20),
        begunBy: 'test',
        begunSeq: 0,
        startsAt: now,
        goalUntil: null,
        now,
      }),
    )
    const run = runId(of)
    await alone.activities.sendMessage({
      key: effectKey(run, 'send', 'hello', 1),
      run,
      message: 'hello',
      data: {},
      asked: now,
    })
  }

  const channels = new Map([bulkProvider('email'), bulkProvider('sms')].map((one) => [one.name, one]))
  const together = await openShop(bulk.db, [campaignFacts('same', COMMON)], policy, { channels })
  const terms = { ...WAVE, late: 'now' } as const
  for (const zone of ['UTC', 'Asia/Tokyo']) await sendAll(together, await openedWave(together, 'same', { zone, terms }))

  const [one, all] = [await told(single.db), await told(bulk.db)]
  expect(all).toHaveLength(SIZE)
  expect(all).toEqual(one)
  const codes = new Set(one.map(({ code }) => code))
  for (const code of ['NO_CONSENT', 'TEMPLATE_VARIABLE_MISSING', 'QUIET_HOURS', 'FREQUENCY_CAP', 'HOLDOUT', null])
    expect(codes).toContain(code)
})
