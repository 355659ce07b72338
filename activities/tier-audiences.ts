/** Whom the daily sweeps about tiers enter: those whose term ends unkept, and those who are almost on the next level. */
import { afterDays, daysBetween, localDate } from '../domain/calendar.ts'
import { type Programme, countedAt, isNear, levelAt, rankUnder } from '../domain/tier.ts'
import type { Db } from '../store/db.ts'
import { newestProgramme, programmeVersions } from '../store/programmes.ts'
import { type TierMember, endingTiers, growingTiers } from '../store/tier-audiences.ts'
import { growthOf, openedBy } from '../store/tier-history.ts'
import type { AudiencePage, Member, MemberPage } from './audiences.ts'

/** How many days before the last day of a term somebody is told first. */
const DAYS_AHEAD = 30
/** Wide enough for every zone; what is due is then told by the customer's own calendar. */
const WINDOW = (DAYS_AHEAD + 3) * 86_400_000

/** The time of day on a customer's clock within the page's window; undefined where a clock change leaves it out. */
export function instantWithin({ from, to, at }: AudiencePage, zone: string): number | undefined {
  const time = at as `${number}:${number}`
  return [0, 1].map((days) => afterDays(from, { days, at: time }, zone)).find((one) => one >= from && one < to)
}

interface Standing {
  member: TierMember
  zone: string
  /** The instant the growth value is counted at, and by which programme. */
  counts: { at: number; by: Programme }
}

/** What counts of each, in their order. */
function growths(db: Db, standings: readonly Standing[]): Promise<number[]> {
  const asks = standings.map(({ member, zone, counts: { at, by } }) => ({
    customer: member.customer,
    ...countedAt(by, { at, zone, joined: member.joined.getTime(), opened: openedBy(member) }),
  }))
  return growthOf(db, asks)
}

/** Those whose term ends within thirty days and who have not what it takes to keep the level. Occasion: the level and its last day. */
export async function tierEnding(db: Db, page: AudiencePage): Promise<MemberPage> {
  const versions = await programmeVersions(db)
  const members = await endingTiers(db, { ...page, until: page.to + WINDOW })
  const due = members.flatMap((member) => {
    const zone = member.zone ?? page.shopZone
    const by = versions.get(member.version)
    const instant = instantWithin(page, zone)
    const last = (member.term_end?.getTime() ?? 0) - 1
    if (!by || instant === undefined || instant > last || daysBetween(instant, last, zone) > DAYS_AHEAD) return []
    return [{ member, zone, counts: { at: last, by }, instant, last }]
  })
  const grown = await growths(db, due)
  const short = due.filter(({ member, counts }, n) => (grown[n] ?? 0) < levelAt(counts.by, member.rank).from)
  return {
    walked: members.map(({ customer }) => customer),
    members: short.map(({ member: { customer, level }, zone, instant, last }): Member => {
      return { customer, occasion: `${level}.${localDate(last, zone)}`, instant }
    }),
  }
}

/** Those who are almost on the next level. Occasion: that level and the year, so that one is told once a year of each. */
export async function tierNearMiss(db: Db, page: AudiencePage): Promise<MemberPage> {
  const newest = await newestProgramme(db)
  if (!newest) return { walked: [], members: [] }
  const { programme } = newest
  const versions = await programmeVersions(db)
  const members = await growingTiers(db, page)
  const below = members.flatMap((member) => {
    const zone = member.zone ?? page.shopZone
    const instant = instantWithin(page, zone)
    const level = levelAt(versions.get(member.version) ?? programme, member.rank)
    const next = programme.levels[member.rank === 0 ? 1 : rankUnder(programme, level) + 1]
    if (!next || instant === undefined) return []
    return [{ member, zone, counts: { at: instant, by: programme }, instant, next }]
  })
  const grown = await growths(db, below)
  const near = below.filter(({ next }, n) => isNear(programme, grown[n] ?? 0, next))
  return {
    walked: members.map(({ customer }) => customer),
    members: near.map(({ member: { customer }, zone, instant, next }): Member => {
      return { customer, occasion: `${next.id}.${localDate(instant, zone).slice(0, 4)}`, instant }
    }),
  }
}
