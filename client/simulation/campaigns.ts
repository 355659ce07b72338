/** Campaigns over a population: when the day of one comes round in a zone, and who of its people is a member. */
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { type Occasion, occasionsWithin } from '../../domain/timetable.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import { isReached } from '../preview/membership.ts'
import type { Person } from './person.ts'

const DAY = 86_400_000

/** A campaign that begins in a zone, at an instant, for an occasion. */
export interface Beginning extends Pick<Occasion, 'occasion' | 'date'> {
  entry: CatalogueEntry
  zone: string
  at: number
}

/** What begins on the day that `from` begins, in the zones that somebody lives in. */
export function campaignsOn(entries: readonly CatalogueEntry[], zones: readonly string[], from: number): Beginning[] {
  return entries.flatMap((entry) => {
    const { begins, ahead = 0 } = entry.plan.campaign ?? {}
    if (!begins) return []
    return zones.flatMap((zone) =>
      occasionsWithin(begins, zone, { from: from + ahead, to: from + ahead + DAY }).map(
        ({ occasion, date, instant }) => ({
          entry,
          zone,
          at: instant - ahead,
          occasion,
          date,
        }),
      ),
    )
  })
}

/** Whether a filter takes somebody in as they are now; `facts` as a story asks for them. */
export function takesIn(
  filter: AudienceFilter,
  person: Person,
  { facts, now }: { facts: ReturnType<Person['facts']>; now: number },
): boolean {
  const { customer, topics: consents } = person
  return isReached(filter, facts, { customer, consents, events: () => person.eventsDated }, now)
}
