/** What customers bought, read off their events: store/paid-orders.ts in memory. */
import { localDate } from '../../domain/calendar.ts'
import { occasionOf, type TakenEvent } from '../../domain/journey.ts'
import { isAmount } from '../../domain/points.ts'
import { dayNumber } from '../../domain/reckoning.ts'
import { REFUNDED, paidBackOf } from '../../domain/returns.ts'
import type { Order } from '../../domain/rhythm.ts'
import { refundsAmong } from '../preview/routing.ts'

/** The events that move what somebody bought. */
export const MOVES_ORDERS: ReadonlySet<string> = new Set(['order.paid', REFUNDED])

/** The orders of one customer, oldest first; the same told twice counts as it was told first, and one that was paid back is none. */
export function ordersAmong(events: readonly TakenEvent[], zone: string): Order[] {
  const paid = new Map<string, TakenEvent>()
  for (const event of events) {
    const order = event.type === 'order.paid' ? (occasionOf('order', event.properties) ?? `@${event.id}`) : undefined
    if (order !== undefined && !paid.has(order)) paid.set(order, event)
  }
  return [...paid].flatMap(([order, { at: told, properties }]) => {
    const refunds = events.filter((one) => one.type === REFUNDED && occasionOf('order', one.properties) === order)
    if (refunds.length > 0 && refundsAmong(refunds, properties).whole) return []
    const at = Date.parse(told)
    const amount = isAmount(properties['amount']) ? properties['amount'] : 0
    const net = Math.max(0, amount - paidBackOf(refunds))
    return [{ at, day: dayNumber(localDate(at, zone)), net, categories: categoriesOf(properties) }]
  })
}

function categoriesOf({ lines }: TakenEvent['properties']): string[] {
  if (!Array.isArray(lines)) return []
  return lines.flatMap((line) =>
    typeof line === 'object' && line !== null && !Array.isArray(line) && typeof line['category'] === 'string'
      ? [line['category']]
      : [],
  )
}
