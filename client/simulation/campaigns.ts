/** Campaigns over a population: when the day of one comes round in a zone, and who of its people is a member. */
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { type Occasion, occasionsWithin } from '../../domain/timetable.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import { type FilterFacts, type Reached, isReached } from '../preview/membership.ts'
import type { Person } from './person.ts'
import type { PopulationStandings } from './standings.ts'

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

/** What filters ask of somebody, worked out when one asks: most ask for little. */
class Asked implements FilterFacts, Reached {
  private readonly person: Person
  private readonly standings: PopulationStandings
  private readonly now: number

  constructor(person: Person, standings: PopulationStandings, now: number) {
    this.person = person
    this.standings = standings
    this.now = now
  }

  get zone() {
    return this.person.customer.zone
  }

  get tags() {
    return this.person.tagsAt(this.now)
  }

  get traits() {
    return this.person.customer.traits ?? NO_TRAITS
  }

  get standing() {
    return this.standings.standingOf(this.person)
  }

  get tier() {
    return { level: this.person.tier.now.id }
  }

  get customer() {
    return this.person.customer
  }

  get consents() {
    return this.person.topics
  }

  events() {
    return this.person.eventsDated
  }
}

const NO_TRAITS = {}

/** Whether all of some filters take somebody in as they are now. */
export function takenIn(
  filters: readonly AudienceFilter[],
  person: Person,
  { standings, now }: { standings: PopulationStandings; now: number },
): boolean {
  const asked = new Asked(person, standings, now)
  return filters.every((filter) => isReached(filter, asked, asked, now))
}
