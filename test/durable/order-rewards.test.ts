/** An order's points on the real servers: settled, void or clawed back, whenever the refund comes. */
import { afterAll, expect, it } from 'vitest'
import { balancesOf, ledgerOf } from '../../store/ledger.ts'
import { startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

// The invitation to bring friends, which every first order begins, is a mail.
const sink = await startSink()
afterAll(() => sink.stop())
const world = await openWorld({ dayMs: 60, smtpUrl: sink.url })
afterAll(() => expectInvariants(world.db))

const tell = (id: string, type: 'order.paid' | 'order.refunded', order = 'O1'): Promise<unknown> =>
  world.send({ id: `${id}-${type}-${order}`, type, customer: person(id), properties: { order, amount: 299_00 } })

/** Resolves when both units of a customer stand so: 'pending/available'. */
function balance({ db }: World, customer: string, wanted: string): Promise<void> {
  return until(async () => {
    const found = (await balancesOf(db, customer)).map(({ pending, available }) => `${pending}/${available}`)
    return (found.length === 2 && found.every((one) => one === wanted)) || `${customer} has ${found.join(', ')}`
  })
}

const kinds = async (customer: string): Promise<string[]> =>
  (await ledgerOf(world.db, customer)).filter(({ unit }) => unit === 'points').map(({ kind }) => kind)

it('settles one order, voids another, and claws back a third whose refund came late', async () => {
  await Promise.all(
    ['kept', 'back', 'late', 'never'].map((id) => tell(id, id === 'never' ? 'order.refunded' : 'order.paid')),
  )
  await tell('kept', 'order.paid', 'O2')
  await tell('never', 'order.paid')
  await balance(world, 'back', '299/0')
  await tell('back', 'order.refunded')
  await balance(world, 'back', '0/0')
  await balance(world, 'late', '0/299')
  await tell('late', 'order.refunded')
  await balance(world, 'kept', '0/598')
  await tell('kept', 'order.refunded', 'O2')
  await balance(world, 'late', '0/0')
  await world.settled()
  await balance(world, 'kept', '0/299')
  expect((await kinds('kept')).sort()).toEqual(['claw-back', 'earn', 'earn', 'settle', 'settle'])
  expect(await kinds('back')).toEqual(['earn', 'void'])
  expect(await kinds('late')).toEqual(['earn', 'settle', 'claw-back'])
  expect(await kinds('never')).toEqual([])
  expect((await world.historyOf('order-rewards/kept/O1')).length).toBeLessThanOrEqual(25)
})

it('puts right what was refunded while no worker was there, before the run had begun', async () => {
  await world.stopWorker()
  await tell('down', 'order.paid')
  await tell('down', 'order.refunded')
  await world.startWorker()
  await world.client.workflow.getHandle('order-rewards/down/O1').result()
  expect(await kinds('down')).toEqual([])
})

it('goes on when a part is refunded, settles the rest, and ends with the last part', async () => {
  const part = (refund: string, amount: number): Promise<unknown> =>
    world.send({
      id: `parts-${refund}`,
      type: 'order.refunded',
      customer: person('parts'),
      properties: { order: 'O1', refund, amount },
    })
  await tell('parts', 'order.paid')
  await balance(world, 'parts', '299/0')
  await part('R1', 100_00)
  await balance(world, 'parts', '199/0')
  await balance(world, 'parts', '0/199')
  await part('R2', 99_00)
  await balance(world, 'parts', '0/100')
  await part('R3', 100_00)
  await balance(world, 'parts', '0/0')
  await world.client.workflow.getHandle('order-rewards/parts/O1').result()
  expect(await kinds('parts')).toEqual(['earn', 'void', 'settle', 'claw-back', 'claw-back'])
})
