/** The log: JSON lines by pino, with people taken out. */
import { type LogLevel, DefaultLogger, type Logger as SdkLogger } from '@temporalio/worker'
import { type Logger, pino } from 'pino'

/** Fields that may hold a person's data. Redaction reaches one level down, so log ids, never whole objects. */
const PERSONAL = ['email', 'name', 'address', 'phone', 'to', 'subject', 'text', 'html', 'authorization']

export function createLog(level: string, destination?: { write(line: string): void }): Logger {
  const options = { level, redact: { paths: PERSONAL.flatMap((field) => [field, `*.${field}`]), censor: '[person]' } }
  return destination ? pino(options, destination) : pino(options)
}

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
}

/** How the SDK warns of workers that run activities alone, which those of the channels are meant to. */
const WITHOUT_WORKFLOWS = 'No workflows registered'

/** The SDK's log lines in ours; its chatter about its own state is kept at debug. */
export function sdkLogger(log: Logger): SdkLogger {
  return new DefaultLogger('INFO', ({ level, message, meta }) => {
    const chatter = LEVELS[level] === 'info' || message.startsWith(WITHOUT_WORKFLOWS)
    const as = chatter ? 'debug' : LEVELS[level]
    log[as](
      { sdk: true, workflow: meta?.['workflowId'], activity: meta?.['activityId'], err: meta?.['error'] },
      message,
    )
  })
}
