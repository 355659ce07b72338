#!/usr/bin/env node
/** The bin `perennial`; in a checkout `npm run journeys -- <word>`. */
import { CommanderError } from 'commander'
import { asPerennialError, exitCodeOf, EXIT } from './problems.ts'
import { buildProgram } from './program.ts'
import { Session, type SessionParts } from './session.ts'

/** Carries out one command line; answers the exit code. */
async function run(argv: readonly string[], parts: SessionParts): Promise<number> {
  const session = new Session(parts)
  try {
    await buildProgram(session, parts).parseAsync([...argv], { from: 'user' })
    return session.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    // Called with no word at all, commander has shown the help on stderr.
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage
    const known = asPerennialError(error)
    session.tell(known)
    return exitCodeOf(known)
  }
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const argv = process.argv.slice(2)
process.exitCode = await run(argv, {
  env: process.env,
  json: argv.includes('--json'),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
})
