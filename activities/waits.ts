/** Waiting: what a run awaits is a row, and the customer's calendar is asked here, where zone tables may change. */
import { type CalendarTarget, afterDays, occurrenceOf } from '../domain/calendar.ts'
import type { CalendarDays } from '../domain/duration.ts'
import { PerennialError } from '../domain/errors.ts'
import type { Properties, RunStatus } from '../domain/journey.ts'
import { customer } from '../store/customers.ts'
import { enrolment } from '../store/enrolments.ts'
import { beginningOf } from '../store/events.ts'
import { type LastLook, type NewWait, closeWait, newestEvent, openWait, viewWait } from '../store/waits.ts'
import type { Now, Parts } from './index.ts'

export function waitActivities({ db, policy }: Parts, now: Now) {
  async function zoneOf(id: string): Promise<string> {
    return (await customer(db, id))?.zone ?? policy.shopZone
  }
  return {
    /** Registers a wait; answers the event if it came before. */
    openWait: (wait: NewWait) => openWait(db, wait),

    /** What woke the run: the event of its wait, or the run's end. */
    viewWait: (wait: { run: string; key: string }) => viewWait(db, wait),

    /** The last look at the deadline. */
    closeWait: (look: LastLook) => closeWait(db, look),

    /** What the event that began a run says; nothing where none did. */
    beginning: async ({ run }: { run: string }): Promise<Properties> => (await beginningOf(db, run)) ?? {},

    /** The newest event of some types since the run began, that which began it with them. */
    newestEvent: (asked: Parameters<typeof newestEvent>[1]) => newestEvent(db, asked),

    /** Whether the run is still on; asked after a wake-up. */
    async runStatus({ run }: { run: string }): Promise<{ status: RunStatus }> {
      const row = await enrolment(db, run)
      if (!row) throw new PerennialError('RUN_UNKNOWN', `no run '${run}'`, { field: 'run' })
      return { status: row.status }
    },

    /** The instant that calendar days and a time on the customer's clock come to. */
    async calendarWait({
      customer: id,
      wait,
      asked,
    }: {
      customer: string
      wait: CalendarDays
      asked: number
    }): Promise<number> {
      return afterDays(asked, wait, await zoneOf(id))
    },

    /** When a date, weekday or time of the customer's calendar falls due, and whether that has passed. */
    async calendarTarget({ customer: id, target, asked }: { customer: string; target: CalendarTarget; asked: number }) {
      const { due, late, next } = occurrenceOf(target, await zoneOf(id), now(asked))
      return { due, late, next: next ?? null }
    },
  }
}
