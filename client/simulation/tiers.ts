/** The tier of one customer of a population: store/tiers.ts and store/tier-benefits.ts over lots in memory, under one programme. */
import { localDate } from '../../domain/calendar.ts'
import { tierGiftKey } from '../../domain/ids.ts'
import type { Properties } from '../../domain/journey.ts'
import {
  type Counted,
  type Lasting,
  type Level,
  type Programme,
  type TierFacts,
  countedAt,
  isNear,
  lastingFrom,
  levelAt,
  rankAfterTerm,
  rankFor,
  tierFacts,
} from '../../domain/tier.ts'
import type { Lots } from '../preview/lots.ts'

interface Row {
  ordinal: number
  rank: number
  growth: number
  counted: Counted
  /** The newest change of the lots when it was opened. */
  upto: number
  from: number
  lasting: Lasting | null
  period: { name: string; end: number } | null
  why: 'first' | 'rise' | 'keep' | 'fall' | 'refund'
}

/** A change of level, to be told to the journeys. */
export interface TierEvent {
  id: string
  type: 'tier.upgraded' | 'tier.kept' | 'tier.downgraded'
  properties: Properties
}

interface Of {
  customer: string
  zone: () => string
  joined: number
  programme: Programme
  lots: Lots
}

const TOLD = { rise: 'tier.upgraded', keep: 'tier.kept', fall: 'tier.downgraded', refund: 'tier.downgraded' } as const
const VERDICT = { rise: 'risen', keep: 'kept', fall: 'fallen', refund: 'fallen' } as const

export class TierHistory {
  private readonly rows: Row[] = []
  /** When the level's term is decided; undefined where it has none. */
  dueAt: number | undefined
  private readonly given = new Map<string, string>()
  private readonly of: Of

  constructor(of: Of) {
    this.of = of
  }

  /** The level the customer has; the lowest before they were seen. */
  get now(): Level {
    return levelAt(this.of.programme, this.rows.at(-1)?.rank ?? 0)
  }

  /** Decides the level anew. What was due before is decided without what came since `fresh`, the first change of this time. */
  review(because: 'growth' | 'refund' | 'time', { now, fresh }: { now: number; fresh?: number }): TierEvent[] {
    const { programme } = this.of
    const told: TierEvent[] = []
    const upto = fresh === undefined ? undefined : fresh - 1
    let row = this.rows.at(-1) ?? this.placeFirst(now, upto)
    while (row.lasting && row.lasting.due <= now) {
      row = this.endTerm(row, { now, upto })
      told.push(this.eventOf(row))
    }
    if (because === 'growth') {
      const counted = this.counted(now, row)
      const growth = this.of.lots.growth(counted)
      const rank = rankFor(programme, growth)
      if (rank > row.rank) told.push(this.eventOf(this.open({ rank, why: 'rise', growth, counted, from: now })))
    } else if (because === 'refund' && programme.onRefund === 'at-once') {
      const fallen = this.fall(row, now)
      if (fallen) told.push(this.eventOf(fallen))
    }
    return told
  }

  private placeFirst(now: number, upto?: number): Row {
    const { programme, lots, joined } = this.of
    const counted = this.counted(now)
    const growth = lots.growth(counted, upto)
    const rank = rankFor(programme, growth)
    return this.open({ rank, why: 'first', growth, counted, from: rank === 0 ? Math.min(joined, now) : now, upto })
  }

  private counted(at: number, row?: Row): Counted {
    const { programme, zone, joined } = this.of
    const goesOn = row?.why === 'refund' || (row?.why === 'first' && row.rank === 0)
    const opened = row
      ? { since: row.counted.since, after: goesOn ? row.counted.after : row.upto }
      : { since: joined, after: 0 }
    return countedAt(programme, { at, zone: zone(), joined, opened })
  }

  /** The end of a term; what follows a kept or a lost one begins where it ended. */
  private endTerm(row: Row, { now, upto }: { now: number; upto: number | undefined }): Row {
    const { programme, lots } = this.of
    const end = row.lasting?.end ?? now
    const counted = this.counted(end - 1, row)
    const growth = lots.growth(counted, upto)
    const rank = Math.max(rankAfterTerm(programme, row.rank, growth), rankFor(programme, growth))
    const why = rank > row.rank ? 'rise' : rank === row.rank ? 'keep' : 'fall'
    return this.open({ rank, why, growth, counted, from: now, follows: why === 'rise' ? undefined : end, upto })
  }

  private fall(row: Row, now: number): Row | undefined {
    const { programme, lots } = this.of
    if (row.rank === 0 || row.growth < levelAt(programme, row.rank).from) return undefined
    const current = this.counted(now, row)
    const [since, nowCounts] = [lots.growth(row.counted), lots.growth(current)]
    const growth = Math.max(since, nowCounts)
    const rank = rankFor(programme, growth)
    if (rank >= row.rank) return undefined
    return this.open({ rank, why: 'refund', growth, counted: since >= nowCounts ? row.counted : current, from: now })
  }

  private open(
    one: Pick<Row, 'rank' | 'why' | 'growth' | 'counted' | 'from'> & {
      follows?: number | undefined
      upto?: number | undefined
    },
  ): Row {
    const { programme, lots, zone } = this.of
    const { rank, why, from, follows, upto = lots.newest } = one
    const lasting =
      rank === 0
        ? null
        : lastingFrom(programme, { from: follows ?? from, zone: zone(), follows: follows !== undefined })
    const running = why === 'rise' ? this.runningPeriod(rank, from) : undefined
    const period = lasting && {
      name: running?.name ?? localDate(from, zone()),
      end: Math.max(lasting.due, running?.end ?? 0),
    }
    const { growth, counted } = one
    const row = { ordinal: this.rows.length + 1, rank, why, growth, counted, from, lasting, period, upto }
    this.rows.push(row)
    this.dueAt = lasting?.due
    return row
  }

  /** The period a level was given its gift in, where it is not over: reached again, it is the same one. */
  private runningPeriod(rank: number, now: number): { name: string; end: number } | undefined {
    const last = this.rows.findLast((row) => row.rank === rank && (row.period?.end ?? 0) > now)
    return last?.period ?? undefined
  }

  private eventOf({ ordinal, rank, why, period }: Row): TierEvent {
    const { customer, programme } = this.of
    if (why === 'first') throw new RangeError('the first level is not told')
    const { id: level, title } = levelAt(programme, rank)
    const before = this.rows[ordinal - 2]
    const from = levelAt(programme, before?.rank ?? 0).id
    const properties: Properties = { level, title, from, period: period?.name ?? null }
    if (why === 'rise') {
      const again = this.rows
        .slice(0, ordinal - 1)
        .some((row) => row.rank === rank && row.period?.name === period?.name)
      Object.assign(properties, { reached: `${level}.${period?.name}`, again })
    }
    if (why === 'fall') properties['because'] = 'term'
    if (why === 'refund') properties['because'] = 'refund'
    return { id: `tier/${customer}/${ordinal}/${VERDICT[why]}`, type: TOLD[why], properties }
  }

  facts(now: number): TierFacts {
    const { programme, lots, zone } = this.of
    const row = this.rows.at(-1)
    const end = row?.lasting?.end ?? null
    const growth = lots.growth(this.counted(now, row))
    const keeping = end === null ? null : { growth: lots.growth(this.counted(end - 1, row)), end }
    return tierFacts({ programme, level: this.now, growth, keeping, now, zone: zone() })
  }

  /** The level whose rise an event told of, and the run's key of its gift; undefined where another run gave it, or none is to be. */
  claim(run: string, { level: id, period }: Properties): { level: Level; key: string } | 'given' | undefined {
    const { programme, customer } = this.of
    const rank = programme.levels.findIndex((level) => level.id === id)
    const risen = this.rows.some((row) => row.why === 'rise' && row.rank === rank && row.period?.name === period)
    if (!risen || typeof period !== 'string' || typeof id !== 'string') return undefined
    const key = tierGiftKey({ customer, period, level: id }, 'coupon')
    if ((this.given.get(key) ?? run) !== run) return 'given'
    this.given.set(key, run)
    return { level: levelAt(programme, rank), key }
  }

  /** The end of the term where it ends unkept as it stands, else undefined. */
  endingAt(): number | undefined {
    const row = this.rows.at(-1)
    const end = row?.lasting?.end
    if (!row || end === undefined) return undefined
    const growth = this.of.lots.growth(this.counted(end - 1, row))
    return growth < levelAt(this.of.programme, row.rank).from ? end : undefined
  }

  /** The level above; undefined on the highest, and before the customer was seen. */
  get next(): Level | undefined {
    const row = this.rows.at(-1)
    return row && this.of.programme.levels[row.rank + 1]
  }

  /** Whether the customer is almost on the next level at an instant. */
  isNearAt(instant: number): boolean {
    const { programme, lots } = this.of
    const { next } = this
    return next !== undefined && isNear(programme, lots.growth(this.counted(instant, this.rows.at(-1))), next)
  }
}
