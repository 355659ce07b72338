import { sql } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { messagesOf } from '../../store/messages.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { rowsOf } from '../store/given.ts'
import { openShop } from './given.ts'
import { type Shop, bulkProvider, campaignFacts, crowd, openedWave, sendAll } from './given-campaigns.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const statuses = (shop: string) =>
  rowsOf<{ status: string; count: number }>(
    db,
    `select status, count(*) as count from messages where journey = '${shop}' group by status order by status`,
  )

describe('a wave', () => {
  it('sends one message to each of the audience in the zone of the run', async () => {
    const channel = bulkProvider()
    const shop: Shop = await openShop(db, [campaignFacts('all')], {}, { channels: new Map([['email', channel]]) })
    await crowd(db, 'A', 1_203)
    await crowd(db, 'B', 7, { zone: 'Asia/Shanghai' })
    const work = await openedWave(shop, 'all')
    const went = await sendAll(shop, work)
    expect(went).toMatchObject({ is: 'done', counts: { went: true, members: 1_203, sent: 1_203, skipped: 0 } })
    expect(new Set(channel.taken.map(({ to }) => to)).size).toBe(1_203)
    expect(channel.taken[0]).toMatchObject({ key: `all/A0001/2026-11-23/send/hello`, to: 'a0001@mail.example' })
    // Asked again it says the same and does nothing.
    expect(await sendAll(shop, work)).toEqual(went)
    expect(channel.taken).toHaveLength(1_203)
    expect(await statuses('all')).toEqual([{ status: 'sent', count: 1_203 }])
    await shop.activities.closeCampaign({
      run: work.run,
      status: 'completed',
      reason: 'the story was told',
      asked: shop.clock.now(),
    })
    expect(await rowsOf(db, `select distinct status from enrolments where journey = 'all'`)).toEqual([
      { status: 'completed' },
    ])
    const [first] = await messagesOf(db, { customer: 'A0001' })
    expect(first).toMatchObject({ status: 'sent', provider: 'test', attempts: 1 })
    await sql`delete from release_slots`.execute(db)
  })
})
