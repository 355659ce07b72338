/** People who are members of campaigns, buy again after their own rhythm, or fall asleep. */
import type { Act, Member } from '../../client/simulation/members.ts'
import { DAY, FROM, HOUR } from './two-worlds.ts'

export const CAMPAIGNS = ['festival-teaser', 'member-day']
export const RHYTHMS = ['dormant-win-back', 'repurchase']

/** Where neither the hours of the waves nor when they buy is near a midnight in UTC. */
const PLACES = [
  { zone: 'Europe/London', offset: 0 },
  { zone: 'America/Sao_Paulo', offset: -3 },
]
/** On the customer's clock: long before the first wave of a day, and between its waves. */
const [EARLY, LUNCH] = [4, 14]
/** Days since the first; the other campaign begins on the fourth. */
const MEMBER_DAY = 21

interface Purchase {
  day: number
  hour?: number
  amount?: number
  /** So many days later, at the same hour. */
  delivered?: number
}

const GOODS = { category: 'tea', title: 'Tea' }

/** Those of campaigns have bought before the first wave, or on member day. */
const MEMBERS: Purchase[][] = [
  [],
  [{ day: 2 }],
  // So much that the first wave is for them.
  [{ day: 2, amount: 6_000_00 }],
  // They need not be told in the evening that the day ends.
  [{ day: 2 }, { day: MEMBER_DAY, hour: LUNCH }],
]

/** Those with a rhythm of days: whoever was silent for longer than a month is dormant. */
const HABITS: Purchase[][] = [
  [{ day: 0 }, { day: 2 }],
  // Much, so that more is done to have them back.
  [
    { day: 0, amount: 900_00 },
    { day: 2, amount: 2_900_00 },
  ],
  // Back when the first words have come.
  [{ day: 1 }, { day: 3 }, { day: 38 }],
  [{ day: 6 }, { day: 14, delivered: 1 }],
  // Buys again when it is time, so that nothing more is said of it.
  [{ day: 6 }, { day: 14, delivered: 1 }, { day: 22, hour: LUNCH }],
]

const peopleOf = (lives: readonly Purchase[][], customers: number): Member[] =>
  Array.from({ length: customers }, (_, nth) => lifeOf(nth, lives[nth % lives.length] ?? []))

/** No more than the coupons that there are on member day. */
export const members = (): Member[] => peopleOf(MEMBERS, 96)
export const habitual = (): Member[] => peopleOf(HABITS, 40)

function lifeOf(nth: number, purchases: readonly Purchase[]): Member {
  const id = `R${String(nth).padStart(3, '0')}`
  const place = PLACES[Math.floor(nth / 4) % PLACES.length] ?? { zone: 'UTC', offset: 0 }
  const momentOf = (day: number, hour = EARLY): number => FROM + day * DAY + (hour - place.offset) * HOUR + nth * 10_000
  const customer = {
    // Who has no name is sent no words that greet by it.
    name: nth % 20 === 7 ? null : `Name of ${id}`,
    email: nth % 30 === 29 ? null : `${id.toLowerCase()}@mail.example`,
    zone: place.zone,
    consent: { marketing: nth % 10 !== 8 },
  }
  const bought = purchases.flatMap(({ day, hour, amount = 80_00, delivered }, index): Omit<Act, 'id'>[] => {
    const lines = [{ id: GOODS.title, ...GOODS, amount }]
    const properties = { order: `O${index}-${id}`, lines }
    const paid = { at: momentOf(day, hour), type: 'order.paid', properties: { ...properties, amount } }
    if (delivered === undefined) return [paid]
    return [paid, { at: momentOf(day + delivered, hour), type: 'order.delivered', properties }]
  })
  const came = { at: momentOf(0), type: 'customer.registered', properties: {}, customer }
  const acts = [came, ...bought].toSorted((one, other) => one.at - other.at)
  return {
    id,
    suppressed: nth % 40 === 39,
    acts: acts.map((act, index) => ({ ...act, id: `${id}-${index + 1}` })),
  }
}
