/** The client's line to Temporal. The SDK is loaded on first use: most of what an operator asks needs the store alone. */
import type { Client } from '@temporalio/client'
import type { ConnectionConfig } from '../domain/contracts/config.ts'
import { PerennialError } from '../domain/errors.ts'
import { WHERE_QUERY, type Where } from './catalogue.ts'

export type TemporalConfig = Pick<
  ConnectionConfig,
  'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'TEMPORAL_API_KEY' | 'TEMPORAL_TLS'
>

export interface Temporal {
  client: Client
  close(): Promise<void>
}

/** Connects, or throws TEMPORAL_UNAVAILABLE after `timeoutMs` of machine time, 5 s unless told. */
export async function connectTemporal(config: TemporalConfig, { timeoutMs = 5_000 } = {}): Promise<Temporal> {
  const { Client, Connection } = await import('@temporalio/client')
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, TEMPORAL_API_KEY: apiKey } = config
  try {
    const connection = await Connection.connect({
      address,
      connectTimeout: timeoutMs,
      // An API key travels over TLS only; the SDK turns it on by itself then.
      ...(config.TEMPORAL_TLS ? { tls: true } : {}),
      ...(apiKey === undefined ? {} : { apiKey }),
    })
    return { client: new Client({ connection, namespace }), close: () => connection.close() }
  } catch (cause) {
    const reason = isTemporalDown(cause) ? '' : `: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new PerennialError('TEMPORAL_UNAVAILABLE', `Temporal does not answer at ${address}${reason}`, { cause })
  }
}

/** A line that is opened when it is first asked for, and anew where that failed. */
export function temporalOnDemand(
  config: TemporalConfig,
  options: { timeoutMs?: number } = {},
): { temporal: () => Promise<Temporal>; close: () => Promise<void> } {
  let connecting: Promise<Temporal> | undefined
  return {
    temporal: () => {
      const asked = (connecting ??= connectTemporal(config, options))
      asked.catch(() => (connecting = connecting === asked ? undefined : connecting))
      return asked
    },
    close: async () => (await connecting?.catch(() => undefined))?.close(),
  }
}

/** gRPC's DEADLINE_EXCEEDED and UNAVAILABLE: https://grpc.io/docs/guides/status-codes/ */
const AWAY: ReadonlySet<unknown> = new Set([4, 14])

/** True where the server could not be reached or did not answer in time: trying again later is right. */
export function isTemporalDown(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof PerennialError && one.code === 'TEMPORAL_UNAVAILABLE') return true
    // The worker's native connection says so by name, the client's by a gRPC status or, at first, by words alone.
    if (one.name === 'TransportError' || one.message.includes('Failed to connect before the deadline')) return true
    if ('code' in one && 'details' in one && AWAY.has(one.code)) return true
  }
  return false
}

/** Where a run is: its step, as its workflow says, or why nobody knows. */
export type Whereabouts = { known: true; step: string; since: Date; until: Date | null } | { known: false; why: string }

/** Asks the workflow of a run, which takes a worker to answer; gives up after `timeoutMs` of machine time. */
export async function askWhere(
  connect: () => Promise<Temporal>,
  run: string,
  { timeoutMs = 3_000 } = {},
): Promise<Whereabouts> {
  try {
    const { client } = await connect()
    const where = await client.withDeadline(Date.now() + timeoutMs, () =>
      client.workflow.getHandle(run).query<Where>(WHERE_QUERY),
    )
    const { step, since, until } = where
    return { known: true, step, since: new Date(since), until: until === null ? null : new Date(until) }
  } catch (error) {
    return { known: false, why: whyUnknown(error, timeoutMs) }
  }
}

function whyUnknown(error: unknown, timeoutMs: number): string {
  if (error instanceof PerennialError) return error.message
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') {
    return 'Temporal does not know the run: its start still waits in the outbox, or its history was deleted'
  }
  if (isTemporalDown(error)) return `no worker answered within ${timeoutMs / 1000} s`
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && 'details' in cause && typeof cause.details === 'string') return cause.details
  return cause instanceof Error ? cause.message : String(cause)
}

const ASKED_AT_ONCE = 20

/** Asks the workflow of those whose step the store does not know; a worker has to answer. */
export async function withSteps<R extends { id: string; step: string | null }>(
  temporal: (() => Promise<Temporal>) | undefined,
  page: readonly R[],
): Promise<R[]> {
  const answers = [...page]
  const unknown = page.flatMap(({ step }, index) => (step === null ? [index] : []))
  const ask = async (): Promise<void> => {
    for (let index = unknown.shift(); index !== undefined; index = unknown.shift()) {
      const one = answers[index]
      if (!one || !temporal) continue
      const where = await askWhere(temporal, one.id)
      if (where.known) answers[index] = { ...one, step: where.step.replace(/, held: [A-Z_]+$/, '') }
    }
  }
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, ask))
  return answers
}
