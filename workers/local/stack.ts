/** Everything Perennial stands on, on one machine with nothing installed: Temporal, PostgreSQL, an inbox; then all roles. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { inboxPages } from '../../client/inbox/pages.ts'
import { type Inbox, startInbox } from '../../client/inbox/smtp.ts'
import { readConfig } from '../../domain/contracts/config.ts'
import type { Tempo } from '../../domain/tempo.ts'
import { ROLES, assemble } from '../assemble.ts'
import { freePort } from './machine.ts'
import { startPostgres } from './postgres.ts'
import { findTemporal, startTemporal } from './temporal.ts'

export interface StackOptions {
  /** Where its data lies: the store, Temporal's file, the mails, the keys. */
  home: string
  tempo: Tempo
  /** Gives up durability for speed: nothing of it is meant to outlive the process. */
  throwaway: boolean
  env: NodeJS.ProcessEnv
  log: Logger
  say: (line: string) => void
}

export interface Stack {
  apiUrl: string
  inboxUrl: string
  temporalUrl: string | null
  /** The environment by which the CLI and other processes find it. */
  env: Record<string, string>
  inbox: Inbox
  stop(): Promise<void>
}

const WANTED_HTTP = 8080
const WANTED_SMTP = 2525
const WANTED_UI = 8233

/** Starts it all; parts that the environment names (DATABASE_URL, TEMPORAL_ADDRESS, SMTP_URL) are used as they are. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { home, env, say, throwaway, log } = options
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    await mkdir(home, { recursive: true })
    const databaseUrl = env['DATABASE_URL'] ?? (await ownPostgres(home, { throwaway, say, stops }))
    const temporal = env['TEMPORAL_ADDRESS']
      ? { address: env['TEMPORAL_ADDRESS'], uiUrl: null }
      : await ownTemporal(home, { throwaway, env, say, stops })
    const inbox = await startInbox({
      port: await portNear(throwaway ? 0 : WANTED_SMTP),
      directory: join(home, 'inbox'),
    })
    stops.push(() => inbox.stop())
    const httpPort = await portNear(Number(env['HTTP_PORT'] ?? (throwaway ? 0 : WANTED_HTTP)))
    const settings: Record<string, string> = {
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      SMTP_URL: env['SMTP_URL'] ?? inbox.url,
      PUBLIC_URL: env['PUBLIC_URL'] ?? `http://127.0.0.1:${httpPort}`,
      HTTP_PORT: String(httpPort),
      METRICS_PORT: String(await freePort()),
      SCALE: String(options.tempo.scale),
      ORIGIN: String(options.tempo.origin),
      ...(await keysIn(home)),
    }
    say('Starting the API, the dispatcher and the worker')
    const config = readConfig({ ...env, ...settings })
    const assembly = await assemble(config, new Set(ROLES), { log, pages: [inboxPages({ inbox })] })
    stops.push(assembly.stop)
    const passedOn = Object.fromEntries(
      Object.entries(env).filter(([name]) => name === 'QUIET_HOURS' || name === 'SHOP_ZONE'),
    )
    const known = { ...(passedOn as Record<string, string>), ...settings }
    await writeAtomically(join(home, 'run.json'), JSON.stringify({ env: known }, null, 2))
    const apiUrl = `http://127.0.0.1:${httpPort}`
    return { apiUrl, inboxUrl: `${apiUrl}/inbox`, temporalUrl: temporal.uiUrl, env: known, inbox, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Own {
  throwaway: boolean
  say: (line: string) => void
  stops: (() => Promise<void>)[]
}

async function ownPostgres(home: string, { throwaway, say, stops }: Own): Promise<string> {
  const postgres = await startPostgres({ directory: join(home, 'postgres'), fast: throwaway, onProgress: say })
  stops.push(postgres.stop)
  return postgres.url
}

async function ownTemporal(
  home: string,
  { throwaway, env, say, stops }: Own & { env: NodeJS.ProcessEnv },
): Promise<{ address: string; uiUrl: string | null }> {
  const { path } = await findTemporal({ env, onProgress: say })
  const temporal = await startTemporal({
    path,
    fast: true,
    uiPort: throwaway ? null : await portNear(WANTED_UI),
    logFile: join(home, 'temporal.log'),
    ...(throwaway ? {} : { dbFile: join(home, 'temporal.db') }),
    onProgress: say,
  })
  stops.push(temporal.stop)
  return temporal
}

/** The keys of this installation, made at the first start: links in mails of yesterday must still be ours today. */
async function keysIn(home: string): Promise<Record<string, string>> {
  const file = join(home, 'keys.json')
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, string>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const draw = (): string => randomBytes(24).toString('base64url')
  const keys = { PERENNIAL_API_KEY: draw(), PERENNIAL_SECRET: draw() }
  await writeAtomically(file, JSON.stringify(keys, null, 2))
  return keys
}

async function writeAtomically(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, `${text}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** The wanted port where it is free, else any. */
async function portNear(wanted: number): Promise<number> {
  if (wanted === 0) return freePort()
  const free = await new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
  return free ? wanted : freePort()
}
