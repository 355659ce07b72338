/** The check before a release, over runs that are really on. */
import { readFile } from 'node:fs/promises'
import { afterAll, expect, inject, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { publishCheck } from '../../workers/publishing.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { startSink } from '../smtp-sink.ts'
import { openWorld, person, until } from '../world.ts'

const sink = await startSink()
afterAll(() => sink.stop())
const ours = new Map([...(await readCatalogue())].filter(([name]) => ['first-order', 'order-rewards'].includes(name)))
const world = await openWorld({ smtpUrl: sink.url, dayMs: 60_000, catalogue: ours })
const { db, client } = world

for (const id of ['Pub1', 'Pub2']) await world.send({ id, type: 'customer.registered', customer: person(id) })
await world.send({ id: 'o', type: 'order.paid', customer: person('Pub3'), properties: { order: 'O1', amount: 29_900 } })
// All of them have come to their first wait.
await until(async () => sink.taken.filter((mail) => mail.to.startsWith('pub')).length >= 2 || 'not welcomed')
for (const run of ['first-order/Pub1', 'first-order/Pub2'])
  await until(
    async () => (await world.historyOf(run)).some(({ eventType }) => Number(eventType) === 17) || 'no timer yet',
  )

it('lets a release pass whose code the runs go on with', async () => {
  const code = await readFile(inject('bundleFile'), 'utf8')
  const { ok, journeys } = await publishCheck({ db, client, catalogue: await readCatalogue(), code })
  expect(ok).toBe(true)
  expect(journeys.find(({ journey }) => journey === 'first-order')).toEqual({
    journey: 'first-order',
    on: 2,
    checked: 2,
    stays: 2,
    moves: 0,
    movesTo: null,
    cannot: [],
  })
})

it('stops one that changed a shape in place, and names the runs and the first difference', async () => {
  const folder = new URL('../fixtures/changed/', import.meta.url)
  const catalogue = await readCatalogue(folder)
  const code = await bundleWorkflows(catalogue, { folder, logger: quietSdk })
  const { ok, journeys } = await publishCheck({ db, client, catalogue, code }, { journey: 'first-order', limit: 1 })
  expect(ok).toBe(false)
  expect(journeys).toHaveLength(1)
  expect(journeys[0]).toMatchObject({ on: 2, checked: 1, stays: 0, moves: 0 })
  expect(journeys[0]?.cannot).toEqual([
    {
      run: 'first-order/Pub1',
      difference: expect.stringMatching(/Timer machine does not handle this event/) as string,
    },
  ])
})

it('says who moves where the old file is gone and a newer one takes its runs', async () => {
  const folder = new URL('../fixtures/taking/', import.meta.url)
  const catalogue = await readCatalogue(folder)
  const code = await bundleWorkflows(catalogue, { folder, logger: quietSdk })
  const { ok, journeys } = await publishCheck({ db, client, catalogue, code }, { journey: 'first-order' })
  expect(ok).toBe(true)
  expect(journeys).toMatchObject([{ checked: 2, stays: 0, moves: 2, movesTo: 'first-order-2', cannot: [] }])
})
