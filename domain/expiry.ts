/**
 * When to tell of what expires. What expires within a week is told together, so that a customer who earns every day hears of it
 * once a week at most; each day on which something expires is in one such week.
 */
import { dayAfter, instantOn, localDate } from './calendar.ts'

/**
 * How far ahead a run begins, a day before its first message so that a sweep that is late does not cost it; and what expires so
 * soon after the first is told with it. Days.
 */
export const AHEAD = 31
export const TOGETHER = 7

export type ExpiryKind = 'points' | 'coupons'

/** Points of a lot, or one coupon with its code. `at` is the instant from which on it cannot be used, epoch ms. */
export interface Expiring {
  at: number
  amount: number
  coupon?: { code: string; title: string }
}

/** The last day on which it can be used: what is over at midnight is of the day before. */
export const lastDayOf = ({ at }: Pick<Expiring, 'at'>, zone: string): string => localDate(at - 1, zone)

export interface ExpiringWeek {
  /** Its first and last day on which something expires: '2027-01-05'. */
  first: string
  last: string
  total: number
  by: { date: string; amount: number }[]
  items: Expiring[]
}

/** What expires from a day on within a week; undefined for nothing. */
export function weekFrom(items: readonly Expiring[], from: string, zone: string): ExpiringWeek | undefined {
  const dated = items
    .map((item) => ({ item, date: lastDayOf(item, zone) }))
    .filter(({ date }) => date >= from && date < dayAfter(from, TOGETHER))
    .sort((a, b) => a.item.at - b.item.at)
  const by = new Map<string, number>()
  for (const { item, date } of dated) by.set(date, (by.get(date) ?? 0) + item.amount)
  const dates = [...by.keys()]
  const [first, last] = [dates[0], dates.at(-1)]
  if (first === undefined || last === undefined) return undefined
  return {
    first,
    last,
    total: [...by.values()].reduce((sum, amount) => sum + amount, 0),
    by: [...by].map(([date, amount]) => ({ date, amount })),
    items: dated.map(({ item }) => item),
  }
}

/**
 * The first day of the next week that is worth telling of: after today, no more than AHEAD days off, and after the week that the
 * customer was told of last, if any. Undefined where there is none.
 */
export function nextWeek(
  items: readonly Expiring[],
  zone: string,
  { today, told, worth }: { today: string; told: string | null; worth: number },
): string | undefined {
  const heard = told === null ? today : dayAfter(told, TOGETHER - 1)
  const days = [...new Set(items.map((item) => lastDayOf(item, zone)))].sort()
  return days.find(
    (day) =>
      day > today && day > heard && day <= dayAfter(today, AHEAD) && (weekFrom(items, day, zone)?.total ?? 0) >= worth,
  )
}

export type Mark = { is: 'wait'; until: number } | { is: 'due' } | { is: 'late' }

/**
 * Whether the day so many days before `first` is there: to wait for, at `at` on the customer's clock, or this day, or past. One
 * that was waited for is due even where the wait took longer, as long as `first` is not over.
 */
export function markOf(
  first: string,
  { daysBefore, at, zone, now, waited }: { daysBefore: number; at: string; zone: string; now: number; waited: boolean },
): Mark {
  const day = dayAfter(first, -daysBefore)
  const today = localDate(now, zone)
  const until = instantOn(day, at, zone)
  if (now < until) return { is: 'wait', until }
  return today === day || waited ? { is: 'due' } : { is: 'late' }
}

/** What a story and its words know of what expires. Dates are the customer's own, the last day each can be used. */
export interface ExpiringNews {
  total: number
  first: string
  last: string
  by: { date: string; amount: number }[]
  /** Of coupons, each. */
  coupons: { code: string; title: string; expires: string }[]
  /** ISO 8601: from then on this is no news any more. */
  until: string
}

export type ExpiringAnswer =
  { is: 'due'; expiring: ExpiringNews } | { is: 'wait'; until: number } | { is: 'late' } | { is: 'nothing' }

/** A message that was held for longer tells of what may be spent by now. */
const NEWS_FOR = 86_400_000

/** Whether it is time to tell of what expires in the week from the day `from` on, and of what. */
export function expiringIn(
  items: readonly Expiring[],
  by: { from: string; zone: string; now: number; daysBefore: number; waited: boolean; at: string; worth: number },
): ExpiringAnswer {
  const { from, zone, now, worth } = by
  const week = weekFrom(items, from, zone)
  if (week === undefined || week.total < worth) return { is: 'nothing' }
  const mark = markOf(week.first, by)
  if (mark.is !== 'due') return mark
  const { items: each, ...rest } = week
  const coupons = each.flatMap((item) => (item.coupon ? [{ ...item.coupon, expires: lastDayOf(item, zone) }] : []))
  const until = new Date(Math.min(now + NEWS_FOR, ...each.map(({ at }) => at))).toISOString()
  return { is: 'due', expiring: { ...rest, coupons, until } }
}
