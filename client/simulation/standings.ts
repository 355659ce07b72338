/**
 * Where the customers of a population stand: store/reckonings.ts, reckoning-frames.ts and standings.ts in memory. A night decides the
 * stage of everybody; the rest of a standing is worked out for whoever is asked about, from what that night had.
 */
import { localDate } from '../../domain/calendar.ts'
import type { Properties } from '../../domain/journey.ts'
import { type Frame, dayNumber, reckon } from '../../domain/reckoning.ts'
import { QUINTILES, valuesOf } from '../../domain/rfm.ts'
import { GAPS_LEAST, type Order, gapsOf, median, visitsOf } from '../../domain/rhythm.ts'
import { stageOf } from '../../domain/stage.ts'
import type { Stage, Standing } from '../../domain/standing.ts'
import type { Person } from './person.ts'

/** How one customer was placed last. */
interface Placed {
  stage: Stage
  /** How often it changed so far. */
  changes: number
  orders: readonly Order[]
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
  private readonly placed = new Map<Person, Placed>()
  private readonly zone: string

  /** `zone`: the shop's. */
  constructor(zone: string) {
    this.zone = zone
  }

  /** The nightly reckoning; answers whose stage changed. */
  reckon(people: Iterable<Person>, now: number): [Person, StageEvent][] {
    const all = [...people]
    const date = localDate(now, this.zone)
    this.frame = measured(
      all.map(({ orders }) => orders),
      dayNumber(date),
    )
    const changed = all.flatMap((person): [Person, StageEvent][] => {
      const told = this.place(person, date, this.frame)
      return told ? [[person, told]] : []
    })
    this.isKnown = true
    return changed
  }

  /** Who bought or was paid back stands anew at once, by what the last night measured. */
  standAnew(person: Person, now: number): StageEvent | undefined {
    return this.frame && this.place(person, localDate(now, this.zone), this.frame)
  }

  stageOf(person: Person): Stage | undefined {
    return this.placed.get(person)?.stage
  }

  /** Null before the first night. */
  standingOf(person: Person): Standing | null {
    const placed = this.placed.get(person)
    if (!placed) return null
    placed.standing ??= standingBy(placed)
    return placed.standing
  }

  /** When they last paid, as that night had it; undefined where they never did. */
  lastPaidOf(person: Person): number | undefined {
    const times = this.placed.get(person)?.orders.map(({ at }) => at)
    return times && times.length > 0 ? Math.max(...times) : undefined
  }

  /** Who is seen for the first time was a prospect, unless nobody was reckoned before. */
  private place(person: Person, date: string, frame = this.frame): StageEvent | undefined {
    if (!frame) return undefined
    const { orders } = person
    const today = dayNumber(date)
    const before = this.placed.get(person)
    // Nothing of it changes before they buy.
    if (orders.length === 0 && before?.stage === 'prospect') return undefined
    const stage = orders.length === 0 ? 'prospect' : stageOf(orders, today, frame.rhythm)
    const from = before?.stage ?? (this.isKnown ? 'prospect' : null)
    const isTold = from !== null && from !== stage
    const changes = (before?.changes ?? 0) + (isTold ? 1 : 0)
    this.placed.set(person, { stage, changes, orders, today, frame, standing: undefined })
    if (!isTold) return undefined
    const properties = { from, to: stage, change: `${date}.${stage}` }
    return { id: `standing/${person.id}/${changes}`, type: 'stage.changed', properties }
  }
}

function standingBy({ orders, today, frame }: Placed): Standing {
  const {
    orders: _orders,
    yearOrders: _yearOrders,
    firstPaidAt: _firstPaidAt,
    ...standing
  } = reckon(orders, today, frame)
  return standing
}

/** The quintiles of R and M, and the median gap of the shop and of each category, over all orders by the morning of a day. */
function measured(all: readonly (readonly Order[])[], today: number): Frame {
  const [r, m, gaps]: [number[], number[], number[]] = [[], [], []]
  const byCategory = new Map<string, number[]>()
  for (const orders of all) {
    if (orders.length === 0) continue
    const values = valuesOf(orders, today)
    if (values) {
      r.push(values.days)
      m.push(values.spent)
    }
    const theirs = gapsAmong(orders)
    gaps.push(...theirs.all)
    for (const [category, some] of theirs.byCategory) {
      const known = byCategory.get(category)
      if (known) known.push(...some)
      else byCategory.set(category, [...some])
    }
  }
  const medians = [...byCategory].flatMap(([category, some]) => {
    const gap = some.length >= GAPS_LEAST ? median(some) : null
    return gap === null ? [] : [[category, gap] as const]
  })
  const gap = gaps.length >= GAPS_LEAST ? median(gaps) : null
  return { edges: { r: quintilesOf(r), m: quintilesOf(m) }, rhythm: { gap, byCategory: Object.fromEntries(medians) } }
}

interface Gaps {
  all: readonly number[]
  byCategory: readonly (readonly [string, readonly number[]])[]
}

/** Between the visits of one customer: the same each night until they buy again. */
function gapsAmong(orders: readonly Order[]): Gaps {
  if (orders.length < 2) return NO_GAPS
  const known = gapsKnown.get(orders)
  if (known) return known
  const categories = new Set(orders.flatMap((order) => order.categories))
  const gaps: Gaps = {
    all: gapsOf(visitsOf(orders)),
    byCategory: [...categories].map((category) => [
      category,
      gapsOf(visitsOf(orders.filter((order) => order.categories.includes(category)))),
    ]),
  }
  gapsKnown.set(orders, gaps)
  return gaps
}

const NO_GAPS: Gaps = { all: [], byCategory: [] }
const gapsKnown = new WeakMap<readonly Order[], Gaps>()

/** The least value that at least such a share lies at or below. */
function quintilesOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((one, other) => one - other)
  if (sorted.length === 0) return []
  return QUINTILES.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0)
}
