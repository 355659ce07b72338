/** Occasions that the calendar brings, a birthday above all: entering whoever has one, once, by a sweep or behind it. */
import { birthdayWithin } from '../domain/birthday.ts'
import { instantOn, localDate } from '../domain/calendar.ts'
import { armOf } from '../domain/experiment.ts'
import { runId } from '../domain/ids.ts'
import { type Routing, decideEntry } from '../domain/journey.ts'
import { birthdayOf, lockCustomer } from './customers.ts'
import type { Tx } from './db.ts'
import { decide } from './decisions.ts'
import { enrol, pastEntries } from './enrolments.ts'
import { isSwitchedOff } from './journeys.ts'

export interface OccasionEntry {
  customer: string
  occasion: string
  /** When it is; where that is over, the story begins now. */
  instant: number
  begunBy: string
  begunSeq: number
  now: number
}

/** Whether the customer entered. Who may not is told why, once an occasion; who is in is let be. Call it with the customer locked. */
export async function enterOccasion(tx: Tx, plan: Routing, of: OccasionEntry): Promise<boolean> {
  const { customer, occasion, now, begunBy, begunSeq } = of
  const past = await pastEntries(tx, plan.name, customer)
  const entry = decideEntry(plan, { occasion, now, past })
  if (!entry.enter && entry.code === 'ALREADY_ENTERED') return false
  const code = entry.enter ? ((await isSwitchedOff(tx, plan)) ? 'SWITCHED_OFF' : undefined) : entry.code
  if (code !== undefined) {
    const key = `${runId({ journey: plan.name, customer, occasion })}/entry/refused`
    await decide(tx, {
      key,
      customer,
      journey: plan.name,
      enrolment: null,
      about: 'entry',
      verdict: 'refused',
      code,
      detail: `occasion ${occasion}`,
      now,
    })
    return false
  }
  const startsAt = Math.max(of.instant, now)
  return enrol(tx, {
    journey: plan.name,
    customer,
    occasion,
    arm: armOf(plan.name, customer, plan.holdout),
    begunBy,
    begunSeq,
    startsAt,
    goalUntil: plan.goal?.within ? startsAt + plan.goal.within : null,
    now,
  })
}

const DAY = 86_400_000

/**
 * A birthday that is told when its sweep has gone, on the eve or on the day itself, is kept all the same: the story begins at its hour, or
 * at once where that is past. A day that is over brings nothing. Call it with the customer locked.
 */
export async function keepLateBirthday(
  tx: Tx,
  customer: string,
  { plans, seq, now, shopZone }: { plans: readonly Routing[]; seq: number; now: number; shopZone: string },
): Promise<void> {
  const swept = plans.filter(({ sweep }) => sweep?.audience === 'birthday')
  const person = swept.length > 0 ? await lockCustomer(tx, customer) : undefined
  const birthday = person && birthdayOf(person)
  if (!birthday) return
  const zone = person.zone ?? shopZone
  // From the midnight behind the customer to the one of UTC ahead, from which on the next sweep enters people.
  const window = { from: instantOn(localDate(now, zone), '00:00', zone), to: (Math.floor(now / DAY) + 1) * DAY }
  for (const plan of swept) {
    const kept = birthdayWithin(birthday, zone, plan.sweep?.at ?? '00:00', window)
    if (!kept) continue
    const occasion = String(kept.year)
    const of = { customer, occasion, instant: kept.instant, begunBy: 'birthday told late', begunSeq: seq, now }
    await enterOccasion(tx, plan, of)
  }
}
