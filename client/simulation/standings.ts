/**
 * Where the customers of a population stand: store/reckonings.ts and standings.ts in memory. A night decides the stage of everybody;
 * the rest of a standing is worked out for whoever is asked about, from what that night had.
 */
import { localDate } from '../../domain/calendar.ts'
import type { Properties } from '../../domain/journey.ts'
import { type Frame, dayNumber, reckon } from '../../domain/reckoning.ts'
import { type Habit, type Order, habitOf, usualBy } from '../../domain/rhythm.ts'
import { settledUntil, stageOf } from '../../domain/stage.ts'
import type { Stage, Standing } from '../../domain/standing.ts'
import type { Frames } from './frames.ts'
import type { Person } from './person.ts'

/** How one customer was placed last. */
export interface Placed {
  stage: Stage
  /** How often it changed so far. */
  changes: number
  orders: readonly Order[]
  habit: Habit
  /** The gap that is usual, and the last day through which their stage stays as it is while that and the orders do. */
  usual: number | null
  until: number
  today: number
  frame: Frame
  /** The whole of it, where somebody has asked. */
  standing: Standing | undefined
}

export interface StageEvent {
  id: string
  type: 'stage.changed'
  properties: Properties
}

export class PopulationStandings {
  private frame: Frame | undefined
  /** Whether a night before this one was reckoned. */
  private isKnown = false
  /** Whose stage that is. */
  readonly dormant = new Set<Person>()
  /** Those whom a night may move: whoever bought, and whoever was not placed so far. */
  private readonly movable = new Set<Person>()
  private readonly zone: string
  private readonly frames: Frames

  /** `zone`: the shop's. */
  constructor(zone: string, frames: Frames) {
    this.zone = zone
    this.frames = frames
  }

  /** Somebody new, whom the next night places. */
  meet(person: Person): void {
    this.movable.add(person)
  }

  /** The nightly reckoning; answers whose stage changed. */
  reckon(now: number): [Person, StageEvent][] {
    const date = localDate(now, this.zone)
    const today = dayNumber(date)
    this.frame = this.frames.measure(now, date)
    const changed: [Person, StageEvent][] = []
    for (const person of this.movable) {
      const told = this.place(person, { date, today })
      if (told) changed.push([person, told])
    }
    this.isKnown = true
    return changed
  }

  /** Who bought or was paid back stands anew at once, by what the last night measured. */
  standAnew(person: Person, now: number): StageEvent | undefined {
    this.movable.add(person)
    const date = localDate(now, this.zone)
    return this.place(person, { date, today: dayNumber(date) })
  }

  /** Null before the first night. */
  standingOf(person: Person): Standing | null {
    const { placed } = person
    if (!placed) return null
    placed.standing ??= standingBy(placed)
    return placed.standing
  }

  /** When they last paid, as that night had it; undefined where they never did. */
  lastPaidOf(person: Person): number | undefined {
    let last: number | undefined
    for (const { at } of person.placed?.orders ?? []) last = Math.max(last ?? at, at)
    return last
  }

  /** Who is seen for the first time was a prospect, unless nobody was reckoned before. */
  private place(person: Person, { date, today }: { date: string; today: number }): StageEvent | undefined {
    const { frame } = this
    if (!frame) return undefined
    const { orders } = person
    const before = person.placed
    // Nothing of it changes before they buy.
    if (orders.length === 0) this.movable.delete(person)
    if (orders.length === 0 && before?.stage === 'prospect') return undefined
    const habit = habitIn(person)
    const usual = usualBy(habit, frame.rhythm)
    if (before && before.orders === orders && before.usual === usual && today <= before.until) {
      before.today = today
      before.frame = frame
      before.standing = undefined
      return undefined
    }
    const stage = orders.length === 0 ? 'prospect' : stageOf(orders, today, frame.rhythm, habit)
    const until = settledUntil(orders, today, frame.rhythm, habit)
    const from = before?.stage ?? (this.isKnown ? 'prospect' : null)
    const isTold = from !== null && from !== stage
    const changes = (before?.changes ?? 0) + (isTold ? 1 : 0)
    person.placed = { stage, changes, orders, habit, usual, until, today, frame, standing: undefined }
    if (from === stage) return undefined
    if (stage === 'dormant') this.dormant.add(person)
    else this.dormant.delete(person)
    if (!isTold) return undefined
    const properties = { from, to: stage, change: `${date}.${stage}` }
    return { id: `standing/${person.id}/${changes}`, type: 'stage.changed', properties }
  }
}

/** As it was looked up when they were placed last, unless they have bought since. */
const habitIn = ({ orders, placed }: Person): Habit => (placed?.orders === orders ? placed.habit : habitOf(orders))

function standingBy({ orders, today, frame }: Placed): Standing {
  const {
    orders: _orders,
    yearOrders: _yearOrders,
    firstPaidAt: _firstPaidAt,
    ...standing
  } = reckon(orders, today, frame)
  return standing
}
