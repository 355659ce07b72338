/** What processes cost: CPU and memory out of /proc. Linux only; elsewhere 0 is printed. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const TICK_MS = 10
const PAGE_KB = 4

interface Stat {
  parent: number
  /** Of its own, and of the children that have ended; ms. */
  cpuMs: number
  endedMs: number
}

async function statOf(pid: number | string): Promise<Stat | undefined> {
  try {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
    const ms = (...at: number[]): number => TICK_MS * at.reduce((sum, field) => sum + Number(fields[field]), 0)
    return { parent: Number(fields[1]), cpuMs: ms(11, 12), endedMs: ms(13, 14) }
  } catch {
    return undefined
  }
}

/** CPU of a process so far, ms. */
export async function cpuOf(pid: number | undefined): Promise<number> {
  return (await statOf(pid ?? 0))?.cpuMs ?? 0
}

/** CPU of a process with its children, those that have ended too, ms. */
export async function cpuWithChildren(pid: number): Promise<number> {
  const own = await statOf(pid)
  let sum = (own?.cpuMs ?? 0) + (own?.endedMs ?? 0)
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const stat = await statOf(name)
    if (stat?.parent === pid) sum += stat.cpuMs
  }
  return sum
}

/** Memory of a process that is its own, without what it shares, MB. */
export async function memoryOf(pid: number | undefined): Promise<number> {
  try {
    const [, resident = 0, shared = 0] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ').map(Number)
    return ((resident - shared) * PAGE_KB) / 1024
  } catch {
    return 0
  }
}

/** The process that all others of a PostgreSQL are children of, by the folder it was started in. */
export const postmasterOf = async (directory: string): Promise<number> =>
  Number((await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
