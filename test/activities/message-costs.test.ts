/** Messages that cost something, as an SMS does, and the budget of their journey. */
import { afterAll, expect, test } from 'vitest'
import { plannedBudget } from '../../domain/budget.ts'
import { PLAIN } from '../../domain/delivery.ts'
import { addBudgets } from '../../store/budgets.ts'
import { NOON, planFacts, rowsOf } from '../store/given.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { openShop, provider } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const ALL = { granted: true, channels: ['sms', 'email'] }

/** A story whose SMS cost 4.5 fen each by the list, which is five of its budget, and people in it. */
async function story(name: string, { cap, mails = false }: { cap: number; mails?: boolean }) {
  const budget = plannedBudget({ name: `${name}-money`, cap, line: 0 })
  const channels = mails ? (['sms', 'email'] as const) : (['sms'] as const)
  const copy = { hello: { subject: 'Hello', text: 'Hello {{ name }}' } }
  const goal = { on: 'order.paid', within: null }
  const plan = { ...planFacts(name, { goal, delivery: { ...PLAIN, channels: [...channels] }, copy }), budget }
  await addBudgets(db, [{ name, class: 'marketing', budget }], () => NOON - 1)
  const sms = { ...provider('sms'), costOf: () => 450 }
  const shop = await openShop(db, [plan], {}, {}, [sms])
  const enter = async (...ids: string[]): Promise<void> => {
    for (const id of ids) {
      const more = { phone: '+8613912345678', consent: { marketing: ALL } }
      await shop.event('customer.registered', person(`${name}-${id}`, more))
    }
  }
  const send = (id: string) => shop.send(name, `${name}-${id}`)
  const money = async () => {
    const [row] = await rowsOf<{ reserved: number; spent: number }>(
      db,
      `select reserved, spent from budgets where id = '${name}-money'`,
    )
    return row
  }
  const holds = () =>
    rowsOf<{ state: string; amount: number; settled: number }>(
      db,
      `select state, amount, settled from budget_holds where journey = '${name}' order by key`,
    )
  return { shop, sms, enter, send, money, holds }
}

test('what a message cost is spent once it is sent, by what the provider says it took', async () => {
  const { sms, enter, send, money } = await story('sent', { cap: 100 })
  await enter('A', 'B', 'C')
  expect(await send('A')).toEqual({ is: 'sent' })
  expect(await money()).toEqual({ reserved: 0, spent: 5 })
  sms.answers(() => Promise.resolve({ is: 'accepted', detail: 'OK', segments: 2, cost: 900 }))
  expect(await send('B')).toEqual({ is: 'accepted' })
  expect(await money()).toEqual({ reserved: 0, spent: 14 })
  expect(await send('A')).toEqual({ is: 'sent' })
  sms.answers('unknown')
  expect(await send('C')).toMatchObject({ is: 'unknown' })
  expect(await money()).toEqual({ reserved: 0, spent: 19 })
})

test('a message that the provider refuses costs nothing; one that it takes later holds its money meanwhile', async () => {
  const { sms, enter, send, money, holds } = await story('refused', { cap: 100 })
  await enter('A', 'B')
  sms.answers('refused', 'transient')
  expect(await send('A')).toMatchObject({ is: 'failed' })
  await expect(send('B')).rejects.toThrow('the provider says transient')
  expect(await money()).toEqual({ reserved: 5, spent: 0 })
  expect(await holds()).toEqual([
    { state: 'released', amount: 5, settled: 0 },
    { state: 'open', amount: 5, settled: 0 },
  ])
  expect(await send('B')).toEqual({ is: 'sent' })
  expect(await money()).toEqual({ reserved: 0, spent: 5 })
})

test('a run that ends before its message is sent lets go of the money', async () => {
  const { shop, sms, enter, send, money } = await story('left', { cap: 100 })
  await enter('A')
  sms.answers('transient')
  await expect(send('A')).rejects.toThrow('the provider says transient')
  await shop.event('order.paid', person('left-A'))
  expect(await send('A')).toMatchObject({ is: 'skipped', code: 'LEFT_JOURNEY' })
  expect(await money()).toEqual({ reserved: 0, spent: 0 })
})

test('of many at once no more are sent than the budget pays, to the fen, and the rest are told why', async () => {
  const { sms, enter, send, money, shop } = await story('crowd', { cap: 34 })
  const ids = Array.from({ length: 20 }, (_, index) => `P${index}`)
  await enter(...ids)
  const answers = await Promise.all(ids.map(send))
  expect(answers.filter(({ is }) => is === 'sent')).toHaveLength(6)
  expect(answers.filter((one) => one.is === 'skipped' && one.code === 'BUDGET_EXHAUSTED')).toHaveLength(14)
  expect(sms.calls).toHaveLength(6)
  expect(await money()).toEqual({ reserved: 0, spent: 30 })
  await shop.activities.upkeep({ asked: NOON })
  expect(shop.alarms.filter(({ budget, threshold }) => budget === 'crowd-money' && threshold === 100)).toHaveLength(1)
})

test('where the SMS is too dear the mail goes, and why is kept', async () => {
  const { shop, sms, enter, send, money } = await story('mail', { cap: 4, mails: true })
  await enter('A')
  expect(await send('A')).toEqual({ is: 'sent' })
  expect([sms.calls.length, shop.channel.calls.length]).toEqual([0, 1])
  expect((await shop.row('mail', 'mail-A'))?.passed).toEqual([{ channel: 'sms', code: 'BUDGET_EXHAUSTED' }])
  expect(await money()).toEqual({ reserved: 0, spent: 0 })
})

test('a journey without a budget is not held back by what its messages cost', async () => {
  const plan = planFacts('free', {
    delivery: { ...PLAIN, channels: ['sms'] },
    copy: { hello: { subject: 'Hello', text: 'Hello' } },
  })
  const shop = await openShop(db, [plan], {}, {}, [{ ...provider('sms'), costOf: () => 450 }])
  await shop.event('customer.registered', person('F1', { phone: '+8613912345678', consent: { marketing: ALL } }))
  expect(await shop.send('free', 'F1')).toEqual({ is: 'sent' })
})
