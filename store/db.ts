/** The connection to PostgreSQL, and the one place where its failures become errors of the catalogue. */
import { Kysely, PostgresDialect, type RawBuilder, type Transaction, sql } from 'kysely'
import pg from 'pg'
import { PerennialError } from '../domain/errors.ts'

/** SQL is written by hand with kysely's `sql`; the tables need no second description. */
export type Db = Kysely<unknown>
export type Tx = Transaction<unknown>

// seq and count() are far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

export interface StoreOptions {
  url: string
  /** Connections at most, 10 unless told. */
  connections?: number
  onError?: (error: Error) => void
}

/** Opens a pool; no connection is made until the first statement. Close it with `db.destroy()`. */
export function openStore({ url, connections = 10, onError }: StoreOptions): Db {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 5_000,
    Client: PreparingClient,
  })
  // Without a listener a server that stops would end the process.
  pool.on('error', (error) => onError?.(error))
  return new Kysely({ dialect: new PostgresDialect({ pool }) })
}

/** What a statement begins with that is sent often: the server plans it once a connection. It names its columns, never `*`. */
const PREPARED = /^\s*\/\* prepared \*\//
/** By its text; the names are the same on every connection of this process. */
const names = new Map<string, string>()

function nameOf(text: string): string | undefined {
  if (!PREPARED.test(text)) return undefined
  if (!names.has(text)) names.set(text, `perennial_${names.size}`)
  return names.get(text)
}

class PreparingClient extends pg.Client {
  // The driver calls it with a text and its values, the pool with a text alone.
  override query(...asked: unknown[]): never {
    const [text, values] = asked
    const name = typeof text === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined
    const query = super.query as (...asked: unknown[]) => unknown
    return (name === undefined ? query.apply(this, asked) : query.call(this, { name, text, values })) as never
  }
}

/** The connection was lost (08, 57P0), there are too many (53300), or two transactions stood in each other's way (40). */
const WORTH_REPEATING = /^(08|57P0|53300|40)/
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'])

/** True where the database could not be reached or went away: repeating the whole transaction later is right. */
export function isStoreDown(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isStoreDown)
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  return (
    NETWORK.has(code) ||
    WORTH_REPEATING.test(code) ||
    /Connection terminated|timeout exceeded when trying to connect|driver has already been destroyed/.test(
      error.message,
    )
  )
}

/** It answers, but cannot be used: wrong password or user (28), no such database (3D000), no tables yet (42P01). */
const NOT_READY = /^(28|3D000|42P01)/

/** A failure of the connection as STORE_UNAVAILABLE, anything else as it was. */
export function storeError(error: unknown): unknown {
  if (error instanceof PerennialError) return error
  if (error instanceof pg.DatabaseError && NOT_READY.test(error.code ?? '')) {
    return new PerennialError('STORE_UNAVAILABLE', `the database cannot be used: ${error.message}`, { cause: error })
  }
  if (!isStoreDown(error)) return error
  return new PerennialError('STORE_UNAVAILABLE', 'the database does not answer', { cause: error })
}

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === constraint
}

/** One transaction; failures of the connection come out as STORE_UNAVAILABLE. */
export async function inTransaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await db.transaction().execute(work)
  } catch (error) {
    throw storeError(error)
  }
}

/** Resolves when the database answers. Throws STORE_UNAVAILABLE. */
export async function pingStore(db: Db): Promise<void> {
  try {
    await sql`select 1`.execute(db)
  } catch (error) {
    throw storeError(error)
  }
}

/**
 * `column = ${among(keys)}` in a prepared statement. The planner does not see how many there are: where it does, it finds the plan for
 * so many cheaper than one for any number, and plans the statement anew each time.
 */
export const among = (keys: readonly string[]): RawBuilder<unknown> => sql`any(array(select unnest(${keys}::text[])))`

export const at = (ms: number): Date => new Date(ms)
