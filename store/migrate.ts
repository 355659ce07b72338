/** Brings a database to the newest schema; kysely's Migrator holds a lock, so any number of processes may start at once. */
import { readFile, readdir } from 'node:fs/promises'
import { type Migration, Migrator, sql } from 'kysely'
import { type Db, storeError } from './db.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

async function migrations(): Promise<Record<string, Migration>> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql'))
  const all = files.map(async (file): Promise<[string, Migration]> => {
    const text = await readFile(new URL(file, FOLDER), 'utf8')
    return [file.replace(/\.sql$/, ''), { up: async (db) => void (await sql.raw(text).execute(db)) }]
  })
  return Object.fromEntries(await Promise.all(all))
}

/** Runs what has not run, each migration once, in the order of the files; answers the names. Throws STORE_UNAVAILABLE. */
export async function migrate(db: Db): Promise<string[]> {
  const { error, results } = await new Migrator({ db, provider: { getMigrations: migrations } }).migrateToLatest()
  if (error !== undefined) throw storeError(error)
  return (results ?? []).map((one) => one.migrationName)
}
