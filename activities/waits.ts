/** Waiting: what a run awaits is a row, and the customer's calendar is asked here, where zone tables may change. */
import { type CalendarTarget, afterDays, occurrenceOf } from '../domain/calendar.ts'
import type { CalendarDays } from '../domain/duration.ts'
import { PerennialError } from '../domain/errors.ts'
import { MIGRATED, type Properties, type RunStatus } from '../domain/journey.ts'
import type { Rest } from '../domain/pause.ts'
import { customer } from '../store/customers.ts'
import { enrolment } from '../store/enrolments.ts'
import { beginningOf } from '../store/events.ts'
import { type LastLook, type NewWait, closeWait, newestEvent, openWait, viewWait } from '../store/waits.ts'
import type { Now, Parts } from './index.ts'
import { lookBack } from './pauses.ts'

export interface RunView {
  status: RunStatus
  /** Whether the clean-up is due where the status alone does not say so. */
  cleanUp?: boolean
  until?: number
}

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
    closeWait: ({ asked, ...look }: LastLook & { asked?: number }) =>
      closeWait(db, { ...look, ...(asked !== undefined && { now: now(asked) }) }),

    /** What the event that began a run says; nothing where none did. */
    beginning: async ({ run }: { run: string }): Promise<Properties> => (await beginningOf(db, run)) ?? {},

    /** The newest event of some types since the run began, that which began it with them. */
    newestEvent: (asked: Parameters<typeof newestEvent>[1]) => newestEvent(db, asked),

    /** Whether the run is still on, and until when its rest lasts where pauses moved that; asked after a wake-up. */
    async runStatus({ run, rest, asked = 0 }: { run: string; rest?: Rest; asked?: number }): Promise<RunView> {
      const row = await enrolment(db, run)
      if (!row) throw new PerennialError('RUN_UNKNOWN', `no run '${run}'`, { field: 'run' })
      const { status, customer: id, reason, clean_up: asksFor } = row
      // A run that goes on elsewhere takes nothing back; one that was stopped does where its operator said so.
      const cleanUp = reason === MIGRATED ? false : asksFor ? true : undefined
      const view = { status, ...(cleanUp !== undefined && { cleanUp }) }
      if (!rest || status !== 'running') return view
      const after = await lookBack(db, { run, rest, now: now(asked), shopZone: policy.shopZone, customer: id })
      return after.is === 'held' && after.until !== null ? { ...view, until: after.until } : view
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
