/** Keeps the SDK's own chatter out of the tests' output; warnings and errors stay. */
import { DefaultLogger, Runtime } from '@temporalio/worker'

/** Workers of channels have no workflows, and are meant to. */
export const quietSdk = new DefaultLogger('WARN', ({ level, message }) => {
  if (!message.startsWith('No workflows registered')) process.stderr.write(`[${level}] ${message}\n`)
})

let installed = false

/** The SDK has one runtime a process. */
export function installQuietRuntime(): void {
  if (installed) return
  installed = true
  Runtime.install({ logger: quietSdk, shutdownSignals: [] })
}
