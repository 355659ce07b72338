/** A small make-believe shop for the demo: customers who register, fill carts, read their mail and sometimes pay. */
import { gzipSync } from 'node:zlib'
import type { Inbox } from '../../client/inbox/smtp.ts'
import type { EventInput } from '../../domain/contracts/event.ts'
import { bucketOf } from '../../domain/experiment.ts'

export interface ShopOptions {
  apiUrl: string
  apiKey: string
  inbox: Inbox
  /** Besides them an advocate and the friend they bring. */
  customers: number
  /** The shop's time, epoch ms. */
  now: () => number
}

export interface ShopCounts {
  registered: number
  carts: number
  paid: number
  refunded: number
  doubles: number
  refusedEvents: number
}

interface Planned {
  /** Days after the opening. */
  day: number
  event: EventInput
}

const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Shanghai', 'America/New_York']
const NAMES = ['Ada', 'Bo', 'Chen', 'Dora', 'Emil', 'Fatima', 'Gita', 'Hugo', 'Ines', 'Jun']

/** The two of a referral. */
export const ADVOCATE = 'D9001'
const FRIEND = 'D9002'

/** A share from 0 to 1, always the same for the same customer and question: chance as a hash, as everywhere. */
const chance = (customer: string, question: string): number => bucketOf('demo', question, customer) / 10_000

export class Shop {
  readonly counts: ShopCounts = { registered: 0, carts: 0, paid: 0, refunded: 0, doubles: 0, refusedEvents: 0 }
  private readonly options: ShopOptions
  private readonly paidBy = new Set<string>()
  private readonly read = new Set<string>()
  private readonly plan: Planned[] = []

  constructor(options: ShopOptions) {
    this.options = options
    for (let i = 1; i <= options.customers; i++) this.invent(`D${String(i).padStart(4, '0')}`, i)
    this.inventPair()
    this.plan.sort((a, b) => a.day - b.day)
  }

  /** How many days until the last planned event. */
  get days(): number {
    return Math.ceil(this.plan.at(-1)?.day ?? 0)
  }

  /** Does everything that is due by `day`, in one batch, and lets customers read their mail. */
  async play(day: number): Promise<void> {
    const due: EventInput[] = []
    while (this.plan[0] && this.plan[0].day <= day) due.push(this.plan.shift()!.event)
    await this.readMail(day)
    if (due.length > 0) await this.post(due)
  }

  private invent(id: string, index: number): void {
    const day = chance(id, 'registers') * 5
    const birthday = new Date(this.options.now() + (1 + (index % 12)) * 86_400_000).toISOString().slice(5, 10)
    this.plan.push({
      day,
      event: {
        id: `${id}-registered`,
        type: 'customer.registered',
        customer: {
          id,
          email: `${id.toLowerCase()}@customers.example`,
          ...(index % 40 === 0 ? {} : { name: NAMES[index % NAMES.length] }),
          zone: ZONES[index % ZONES.length],
          consent: { marketing: index % 12 !== 0 },
          ...(index % 5 === 0 ? { birthday } : {}),
        },
      },
    })
    if (chance(id, 'cart') < 0.5)
      this.later(id, 'cart.added', day + 0.2 + chance(id, 'cart at') * 2, { cart: `K-${id}` })
    if (chance(id, 'pays unasked') < 0.15) {
      // Whoever buys for so much is Silver once it can no longer be returned.
      const amount = chance(id, 'buys much') < 0.3 ? 1_200_00 : 50_00
      this.order(id, 'unasked', { day: day + 0.5 + chance(id, 'pays at') * 2, amount })
    }
  }

  /** An order, of which some come back: all of it, or half. */
  private order(customer: string, name: string, { day, amount }: { day: number; amount: number }): void {
    const order = `${customer}-${name}`
    this.later(customer, 'order.paid', day, { order, amount })
    const back = chance(customer, `returns ${name}`)
    if (customer === ADVOCATE || back >= 0.2) return
    const refund: EventInput['properties'] =
      back < 0.1 ? { order } : { order, amount: amount / 2, refund: `${order}-R1` }
    this.later(customer, 'order.refunded', day + 2, refund)
  }

  /** Somebody who will bring a friend, once their first order has made an advocate of them. */
  private inventPair(): void {
    this.paidBy.add(ADVOCATE)
    const email = `${ADVOCATE.toLowerCase()}@customers.example`
    const customer = { id: ADVOCATE, name: 'Ada', email, zone: 'UTC', consent: { marketing: true } }
    this.plan.push({ day: 0, event: { id: `${ADVOCATE}-registered`, type: 'customer.registered', customer } })
    this.order(ADVOCATE, 'first', { day: 0.2, amount: 300_00 })
  }

  /** The invitation has come: the friend registers with its code, and orders some days after. */
  private bringFriend(day: number, invitation: string): void {
    const code = /Your code (\S+)/.exec(invitation)?.[1]
    if (code === undefined) return
    this.paidBy.add(FRIEND)
    const customer = { id: FRIEND, name: 'Bo', email: 'bo@friends.example', zone: 'UTC', consent: { marketing: true } }
    const event = { id: `${FRIEND}-registered`, type: 'customer.registered', customer, properties: { referral: code } }
    this.plan.push({ day, event })
    this.later(FRIEND, 'order.paid', day + 3, { order: `${FRIEND}-first`, amount: 200_00 })
  }

  private later(customer: string, type: string, day: number, properties: EventInput['properties']): void {
    const order = typeof properties?.['order'] === 'string' ? properties['order'] : customer
    this.plan.push({ day, event: { id: `${order}-${type}`, type, customer, properties } })
  }

  /** Every mail about ten off moves some of its readers to pay, half a day later. */
  private async readMail(day: number): Promise<void> {
    for (const mail of (await this.options.inbox.list()).filter((one) => !this.read.has(one.id))) {
      this.read.add(mail.id)
      const customer = /d\d+/.exec(mail.to)?.[0].toUpperCase()
      if (customer === ADVOCATE && mail.subject.startsWith('Ten off for a friend')) this.bringFriend(day, mail.text)
      if (!customer || this.paidBy.has(customer)) continue
      if (chance(customer, `moved by ${mail.subject}`) >= 0.2) continue
      this.paidBy.add(customer)
      this.order(customer, 'moved', { day: day + 0.5, amount: 40_00 })
    }
    this.plan.sort((a, b) => a.day - b.day)
  }

  /** Sends a batch as shops do: compressed, now and then twice, now and then with a mistake in it. */
  private async post(events: EventInput[]): Promise<void> {
    const mistake = { id: `mistake-${this.counts.registered}`, type: 'Order Paid', customer: 'D0001' }
    const batch = this.counts.registered % 50 < 5 ? [...events, mistake] : events
    const answer = await this.send(batch)
    this.counts.refusedEvents += answer.rejected.length
    for (const event of events) {
      if (event.type === 'customer.registered') this.counts.registered += 1
      if (event.type === 'cart.added') this.counts.carts += 1
      if (event.type === 'order.paid') this.counts.paid += 1
      if (event.type === 'order.refunded') this.counts.refunded += 1
    }
    if (this.counts.registered % 3 === 0) this.counts.doubles += (await this.send(events)).duplicates
  }

  private async send(batch: unknown[]): Promise<{ duplicates: number; rejected: unknown[] }> {
    for (;;) {
      const response = await fetch(`${this.options.apiUrl}/v1/events`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.options.apiKey}`,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
        body: gzipSync(JSON.stringify({ batch })),
      })
      if (response.ok) return (await response.json()) as { duplicates: number; rejected: unknown[] }
      if (response.status !== 429 && response.status !== 503) {
        throw new Error(`the API answered ${response.status}: ${await response.text()}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get('retry-after') ?? 1)))
    }
  }
}
