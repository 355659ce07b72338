/** Campaigns over a population: when the day of one comes round in a zone. */
import { type Occasion, occasionsWithin } from '../../domain/timetable.ts'
import type { CatalogueEntry } from '../catalogue.ts'

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
