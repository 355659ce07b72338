/**
 * Audiences by name over a population: store/audience-members.ts and audience-walks.ts in memory. Whoever something happens to is looked
 * at at once, for those audiences alone that look at such a thing; what only time changes is looked at once a night.
 */
import { type AudienceFilter, satisfies } from '../../domain/audience-filter.ts'
import { type LookedAt, NEW, lookedAt, touchedBy } from '../../domain/audience-review.ts'
import { Asked } from './asked.ts'
import type { Act } from './members.ts'
import type { Person } from './person.ts'
import type { PopulationShop } from './shop.ts'

/** How often somebody came in and fell out. */
export interface AudienceMoves {
  entered: number
  left: number
}

/** One of them, and what is looked at by who reads its filter. */
interface Audience extends LookedAt {
  name: string
  filter: AudienceFilter
}

/** Where somebody is in an audience: for the how-manieth time they came into it, and whether they are in it now. */
interface Entry {
  nth: number
  open: boolean
}

export class PopulationAudiences {
  readonly moves = new Map<string, AudienceMoves>()
  private readonly shop: PopulationShop
  private readonly named: ReadonlyMap<string, AudienceFilter>
  private readonly all: readonly Audience[]
  private readonly drifting: readonly Audience[]
  private readonly members = new Map<Person, Map<string, Entry>>()

  /** `named`: in the order of names. Throws AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
  constructor(shop: PopulationShop, named: ReadonlyMap<string, AudienceFilter>) {
    this.shop = shop
    this.named = named
    this.all = [...named].map(([name, filter]) => ({ name, filter, ...lookedAt(filter, { named }) }))
    this.drifting = this.all.filter(({ drifts }) => drifts)
    for (const { name } of this.all) this.moves.set(name, { entered: 0, left: 0 })
  }

  /** Whether all of some filters take somebody in as they are now. Throws AUDIENCE_UNKNOWN. */
  takeIn(filters: readonly AudienceFilter[], person: Person): boolean {
    const { now } = this.shop.clock
    const asked = new Asked(person, this.shop.standings, now)
    const setting = { now, named: this.named }
    return filters.every((filter) => satisfies(filter, asked, setting))
  }

  /** After all else that an event brought. `isNew`: it is the first of its customer. */
  reviewEvent(person: Person, { type, customer = {} }: Pick<Act, 'type' | 'customer'>, isNew = false): void {
    if (this.all.length === 0) return
    const touched = touchedBy({ type, customer })
    this.review(person, isNew ? [NEW, ...touched] : touched)
  }

  /** What happened to somebody touches these things, as `lookedAt` names them. */
  review(person: Person, touched: readonly string[]): void {
    const some = this.all.filter(({ things }) => touched.some((one) => things.has(one)))
    this.decide(person, some)
  }

  /** Once a night, whoever came in or fell out as time passed. */
  walk(): void {
    for (const one of this.drifting) for (const person of this.shop.people.values()) this.decide(person, [one])
  }

  private decide(person: Person, some: readonly Audience[]): void {
    const changed = some.filter(({ name, filter }) => this.takeIn([filter], person) !== this.isIn(person, name))
    for (const { name } of changed) this.move(person, name)
  }

  private isIn(person: Person, audience: string): boolean {
    return this.members.get(person)?.get(audience)?.open ?? false
  }

  /** In where they were out, and out where they were in. */
  private move(person: Person, audience: string): void {
    const of = this.members.get(person) ?? new Map<string, Entry>()
    const entry = of.get(audience) ?? { nth: 0, open: false }
    entry.open = !entry.open
    if (entry.open) entry.nth += 1
    this.members.set(person, of.set(audience, entry))
    const word = entry.open ? 'entered' : 'left'
    const moves = this.moves.get(audience)
    if (moves) moves[word] += 1
    const id = `audience/${audience}/${person.id}/${entry.nth}/${word}`
    this.shop.tell(person, {
      id,
      type: `audience.${word}`,
      properties: { audience, entry: `${audience}.${entry.nth}` },
    })
  }
}
