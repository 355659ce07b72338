import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../../store/db.ts'
import {
  type Dispatch,
  dispatchBacklog,
  leaseDispatch,
  markDelivered,
  markUndelivered,
  wake,
} from '../../store/dispatch.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { NOON, enterCrowd, rowsOf } from './given.ts'

const { db, url } = await freshStore()
afterAll(() => expectInvariants(db))

const LEASE = 60_000
let crowds = 0

/** Runs whose start is still to be told, in a journey of their own; nothing else waits. */
async function entered(size: number): Promise<string[]> {
  const crowd = await enterCrowd(db, { journey: 'story', prefix: `D${++crowds}-`, size, now: NOON })
  return crowd.map((one) => one.run)
}

const lease = (limit = 100, leaseMs = LEASE): Promise<Dispatch[]> => leaseDispatch(db, { limit, leaseMs })
const said = (rows: Dispatch[]): string[] => rows.map((row) => `${row.kind} ${row.workflow}`)
const idsOf = (rows: Dispatch[]): number[] => rows.map((row) => row.id)

/** As if the time had passed by which leased or put-off rows come again. */
const passTime = (): Promise<unknown> => rowsOf(db, `update dispatch set due_at = now() where delivered_at is null`)

beforeEach(() => rowsOf(db, `update dispatch set delivered_at = now() where delivered_at is null`))

describe('a lease', () => {
  test('is of the oldest rows, with what a start needs', async () => {
    const [first = '', second = ''] = await entered(3)
    const rows = await lease(2)
    expect(said(rows)).toEqual([`start ${first}`, `start ${second}`])
    expect(rows[0]).toMatchObject({ run: { journey: 'story' }, campaign: null, attempts: 1 })
    expect(Date.parse(rows[0]?.run?.startsAt ?? '')).toBe(NOON)
  })

  test('is never of one row to two dispatchers, however many ask at once', async () => {
    const runs = await entered(200)
    const others = openStore({ url, connections: 6 })
    const given: Dispatch[] = []
    const dispatcher = async (store: typeof db): Promise<void> => {
      for (;;) {
        const rows = await leaseDispatch(store, { limit: 7, leaseMs: LEASE })
        if (rows.length === 0) return
        given.push(...rows)
      }
    }
    // One that finds the last rows locked by another may leave early; the other has them then.
    await Promise.all([...Array(6).keys()].map((i) => dispatcher(i % 2 ? db : others)))
    await others.destroy()
    expect(given).toHaveLength(200)
    expect(new Set(idsOf(given)).size).toBe(200)
    expect(new Set(given.map((row) => row.workflow))).toEqual(new Set(runs))
  })

  test('that ran out is given again; one that was delivered is not', async () => {
    const [first = '', second = ''] = await entered(2)
    const rows = await lease()
    expect(await lease()).toEqual([])
    await markDelivered(db, idsOf(rows.filter((row) => row.workflow === first)))
    await passTime()
    const again = await lease()
    expect(said(again)).toEqual([`start ${second}`])
    expect(again[0]?.attempts).toBe(2)
  })

  test('of no time at all is over at once', async () => {
    const [run = ''] = await entered(1)
    expect(said(await lease(1, 0))).toEqual([`start ${run}`])
    expect(said(await lease(1, LEASE))).toEqual([`start ${run}`])
    expect(await lease(1, LEASE)).toEqual([])
  })
})

describe('a wake-up', () => {
  test('waits until the start of its run was told, and holds up nobody else', async () => {
    const [run = '', other = ''] = await entered(2)
    await wake(db, [run])
    const starts = await lease()
    expect(said(starts)).toEqual([`start ${run}`, `start ${other}`])
    await markDelivered(db, idsOf(starts.filter((row) => row.workflow === other)))
    await wake(db, [other])
    expect(said(await lease())).toEqual([`wake ${other}`])
    await markDelivered(db, idsOf(starts))
    expect(said(await lease())).toEqual([`wake ${run}`])
  })

  test('of several runs is a row each, of none no row', async () => {
    const runs = await entered(2)
    await markDelivered(db, idsOf(await lease()))
    await wake(db, [])
    await wake(db, runs)
    expect(said(await lease())).toEqual(runs.map((run) => `wake ${run}`))
  })
})

describe('a row that could not be delivered', () => {
  test('is put off, keeps the reason, and loses it when it was delivered', async () => {
    const [run = ''] = await entered(1)
    const [row] = await lease()
    await markUndelivered(db, row?.id ?? 0, { error: 'no Temporal', retryMs: LEASE })
    expect(await lease()).toEqual([])
    expect(await dispatchBacklog(db)).toEqual({ waiting: 1, lastError: 'no Temporal' })
    await markUndelivered(db, row?.id ?? 0, { error: 'no Temporal', retryMs: 0 })
    expect(said(await lease())).toEqual([`start ${run}`])
    await markDelivered(db, [row?.id ?? 0])
    expect(await dispatchBacklog(db)).toEqual({ waiting: 0, lastError: null })
  })
})
