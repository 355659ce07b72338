/** Keeps the SDK's own chatter out of the tests' output; warnings and errors stay. */
import { DefaultLogger, Runtime } from '@temporalio/worker'

export const quietSdk = new DefaultLogger('WARN')

let installed = false

/** The SDK has one runtime a process. */
export function installQuietRuntime(): void {
  if (installed) return
  installed = true
  Runtime.install({ logger: quietSdk, shutdownSignals: [] })
}
