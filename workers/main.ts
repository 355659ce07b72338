/** The entry in production: `node dist/workers/main.js api dispatcher worker`, one process or one a role. */
import closeWithGrace from 'close-with-grace'
import { inboxPages } from '../client/inbox/pages.ts'
import { startInbox } from '../client/inbox/smtp.ts'
import { readConfig } from '../domain/contracts/config.ts'
import { PerennialError, problemOf } from '../domain/errors.ts'
import { ROLES, type Role, assemble } from './assemble.ts'
import { createLog } from './log.ts'

/** A mailbox for those who try it out; needs none of the rest. */
const INBOX_ROLE = 'inbox'

async function serveInbox(env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const { fastify } = await import('fastify')
  const inbox = await startInbox({
    port: Number(env['INBOX_SMTP_PORT'] ?? 2525),
    host: env['HTTP_HOST'] ?? '127.0.0.1',
    directory: env['INBOX_DIRECTORY'] ?? '.perennial/inbox',
  })
  const server = fastify()
  await server.register(inboxPages({ inbox }))
  await server.listen({ host: env['HTTP_HOST'] ?? '127.0.0.1', port: Number(env['HTTP_PORT'] ?? 8025) })
  return async () => {
    await server.close()
    await inbox.stop()
  }
}

function rolesOf(words: readonly string[]): Set<Role> {
  const known = new Set<string>(ROLES)
  const unknown = words.find((word) => !known.has(word))
  if (unknown !== undefined) {
    const expected = `roles out of ${ROLES.join(', ')}, or ${INBOX_ROLE} alone`
    throw new PerennialError('CONFIG_INVALID', `'${unknown}' is not a role`, { field: 'role', expected })
  }
  return new Set(words.length === 0 ? ROLES : (words as Role[]))
}

const log = createLog(process.env['LOG_LEVEL'] ?? 'info')
try {
  const words = process.argv.slice(2)
  const inboxAlone = words.length === 1 && words[0] === INBOX_ROLE
  const roles = inboxAlone ? new Set<Role>() : rolesOf(words)
  const stop = inboxAlone
    ? await serveInbox(process.env)
    : (await assemble(readConfig(process.env), roles, { log })).stop
  log.info({ roles: inboxAlone ? [INBOX_ROLE] : [...roles] }, 'ready')
  closeWithGrace({ delay: 30_000, logger: log }, async () => {
    await stop()
    log.info('stopped')
  })
} catch (error) {
  log.fatal(error instanceof PerennialError ? problemOf(error) : { err: error }, 'could not start')
  process.exitCode = 1
}
