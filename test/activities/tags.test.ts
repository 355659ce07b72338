import { sql } from 'kysely'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { matching } from '../../store/audience-sql.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { pauseJourney } from '../../store/journeys.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { planFacts, rowsOf } from '../store/given.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
const shop = await openShop(db, [planFacts('story'), planFacts('other')])
const { activities, clock } = shop
afterAll(() => expectInvariants(db))

let id = ''
let count = 0
beforeEach(async () => {
  id = `T${++count}`
  await shop.event('customer.registered', person(id, { tags: ['vip'] }))
})

const give = (tag: string, more: { journey?: string; lasts?: string; nth?: number } = {}) => {
  const run = `${more.journey ?? 'story'}/${id}`
  const key = `${run}/tag/${tag}${more.nth ? `#${more.nth}` : ''}`
  return activities.giveTag({ key, run, tag, lasts: more.lasts, asked: clock.now() })
}
const off = (tag: string, journey = 'story') =>
  activities.takeTagOff({ key: `${journey}/${id}/untag/${tag}`, run: `${journey}/${id}`, tag, asked: clock.now() })
const tags = async (): Promise<string[]> => {
  const facts = await activities.customerFacts({ customer: id, asked: clock.now() })
  return 'is' in facts ? [] : facts.tags
}

describe('a tag of our own', () => {
  test('is read beside the shop’s, and stays when the shop sends tags anew', async () => {
    expect(await give('complaint')).toEqual({ is: 'done' })
    expect(await tags()).toEqual(['vip', 'complaint'])
    await shop.event('profile.changed', { id, tags: ['new', 'complaint'] })
    expect(await tags()).toEqual(['new', 'complaint'])
    await shop.event('profile.changed', { id, tags: [] })
    expect(await tags()).toEqual(['complaint'])
  })

  test('makes its customer one of an audience as a tag of the shop does, as long as it lasts', async () => {
    const are = async (tag: string): Promise<string[]> => {
      const of = matching({ tag }, { now: clock.now(), named: new Map() })
      const { rows } = await sql<{ id: string }>`select id from customers c where id = ${id} and ${of}`.execute(db)
      return rows.map((row) => row.id)
    }
    await give('open', { lasts: '1 day' })
    expect([await are('vip'), await are('open'), await are('other')]).toEqual([[id], [id], []])
    clock.pass(86_400_000)
    expect(await are('open')).toEqual([])
  })

  test('is given once: asked again after it was taken off it stays off', async () => {
    await give('once')
    expect(await off('once')).toEqual({ untagged: true })
    expect(await give('once')).toEqual({ is: 'done' })
    expect(await tags()).toEqual(['vip'])
    await give('once', { nth: 2 })
    expect(await tags()).toEqual(['vip', 'once'])
    expect(await off('once'), 'the first untag again').toEqual({ untagged: false })
    expect((await decisionsOf(db, id)).filter(({ about }) => about === 'tag').map(({ verdict }) => verdict)).toEqual([
      'tagged',
      'untagged',
      'tagged',
    ])
  })

  test('taken off leaves the shop’s own', async () => {
    expect(await off('vip')).toEqual({ untagged: false })
    await give('vip')
    expect(await tags()).toEqual(['vip'])
    await off('vip')
    expect(await tags()).toEqual(['vip'])
  })

  test('falls off when its time is over, the longest of all that gave it', async () => {
    await give('let-down', { lasts: '30 days' })
    clock.pass(20 * 86_400_000)
    await give('let-down', { journey: 'other', lasts: '15 days' })
    await give('let-down', { nth: 2, lasts: '1 day' })
    clock.pass(15 * 86_400_000 - 1)
    expect(await tags()).toEqual(['vip', 'let-down'])
    clock.pass(1)
    expect(await tags()).toEqual(['vip'])
    await give('let-down', { nth: 3 })
    await give('let-down', { nth: 4, lasts: '1 day' })
    clock.pass(40 * 86_400_000)
    expect(await tags(), 'one without an end has none').toEqual(['vip', 'let-down'])
  })

  test('is given to nobody who is held out, or whose run is over; a pause holds it', async () => {
    await rowsOf(db, `update enrolments set arm = 'holdout' where id = 'story/${id}'`)
    expect(await give('a')).toEqual({ is: 'refused', code: 'HOLDOUT' })
    await rowsOf(db, `update enrolments set arm = 'treated' where id = 'story/${id}'`)
    expect(await give('a'), 'as it was answered').toEqual({ is: 'refused', code: 'HOLDOUT' })
    await pauseJourney(db, 'story', clock.now())
    expect(await give('b')).toEqual({ is: 'held' })
    await rowsOf(db, `update journeys set paused_at = null`)
    await activities.finishRun({ run: `story/${id}`, status: 'completed', reason: 'told', asked: clock.now() })
    expect(await give('b')).toEqual({ is: 'refused', code: 'LEFT_JOURNEY' })
    expect(await tags()).toEqual(['vip'])
    await expect(activities.giveTag({ key: 'x', run: 'story/nobody', tag: 'x', asked: 0 })).rejects.toMatchObject({
      type: 'RUN_UNKNOWN',
    })
  })
})
