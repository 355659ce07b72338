/** Whom a sweep may come to, kept up as things happen: no night has to look at everybody for the few that it is about. */
import type { Person } from './person.ts'

export class Rolls {
  private readonly born = new Map<number, Set<Person>>()
  /** Had a coupon that may still be open. */
  readonly holders = new Set<Person>()
  /** Has some growth value, or a level with an end. */
  readonly climbers = new Set<Person>()
  /** Before when nobody's points expire: most last for longer than anybody simulates. */
  readonly points = { soonest: Infinity }

  /** Whoever has told of a birthday is on the roll of its day; who told of another one later is on both. */
  tellsBirthday(person: Person): void {
    const known = this.born.get(person.bornOn)
    if (known) known.add(person)
    else this.born.set(person.bornOn, new Set([person]))
  }

  /** Those who were born on one of some days, as `birthdayNumber` has them. */
  *bornOn(days: Iterable<number>): Generator<Person> {
    for (const day of days) for (const person of this.born.get(day) ?? NOBODY) if (person.bornOn === day) yield person
  }
}

const NOBODY: Iterable<Person> = []
