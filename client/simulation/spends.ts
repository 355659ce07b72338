/** Points at the checkout: store/point-checkout.ts and spends.ts in memory. They are spent on an order, and given back with its refund. */
import { type Draw, expiryOf } from '../../domain/points.ts'
import type { Person } from './person.ts'

/** What expired meanwhile lives for so many days once it is given back, as where a checkout says nothing. */
const GRACE_DAYS = 30

export class PointSpends {
  /** What was drawn for the orders of each customer, while it is not given back. */
  private readonly drawn = new Map<Person, Map<string, Draw[]>>()
  /** All that is spent and was not given back. */
  spent = 0

  /** As many points as the customer has, up to a number: answers how many. Once an order. */
  spend(person: Person, { order, most, now }: { order: string; most: number; now: number }): number {
    const orders = this.drawn.get(person) ?? new Map<string, Draw[]>()
    const amount = Math.min(most, person.lots.available('points', now))
    if (amount === 0 || orders.has(order)) return 0
    orders.set(order, person.lots.spend(amount, now))
    this.drawn.set(person, orders)
    this.spent += amount
    return amount
  }

  /** The order is refunded as a whole: answers how many points come back. */
  restore(person: Person, order: string, now: number): number {
    const draws = this.drawn.get(person)?.get(order)
    if (!draws) return 0
    this.drawn.get(person)?.delete(order)
    const expiresAt = expiryOf(now, GRACE_DAYS, person.zone)
    const amount = person.lots.restore(draws, { key: `order/${order}/refund`, expiresAt, now })
    this.spent -= amount
    return amount
  }
}
