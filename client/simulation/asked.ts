/** Somebody of a population as filters of audiences ask of them. */
import type { AudienceFacts } from '../../domain/audience-filter.ts'
import { channelsOf } from '../preview/membership.ts'
import type { Person } from './person.ts'
import type { PopulationStandings } from './standings.ts'

/** Worked out when a filter asks: most ask for little. */
export class Asked implements AudienceFacts {
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
    return this.person.tier.now.id
  }

  get locale() {
    return this.person.customer.locale ?? null
  }

  get channels() {
    return channelsOf(this.person.customer)
  }

  get consents() {
    return this.person.topics
  }

  get events() {
    return this.person.eventsDated
  }
}

const NO_TRAITS = {}
