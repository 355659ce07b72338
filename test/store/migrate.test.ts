import { sql } from 'kysely'
import { expect, inject, onTestFinished, test } from 'vitest'
import { type Db, openStore } from '../../store/db.ts'
import { migrate } from '../../store/migrate.ts'
import { describeSchema } from '../../store/schema.ts'
import { databaseUrl } from '../setup.ts'
import { freshStore } from '../world.ts'
import { rowsOf } from './given.ts'

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
