/** A population: customers, and what they will do whatever is sent to them. */
import type { Properties } from '../../domain/journey.ts'
import type { CustomerChange } from '../../store/customers.ts'

/** What a customer does once: an event of the shop. */
export interface Act {
  id: string
  /** When, epoch ms. */
  at: number
  type: string
  /** A `referral` or `code` that begins with `@` stands for the code of the customer who is named behind it. */
  properties: Properties
  /** What it tells of the customer beside. */
  customer?: Omit<CustomerChange, 'id'>
  /** Of a paid order: uses the customer's coupon that ends first, where one goes with it. */
  redeems?: boolean
}

export interface Member {
  id: string
  /** Whether the customer's mail address is suppressed from the beginning. */
  suppressed: boolean
  /** In the order of time; the first tells who the customer is. */
  acts: Act[]
}
