/** Programs of tests and benches in processes of their own: each says 'loaded', is told what to do, and says 'working'. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const alive = new Set<ChildProcess>()

/** Ends what is left of them; for afterAll. */
export function killAll(): void {
  for (const child of alive) child.kill('SIGKILL')
}

/** A process that has loaded everything and waits, as loading may take longer than the life ahead of it. */
export interface StoodBy {
  child: ChildProcess
  /** Resolves once it works; rejects where it ends by itself before. */
  begin(go: object): Promise<void>
  /** With -9. */
  kill(): void
}

export async function standBy(program: URL): Promise<StoodBy> {
  const child = fork(fileURLToPath(program), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  await said(child, 'loaded')
  return {
    child,
    begin(go) {
      const working = said(child, 'working')
      child.send(go)
      return working
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null): void =>
      reject(new Error(`a process ended by itself before it was ${word}: ${code ?? signal}`))
    const heard = (message: unknown): void => {
      if (message !== word) return
      child.off('message', heard).off('exit', ended)
      resolve()
    }
    child.on('message', heard).once('exit', ended)
  })
}
