/** One PostgreSQL, one Temporal server and one workflow bundle for the whole run; each file takes a database of its own. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { readCatalogue } from '../client/catalogue.ts'
import { openStore } from '../store/db.ts'
import { migrate } from '../store/migrate.ts'
import { bundleWorkflows } from '../workers/bundle.ts'
import { quietSdk } from './quiet-sdk.ts'
import { startPostgres } from '../workers/local/postgres.ts'
import { findTemporal, startTemporal } from '../workers/local/temporal.ts'

declare module 'vitest' {
  interface ProvidedContext {
    storeUrl: string
    temporalAddress: string
    bundleFile: string
  }
}

/** Databases are copied from this one, which has the schema and nothing else. */
export const TEMPLATE = 'perennial_template'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'perennial-test-'))
  // Under root PostgreSQL runs as another user, who has to get in.
  await chmod(directory, 0o755)
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const stops: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    await Promise.all(stops.map((stop) => stop()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const postgres = await startPostgres({ directory: join(directory, 'postgres'), fast: true, onProgress: say })
    stops.push(postgres.stop, await endedWithUs(join(postgres.directory, 'data', 'postmaster.pid')))
    const { path } = await findTemporal({ env: process.env, onProgress: say })
    const temporal = await startTemporal({ path, fast: true, uiPort: null })
    stops.push(temporal.stop)
    await makeTemplate(postgres.url)
    const bundleFile = join(directory, 'bundle.js')
    await writeFile(bundleFile, await bundleWorkflows(await readCatalogue(), { logger: quietSdk }))
    project.provide('storeUrl', postgres.url)
    project.provide('temporalAddress', temporal.address)
    project.provide('bundleFile', bundleFile)
    return close
  } catch (error) {
    await close()
    throw error
  }
}

/** A run that is interrupted is not torn down; PostgreSQL, which outlives us by itself, is then told to stop all the same. */
async function endedWithUs(pidFile: string): Promise<() => Promise<void>> {
  const pid = Number((await readFile(pidFile, 'utf8')).split('\n')[0])
  const end = (): void => void process.kill(pid, 'SIGINT')
  process.once('exit', end)
  return () => Promise.resolve(void process.off('exit', end))
}

async function makeTemplate(url: string): Promise<void> {
  const admin = openStore({ url, connections: 1 })
  await sql.raw(`create database ${TEMPLATE}`).execute(admin)
  await admin.destroy()
  const template = openStore({ url: databaseUrl(url, TEMPLATE), connections: 1 })
  await migrate(template)
  await template.destroy()
}

export function databaseUrl(url: string, database: string): string {
  const target = new URL(url)
  target.pathname = `/${database}`
  return target.href
}
