/** Sends that come together: one transaction, and each as if it had come alone. */
import { sql } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import { finishRun } from '../../store/outcomes.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, NOON, planFacts, rowsOf } from '../store/given.ts'
import { failure, openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const story = planFacts('story')
const other = planFacts('other')
const receipt = planFacts('receipt', { class: 'transactional', begins: { on: 'order.paid' } })

/** How many transactions reserved the messages of these customers. */
async function transactions(customers: readonly string[]): Promise<number> {
  const { rows } = await sql<{ xmin: string }>`
    select distinct s.xmin::text from message_states s join messages m on m.key = s.message
    where m.customer = any(${customers}) and s.status in ('reserved', 'skipped', 'held')`.execute(db)
  return rows.length
}

async function crowdOf(
  prefix: string,
  size: number,
  ...of: Parameters<typeof openShop> extends [unknown, ...infer R] ? R : never
) {
  const shop = await openShop(db, ...of)
  const ids = Array.from({ length: size }, (_, index) => `${prefix}${index + 1}`)
  for (const id of ids) await shop.event('customer.registered', person(id))
  return { ...shop, ids }
}

describe('a crowd', () => {
  test('is decided in one transaction, and each is told their own', async () => {
    const shop = await crowdOf('A', 8, [story])
    await shop.event('customer.changed', { id: 'A2', consent: { marketing: false } })
    await rowsOf(db, `update customers set email = null where id = 'A3'`)
    await rowsOf(db, `update enrolments set arm = 'holdout' where customer = 'A4'`)
    await finishRun(db, { run: 'story/A5', status: 'exited', reason: 'test', now: NOON })
    shop.channel.answers('refused')
    const answers = await Promise.all(shop.ids.map((id) => shop.send('story', id)))
    const skipped = (code: string) => ({ is: 'skipped', code })
    expect(answers.slice(1, 5)).toEqual(['NO_CONSENT', 'NO_ADDRESS', 'HOLDOUT', 'LEFT_JOURNEY'].map(skipped))
    const others = [answers[0], ...answers.slice(5)]
    expect(others.filter((one) => one?.is === 'failed')).toEqual([{ is: 'failed', code: 'PROVIDER_REFUSED' }])
    expect(others.filter((one) => one?.is === 'sent')).toHaveLength(3)
    expect(shop.channel.calls).toHaveLength(4)
    expect(await transactions(shop.ids)).toBe(1)
    expect(await shop.verdictsOf('A2')).toEqual(['skipped NO_CONSENT'])
  })

  test('of several journeys and classes is one page too, each with its own words', async () => {
    const shop = await crowdOf('B', 3, [story, other, receipt])
    await rowsOf(db, `update customers set name = null where id = 'B2'`)
    await shop.event('order.paid', 'B3')
    const answers = await Promise.all([shop.send('story', 'B1'), shop.send('other', 'B2'), shop.send('receipt', 'B3')])
    expect(answers).toEqual([{ is: 'sent' }, { is: 'skipped', code: 'TEMPLATE_VARIABLE_MISSING' }, { is: 'sent' }])
    expect(await transactions(shop.ids)).toBe(1)
    const links = new Map(shop.channel.calls.map((call) => [call.to, call.unsubscribeUrl !== undefined]))
    expect(links).toEqual(
      new Map([
        ['b1@mail.example', true],
        ['b3@mail.example', false],
      ]),
    )
  })

  test('is dated by each one’s own clock', async () => {
    const shop = await crowdOf('C', 2, [story])
    const later = NOON + 3 * DAY
    await Promise.all([shop.send('story', 'C1'), shop.send('story', 'C2', { asked: later })])
    expect(await transactions(shop.ids)).toBe(1)
    expect(await shop.row('story', 'C1')).toMatchObject({ reserved_at: new Date(NOON), sent_at: new Date(NOON) })
    expect(await shop.row('story', 'C2')).toMatchObject({ reserved_at: new Date(later), sent_at: new Date(later) })
    const states = await rowsOf<{ at: Date }>(db, `select at from message_states where message like 'story/C2/%'`)
    expect(states.map((one) => one.at.getTime())).toEqual([later, later, later])
  })

  test('asked again as one is answered from the rows: no second call', async () => {
    const shop = await crowdOf('D', 6, [story])
    const once = await Promise.all(shop.ids.map((id) => shop.send('story', id)))
    expect(await Promise.all(shop.ids.map((id) => shop.send('story', id)))).toEqual(once)
    expect(shop.channel.calls).toHaveLength(6)
  })
})

describe('one of a crowd', () => {
  test('that the store will not take fails alone', async () => {
    const shop = await crowdOf('P', 6, [story])
    await rowsOf(
      db,
      `create function poison() returns trigger language plpgsql as
         $$ begin if new.customer = 'P3' then raise 'poison'; end if; return new; end $$;
       create trigger poison before insert on messages for each row execute function poison()`,
    )
    const answers = await Promise.allSettled(shop.ids.map((id) => shop.send('story', id)))
    await rowsOf(db, 'drop trigger poison on messages; drop function poison')
    expect(answers.map((one) => (one.status === 'fulfilled' ? one.value.is : String(one.reason)))).toEqual([
      'sent',
      'sent',
      'error: poison',
      'sent',
      'sent',
      'sent',
    ])
    expect(shop.channel.calls.map((call) => call.to).sort()).toEqual(
      ['P1', 'P2', 'P4', 'P5', 'P6'].map((id) => `${id.toLowerCase()}@mail.example`),
    )
  })

  test('whose answer the store will not take fails alone', async () => {
    const shop = await crowdOf('V', 4, [story])
    shop.channel.answers('sent', () => Promise.resolve({ is: 'sent', detail: 'no \u0000 can be stored' }))
    const answers = await Promise.allSettled(shop.ids.map((id) => shop.send('story', id)))
    expect(answers.map((one) => one.status).sort()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
    const rows = await rowsOf<{ status: string }>(db, `select status from messages where customer like 'V_' order by 1`)
    expect(rows.map((one) => one.status)).toEqual(['sending', 'sent', 'sent', 'sent'])
  })

  test.each([
    { what: 'a run that is not there', run: 'story/nobody', message: 'hello', type: 'RUN_UNKNOWN' },
    { what: 'a message without words', run: 'story/E1', message: 'nothing', type: 'JOURNEY_INVALID' },
  ])('that asks for $what is told so alone', async ({ run, message, type }) => {
    const shop = await crowdOf('E', 2, [story])
    const [failed, sent] = await Promise.all([
      failure(shop.send('story', 'E1', { key: `${run}/send/${message}`, run, message })),
      shop.send('story', 'E2', { key: `story/E2/send/for-${type}` }),
    ])
    expect([failed.type, sent]).toEqual([type, { is: 'sent' }])
  })

  test('whose customer somebody else holds keeps nobody waiting', async () => {
    const shop = await crowdOf('L', 4, [story])
    const slow = await inTransaction(db, async (tx) => {
      await sql`select 1 from customers where id = 'L2' for update`.execute(tx)
      const held = shop.send('story', 'L2')
      const others = ['L1', 'L3', 'L4'].map((id) => shop.send('story', id))
      expect(await Promise.all(others)).toEqual([{ is: 'sent' }, { is: 'sent' }, { is: 'sent' }])
      expect(await shop.row('story', 'L2')).toBeUndefined()
      return { held }
    })
    expect(await slow.held).toEqual({ is: 'sent' })
  })

  test('that comes twice is decided twice, one after the other: the cap counts the first', async () => {
    const caps = [{ messages: 1, windowMs: DAY, counts: ['marketing'] as const }]
    const shop = await crowdOf('F', 5, [story, other], { caps })
    const asked = shop.ids.flatMap((id) => [shop.send('story', id), shop.send('other', id)])
    const answers = await Promise.all(asked)
    for (const [index] of shop.ids.entries()) {
      expect(answers.slice(2 * index, 2 * index + 2)).toEqual([
        { is: 'sent' },
        { is: 'skipped', code: 'FREQUENCY_CAP' },
      ])
    }
    expect(await transactions(shop.ids)).toBe(2)
  })

  test('that finds an attempt of its own at the provider says that nobody knows, and its neighbours are sent', async () => {
    const shop = await crowdOf('U', 3, [story])
    shop.channel.answers(() => Promise.reject(new Error('the process was killed')))
    await expect(shop.send('story', 'U2')).rejects.toThrow('the process was killed')
    const answers = await Promise.all(shop.ids.map((id) => shop.send('story', id)))
    expect(answers).toEqual([{ is: 'sent' }, { is: 'unknown', code: 'SEND_FATE_UNKNOWN' }, { is: 'sent' }])
    expect(shop.channel.calls).toHaveLength(3)
  })
})

describe('what is counted for all', () => {
  test('a provider’s day is not overdrawn by a crowd', async () => {
    const quotas = new Map([['test', { most: 3, zone: 'UTC' }]])
    const shop = await crowdOf('Q', 8, [story], {}, { quotas })
    const answers = await Promise.all(shop.ids.map((id) => shop.send('story', id)))
    expect(answers.filter((one) => one.is === 'sent')).toHaveLength(3)
    expect(answers.filter((one) => one.is === 'held' && one.code === 'PROVIDER_QUOTA')).toHaveLength(5)
  })

  test('a crowd at night has each its place of the morning', async () => {
    const release = { messages: 2, windowMs: HOUR }
    const shop = await crowdOf('N', 6, [story], { quiet: { from: 11 * 60, to: 18 * 60 }, release })
    const answers = await Promise.all(shop.ids.map((id) => shop.send('story', id)))
    const hours = answers.map((one) => (one.is === 'held' ? Math.floor((one.until ?? 0) / HOUR) : 0))
    const first = Math.floor(NOON / HOUR) + 6
    expect(hours.sort((a, b) => a - b)).toEqual([first, first, first + 1, first + 1, first + 2, first + 2])
  })
})
