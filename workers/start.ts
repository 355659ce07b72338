/** `npm start`: everything on this machine, until Ctrl-C; started again, it goes on with its data. */
import { join } from 'node:path'
import closeWithGrace from 'close-with-grace'
import { PerennialError, problemOf } from '../domain/errors.ts'
import { REAL_TEMPO } from '../domain/tempo.ts'
import { startStack } from './local/stack.ts'
import { createLog } from './log.ts'

const home = process.env['PERENNIAL_HOME'] ?? '.perennial'
const log = createLog(process.env['LOG_LEVEL'] ?? 'warn')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

try {
  const stack = await startStack({ home, tempo: REAL_TEMPO, throwaway: false, env: process.env, log, say })
  say(`
Perennial is ready.

  Events in   POST ${stack.apiUrl}/v1/events
  API key     ${stack.env['PERENNIAL_API_KEY']}
  Inbox       ${stack.inboxUrl}
  Health      ${stack.apiUrl}/readyz   ${stack.apiUrl}/metrics
  Temporal    ${stack.temporalUrl ?? stack.env['TEMPORAL_ADDRESS']}
  Data        ${join(home, '')}

  In another terminal:  npm run journeys -- list
  Ctrl-C stops it; the next start goes on where it was.
`)
  closeWithGrace({ delay: 30_000, logger: false }, async ({ err }) => {
    if (err) log.error({ err }, 'stopping after a failure')
    say('Stopping: the work in hand is finished first')
    await stack.stop()
    say('Stopped')
  })
} catch (error) {
  if (!(error instanceof PerennialError)) throw error
  const { code, message, todo } = problemOf(error)
  process.stderr.write(`${code}: ${message}\nWhat to do: ${todo}\n`)
  process.exitCode = 1
}
