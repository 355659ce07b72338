/** Our own numbers, in the form Prometheus reads. The SDK's come beside them on the same page. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { COMPLAINT_DAYS, complaintShare } from '../../domain/complaints.ts'
import type { Clock } from '../../domain/tempo.ts'
import type { Db } from '../../store/db.ts'
import { dispatchBacklog } from '../../store/dispatch.ts'
import { channelCounts } from '../../store/timeline.ts'
import { budgetGauges } from './budget-metrics.ts'

/** What is counted of an effect; the activities' own line fits. */
export interface CountedEffect {
  effect: string
  journey: string
  result: string
  code?: string | undefined
}

export interface Metrics {
  registry: Registry
  countEffect(line: CountedEffect): void
  countEvents(answer: { accepted: number; duplicates: number; rejected: number }): void
  /** `route` is the pattern, never the address: addresses may name people. */
  timeRequest(labels: { method: string; route: string; status: number }, seconds: number): void
}

/** A registry of its own, so that several may live in one process. The outbox is read when somebody asks. */
export function createMetrics({ db, clock }: { db: Db; clock?: Clock }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const events = new Counter({
    name: 'perennial_events_total',
    help: 'Events sent to us, by what became of them.',
    labelNames: ['result'] as const,
    registers,
  })
  const effects = new Counter({
    name: 'perennial_effects_total',
    help: 'Effects asked for, by what became of them; code is the refusal.',
    labelNames: ['effect', 'journey', 'result', 'code'] as const,
    registers,
  })
  const seconds = new Histogram({
    name: 'perennial_http_seconds',
    help: 'Time to answer a request.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  registry.registerMetric(waitingGauge(db))
  if (clock) for (const gauge of channelGauges(db, clock)) registry.registerMetric(gauge)
  for (const gauge of budgetGauges(db)) registry.registerMetric(gauge)
  return {
    registry,
    countEffect({ effect, journey, result, code = '' }) {
      effects.inc({ effect, journey, result, code })
    },
    countEvents({ accepted, duplicates, rejected }) {
      events.inc({ result: 'accepted' }, accepted)
      events.inc({ result: 'duplicate' }, duplicates)
      events.inc({ result: 'rejected' }, rejected)
    },
    timeRequest({ method, route, status }, took) {
      seconds.observe({ method, route, status: String(status) }, took)
    },
  }
}

function waitingGauge(db: Db): Gauge {
  return new Gauge({
    name: 'perennial_dispatch_waiting',
    help: 'Rows of the outbox that Temporal has yet to be told; NaN while the store does not answer.',
    registers: [],
    async collect() {
      try {
        this.set((await dispatchBacklog(db)).waiting)
      } catch {
        // The other numbers must come all the same, and this one must not look like zero.
        this.set(Number.NaN)
      }
    },
  })
}

/** How the channels did in the last days: what is open, and complaints against what mail providers bear. */
function channelGauges(db: Db, clock: Clock): Gauge<'channel' | 'status'>[] {
  const since = (): number => clock.now() - COMPLAINT_DAYS * 86_400_000
  const messages = new Gauge({
    name: 'perennial_messages',
    help: `Messages of the last ${COMPLAINT_DAYS} days by channel and status; NaN while the store does not answer.`,
    labelNames: ['channel', 'status'] as const,
    registers: [],
    async collect() {
      this.reset()
      const counts = await channelCounts(db, since()).catch(() => undefined)
      if (!counts) return this.set({ channel: '', status: '' }, Number.NaN)
      for (const { channel, sent, accepted, unknown, failed, bounced, complained } of counts) {
        const all = { sent, accepted, unknown, failed, bounced, complained }
        for (const [status, count] of Object.entries(all)) this.set({ channel, status }, count)
      }
    },
  })
  const complaints = new Gauge({
    name: 'perennial_complaint_share',
    help: `Complaints by mails sent in the last ${COMPLAINT_DAYS} days; Gmail wants it below 0.001 and never 0.003.`,
    registers: [],
    async collect() {
      const counts = await channelCounts(db, since()).catch(() => undefined)
      const mail = counts?.find(({ channel }) => channel === 'email')
      this.set(counts ? ((mail && complaintShare(mail)) ?? 0) : Number.NaN)
    },
  })
  return [messages, complaints as Gauge<'channel' | 'status'>]
}
