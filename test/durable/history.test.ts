import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Catalogue, readCatalogue } from '../../client/catalogue.ts'
import { enrolment } from '../../store/enrolments.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

const FIXTURES = new URL('../fixtures/workflows/', import.meta.url)
let sink: Sink
let world: World
let plain: World

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  const catalogue: Catalogue = await readCatalogue(FIXTURES)
  const bundle = await bundleWorkflows(catalogue, { folder: FIXTURES, logger: quietSdk })
  world = await openWorld({ smtpUrl: sink.url, dayMs: 300, catalogue, bundle })
  plain = await openWorld({ smtpUrl: sink.url, dayMs: 300, only: ['first-order'] })
})

const ended = (of: World, run: string): Promise<void> =>
  until(async () => (await enrolment(of.db, run))?.status !== 'running' || `${run} is still on`)

async function eventsOf(of: World, run: string): Promise<number> {
  await of.client.workflow.getHandle(run).result()
  return (await of.historyOf(run)).length
}

it('a delay, a mail and the exit cost at most 20 events', async () => {
  await world.send({ id: 'a', type: 'trial.began', customer: person('A') })
  await ended(world, 'one-mail/A')
  expect(sink.taken.filter((mail) => mail.to === 'a@mail.example')).toHaveLength(1)
  const count = await eventsOf(world, 'one-mail/A')
  console.info(`delay, mail, exit: ${count} history events`)
  expect(count).toBeLessThanOrEqual(20)
})

it('a run that leaves by its exit costs less than one that stays', async () => {
  await world.send({ id: 'b', type: 'trial.began', customer: person('B') })
  await until(
    async () =>
      (await world.client.workflow
        .getHandle('one-mail/B')
        .describe()
        .then(
          () => true,
          () => false,
        )) || 'not started',
  )
  await world.send({ id: 'b2', type: 'trial.cancelled', customer: 'B' })
  expect(await eventsOf(world, 'one-mail/B')).toBeLessThanOrEqual(20)
  expect(await enrolment(world.db, 'one-mail/B')).toMatchObject({
    status: 'exited',
    reason: 'trial.cancelled',
    goal_at: null,
  })
})

it('first-order without events costs at most 60', async () => {
  await plain.send({ id: 'c', type: 'customer.registered', customer: person('C') })
  await ended(plain, 'first-order/C')
  const count = await eventsOf(plain, 'first-order/C')
  console.info(`first-order without events: ${count} history events`)
  expect(count).toBeLessThanOrEqual(60)
})

/** Events as the inbox leaves them that nobody awaits: rows, and nothing to tell Temporal. */
const storeEvents = (customer: string, count: number): Promise<unknown> =>
  sql`
    insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
    select 'more-' || i, ${customer}, 'product.seen', '{}', md5(i::text), ${new Date(plain.clock.now())}, ${new Date(plain.clock.now())}
    from generate_series(1, ${count}::int) i`.execute(plain.db)

it('20,000 events of a kind nobody awaits add none', async () => {
  await plain.send({ id: 'd', type: 'customer.registered', customer: person('D') })
  // A hundred at a time: a thousand at once would measure the wait for a connection of the store, not the history.
  for (let first = 0; first < 1000; first += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        plain.send({ id: `seen-${first + index}`, type: 'product.seen', customer: 'D' }),
      ),
    )
  }
  // The thousand went through the inbox, one by one; the bench sends all 20,000 that way (npm run bench -- open).
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from dispatch where enrolment = 'first-order/D' and kind = 'wake'`.execute(plain.db)
  expect(rows).toEqual([{ n: 0 }])
  await storeEvents('D', 19_000)
  await ended(plain, 'first-order/D')
  const [quiet, noisy] = [await eventsOf(plain, 'first-order/C'), await eventsOf(plain, 'first-order/D')]
  // The two may be in different arms of the split, which is one mail.
  const mails = (id: string): number => sink.taken.filter((mail) => mail.to === `${id}@mail.example`).length
  // A wait whose time was over when its row was written takes no timer: fewer events, which a busy machine may bring about.
  expect(noisy - 6 * mails('d')).toBeLessThanOrEqual(quiet - 6 * mails('c'))
  await expectInvariants(plain.db)
})

it('a changing cart moves its own deadline, costs no history, and other carts are other runs', async () => {
  const cart = (id: string, type: string, customer: unknown, properties: object): Promise<unknown> =>
    world.send({ id, type, customer, properties })
  await cart('k1', 'cart.created', person('K'), { cart: 'K1' })
  await cart('k2', 'cart.created', 'K', { cart: 'K2' })
  for (let change = 0; change < 5; change++) await cart(`k-change-${change}`, 'cart.changed', 'K', { cart: 'K1' })
  await cart('k-other-shop', 'checkout.begun', 'K', { shop: 'other' })
  await world.settled()
  expect(
    sink.taken
      .filter((mail) => mail.to === 'k@mail.example')
      .map((mail) => mail.subject)
      .sort(),
  ).toEqual(['Friday', 'Friday', 'Your cart waits', 'Your cart waits'])
  expect((await enrolment(world.db, 'cart-clock/K/K1'))?.status).toBe('completed')
  expect((await enrolment(world.db, 'cart-clock/K/K2'))?.status).toBe('completed')
  await expectInvariants(world.db)
})

it('an awaited event is handed to the story once, with its properties matched', async () => {
  await world.send({ id: 'm1', type: 'cart.created', customer: person('M'), properties: { cart: 'M1' } })
  await world.send({ id: 'm2', type: 'checkout.begun', customer: 'M', properties: { shop: 'main' } })
  await world.settled()
  expect(sink.taken.filter((mail) => mail.to === 'm@mail.example').map((mail) => mail.subject)).toEqual([
    'Thank you',
    'Friday',
  ])
  await expectInvariants(world.db)
})
