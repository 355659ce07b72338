/** What the local servers need of this machine: locks, ports, programs and files. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { PerennialError } from '../../domain/errors.ts'

/** A holder refreshes its lock every 5 s; one this old belongs to a process that is dead, whoever has its pid now. */
const LOCK_STALE_MS = 60_000

/**
 * Runs `work` while holding a lock file, so that only one process of this machine does it at a time. A lock whose process
 * is dead is taken over.
 * @param file the lock; its folder must exist
 * @param seconds how long to wait for another holder
 * @throws PerennialError INTERNAL when the holder does not let go in time; else what `work` throws.
 */
export async function underLock<T>(file: string, seconds: number, work: () => Promise<T>): Promise<T> {
  const token = `${process.pid} ${randomBytes(8).toString('hex')}`
  const draft = `${file}.${token.replace(' ', '-')}`
  const until = Date.now() + seconds * 1000
  await fs.writeFile(draft, token, { flag: 'wx' })
  try {
    // A link appears whole or not at all: nobody ever reads a lock without its pid.
    while (!(await succeeds(fs.link(draft, file), 'EEXIST'))) {
      await breakStaleLock(file)
      if (Date.now() > until) throw new PerennialError('INTERNAL', `Another process holds ${file} for too long.`)
      await pause(50)
    }
  } finally {
    await fs.rm(draft, { force: true })
  }
  const beat = setInterval(() => void fs.utimes(file, new Date(), new Date()).catch(() => undefined), 5000).unref()
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if ((await readIfThere(file)) === token) await fs.rm(file, { force: true })
  }
}

async function breakStaleLock(file: string): Promise<void> {
  const token = await readIfThere(file)
  const written = (await fs.stat(file).catch(() => undefined))?.mtimeMs
  if (token === undefined || written === undefined) return
  if (isAlive(Number(token.split(' ')[0])) && Date.now() - written < LOCK_STALE_MS) return
  // Of all who see the same dead lock, the one that makes this mark removes it; a late one finds another token, and leaves it.
  const mark = `${file}.${token.replace(' ', '-')}.dead`
  if (!(await succeeds(fs.writeFile(mark, '', { flag: 'wx' }), 'EEXIST'))) return
  if ((await readIfThere(file)) === token) await fs.rm(file, { force: true })
  await fs.rm(mark, { force: true })
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Runs a program to its end and returns its exit code (127 when it could not be run) and what it printed. */
export function capture(
  program: string,
  args: string[],
  options: { uid?: number; gid?: number; cwd?: string; env?: NodeJS.ProcessEnv; seconds?: number },
): Promise<{ code: number; output: string }> {
  const { seconds, ...rest } = options
  return new Promise((resolve) => {
    const timeout = seconds === undefined ? {} : { timeout: seconds * 1000, killSignal: 'SIGKILL' as const }
    const child = spawn(program, args, { ...rest, ...timeout, windowsHide: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer) => void (output = (output + chunk.toString()).slice(-20_000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error) => resolve({ code: 127, output: error.message }))
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
    // A server left behind may keep the pipes open: the end of the program itself is enough, a moment later.
    child.once('exit', (code) => setTimeout(() => resolve({ code: code ?? 1, output }), 200).unref())
  })
}

/** The end of a log as a paragraph to append to a message; empty when there is none. */
export async function tailOf(log: string): Promise<string> {
  const text = ((await readIfThere(log)) ?? '').trim().slice(-2000)
  return text === '' ? '' : `\nThe end of its log:\n${text}`
}

/** Renames a folder; when the target is there already, somebody else was first and ours is removed. */
export async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await fs.rename(from, to)
  } catch (error) {
    if (!(await exists(to))) throw error
    await fs.rm(from, { recursive: true, force: true })
  }
}

/** True when the file or folder is there. */
export async function exists(file: string): Promise<boolean> {
  return succeeds(fs.access(file), 'ENOENT', 'ENOTDIR')
}

/** Wraps a function so that all its calls share the first one's result. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined
  return () => (done ??= work())
}

/** The words of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The text of a file; undefined when it is not there. */
export async function readIfThere(file: string): Promise<string | undefined> {
  return fs.readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
}

/** False where the work fails with one of the expected codes. */
export async function succeeds(work: Promise<unknown>, ...expected: string[]): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (expected.includes(codeOf(error) ?? '')) return false
    throw error
  }
}

/** True while a process of this pid runs. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** The code of a system error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
