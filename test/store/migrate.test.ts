import { readFile, readdir } from 'node:fs/promises'
import { sql } from 'kysely'
import { expect, inject, onTestFinished, test } from 'vitest'
import { type Db, openStore } from '../../store/db.ts'
import { addOffers } from '../../store/coupons.ts'
import { migrate } from '../../store/migrate.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { describeSchema } from '../../store/schema.ts'
import { databaseUrl } from '../setup.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, NOON, enterCrowd, rowsOf } from './given.ts'

const { db: migrated } = await freshStore()

/** A database without a table. */
async function emptyStore(name: string): Promise<(connections?: number) => Db> {
  const admin = openStore({ url: inject('storeUrl'), connections: 1 })
  await sql.raw(`create database ${name}`).execute(admin)
  const opened: Db[] = []
  onTestFinished(async () => {
    await Promise.all(opened.map((db) => db.destroy()))
    await sql.raw(`drop database ${name}`).execute(admin)
    await admin.destroy()
  })
  return (connections = 2) => {
    const db = openStore({ url: databaseUrl(inject('storeUrl'), name), connections })
    opened.push(db)
    return db
  }
}

test('four processes that start at once migrate an empty database once', async () => {
  const open = await emptyStore('migrate_at_once')
  const stores = [open(), open(), open(), open()]
  const done = await Promise.all(stores.map((db) => migrate(db)))
  const [first = open()] = stores
  const recorded = await rowsOf<{ name: string }>(first, 'select name from kysely_migration order by name')
  expect(recorded.map((row) => row.name)).toContain('0001-start')
  // Each migration was run by one of the four, and by none again.
  expect(done.flat().sort()).toEqual(recorded.map((row) => row.name))
  expect(await migrate(first)).toEqual([])
  expect(await describeSchema(first)).toBe(await describeSchema(migrated))
})

test('coupons from before offers had versions are good as they were: once, and worth what the till says', async () => {
  const db = (await emptyStore('migrate_coupons'))()
  const folder = new URL('../../store/migrations/', import.meta.url)
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  const run = async (file: string): Promise<unknown> => rowsOf(db, await readFile(new URL(file, folder), 'utf8'))
  const [first = '', ...later] = files
  await run(first)
  await enterCrowd(db, { journey: 'story', prefix: 'M', size: 1 })
  await rowsOf(
    db,
    `insert into offers (id, title, quota, per_member, issued) values ('old', 'Old', 1, 1, 1);
    insert into coupons (code, key, request_hash, offer, customer, enrolment, issued_at, expires_at)
      select 'OLD', 'k', 'h', 'old', customer, id, entered_at, entered_at + interval '7 days' from enrolments;
    insert into member_counters (offer, customer, issued) values ('old', 'M1', 1)`,
  )
  for (const file of later) await run(file)
  await addOffers(db, { old: { title: 'Old', quota: 1, perMember: 1, gives: { percent: 50 }, needs: { minimum: 9 } } })
  const basket = { lines: [{ id: 'a', amount: 1 }], shipping: 0 }
  const asked = { code: 'OLD', customer: 'M1', order: 'O-1', basket, now: NOON + DAY }
  expect(await redeemCoupon(db, { ...asked, key: 'r1' })).toMatchObject({ ok: true, gives: null, discount: 0 })
  expect(await redeemCoupon(db, { ...asked, key: 'r2', order: 'O-2' })).toMatchObject({ code: 'COUPON_REDEEMED' })
  await expectInvariants(db)
})

test('a database that cannot be reached is STORE_UNAVAILABLE', async () => {
  const db = openStore({ url: 'postgres://nobody:nothing@127.0.0.1:9/none', connections: 1 })
  onTestFinished(() => db.destroy())
  await expect(migrate(db)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
})

test('a database that is not there is STORE_UNAVAILABLE', async () => {
  const db = openStore({ url: databaseUrl(inject('storeUrl'), 'no_such_database'), connections: 1 })
  onTestFinished(() => db.destroy())
  await expect(migrate(db)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
})
