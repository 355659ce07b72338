/** Many runs that wait at once: an event reaches the run it is for, and no other. */
import { sql } from 'kysely'
import { afterAll, expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { bucketOf } from '../../domain/experiment.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { startSink } from '../smtp-sink.ts'
import { expectInvariants, openWorld, person, until } from '../world.ts'

const FIXTURES = new URL('../fixtures/workflows/', import.meta.url)
const RUNS = 200
const PICKED = 30
const sink = await startSink()
afterAll(() => sink.stop())
const catalogue = await readCatalogue(FIXTURES)
const bundle = await bundleWorkflows(catalogue, { folder: FIXTURES, logger: quietSdk })
// A day in ten minutes: no wait comes due by itself.
const world = await openWorld({ smtpUrl: sink.url, dayMs: 600_000, catalogue, bundle })

const ids = Array.from({ length: RUNS }, (_, index) => `O${index}`)
const runOf = (id: string): string => `cart-clock/${id}/K${id}`

/** A few at a time, as the store has ten connections. */
async function each(of: readonly string[], tell: (id: string) => Promise<unknown>): Promise<void> {
  const left = of.values()
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const id of left) await tell(id)
    }),
  )
}

async function column(statement: ReturnType<typeof sql<{ id: string }>>): Promise<string[]> {
  return (await statement.execute(world.db)).rows.map(({ id }) => id).sort()
}

it(`of ${RUNS} runs that wait the ${PICKED} go on whose event came, and the others wait on`, async () => {
  await each(ids, (id) =>
    world.send({ id: `${id}-in`, type: 'cart.created', customer: person(id), properties: { cart: `K${id}` } }),
  )
  const open = sql<{ id: string }>`select enrolment as id from waits where open`
  await until(async () => (await column(open)).length === RUNS || 'not all wait yet')
  const picked = [...ids].sort((a, b) => bucketOf('open', a) - bucketOf('open', b)).slice(0, PICKED)
  // Each of them has others that look like it: of another customer, of another shop, of another kind.
  await each(picked, (id) =>
    world.send({ id: `${id}-out`, type: 'checkout.begun', customer: id, properties: { shop: 'main' } }),
  )
  await each(ids.slice(0, PICKED), async (id) => {
    await world.send({ id: `${id}-else`, type: 'checkout.begun', customer: id, properties: { shop: 'other' } })
    await world.send({ id: `${id}-seen`, type: 'product.seen', customer: id })
  })
  const ours = picked.map(runOf).sort()
  const sent = sql<{ id: string }>`select enrolment as id from messages where status = 'sent'`
  await until(async () => (await column(sent)).length === PICKED || 'not all went on yet')
  expect(await column(sent)).toEqual(ours)
  expect(await column(open)).toEqual(
    ids
      .map(runOf)
      .filter((run) => !ours.includes(run))
      .sort(),
  )
  expect(await column(sql<{ id: string }>`select enrolment as id from dispatch where kind = 'wake'`)).toEqual(ours)
  const waiting = (await column(open))[0] ?? ''
  expect((await world.historyOf(waiting)).length).toBeLessThanOrEqual(10)
  await expectInvariants(world.db)
})
