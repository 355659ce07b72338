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

interface Life {
  /** On the first day unless told. */
  comes?: number
  buys: Purchase[]
  /** The day on which they take their consent back. */
  leaves?: number
}

const GOODS = { category: 'tea', title: 'Tea' }

/** Of campaigns: days 4, 11 and 16 are those of the first one's waves. */
const MEMBERS: Life[] = [
  { buys: [] },
  { buys: [{ day: 2 }] },
  // So much that the first wave is for them.
  { buys: [{ day: 2, amount: 6_000_00 }] },
  // They need not be told in the evening that the day ends.
  { buys: [{ day: 2 }, { day: MEMBER_DAY, hour: LUNCH }] },
  // Before any wave was for them, so that it does not count as reached by one.
  { buys: [{ day: 8 }] },
  // By a wave that they got, so that they get no later one.
  { buys: [{ day: 2 }, { day: 13 }] },
  // Late.
  { comes: 9, buys: [] },
  { buys: [{ day: 2 }], leaves: 14 },
]

/** Those with a rhythm of days: whoever was silent for longer than a month is dormant. */
const HABITS: Life[] = [
  { buys: [{ day: 0 }, { day: 2 }] },
  // Much, so that more is done to have them back.
  {
    buys: [
      { day: 0, amount: 900_00 },
      { day: 2, amount: 2_900_00 },
    ],
  },
  // Back when the first words have come.
  { buys: [{ day: 1 }, { day: 3 }, { day: 38 }] },
  { buys: [{ day: 6 }, { day: 14, delivered: 1 }] },
  // Buys again before it is time, so that nothing is said of it.
  { buys: [{ day: 6 }, { day: 14, delivered: 1 }, { day: 19 }] },
]

const peopleOf = (lives: readonly Life[], customers: number): Member[] =>
  Array.from({ length: customers }, (_, nth) => lifeOf(nth, lives[nth % lives.length] ?? { buys: [] }))

/** More than there are coupons on member day. */
export const members = (): Member[] => peopleOf(MEMBERS, 144)
export const habitual = (): Member[] => peopleOf(HABITS, 40)

function lifeOf(nth: number, { comes = 0, buys, leaves }: Life): Member {
  const id = `R${String(nth).padStart(3, '0')}`
  const place = PLACES[Math.floor(nth / 8) % PLACES.length] ?? { zone: 'UTC', offset: 0 }
  const momentOf = (day: number, hour = EARLY): number => FROM + day * DAY + (hour - place.offset) * HOUR + nth * 10_000
  const customer = {
    // Who has no name is sent no words that greet by it.
    name: nth % 20 === 7 ? null : `Name of ${id}`,
    email: nth % 30 === 29 ? null : `${id.toLowerCase()}@mail.example`,
    zone: place.zone,
    consent: { marketing: nth % 10 !== 8 },
  }
  const bought = buys.flatMap(({ day, hour, amount = 80_00, delivered }, index): Omit<Act, 'id'>[] => {
    const lines = [{ id: GOODS.title, ...GOODS, amount }]
    const properties = { order: `O${index}-${id}`, lines }
    const paid = { at: momentOf(day, hour), type: 'order.paid', properties: { ...properties, amount } }
    if (delivered === undefined) return [paid]
    return [paid, { at: momentOf(day + delivered, hour), type: 'order.delivered', properties }]
  })
  const came = { at: momentOf(comes), type: 'customer.registered', properties: {}, customer }
  const left = { type: 'customer.unsubscribed', properties: {}, customer: { consent: { marketing: false } } }
  const leaving = leaves === undefined ? [] : [{ ...left, at: momentOf(leaves) }]
  const acts = [came, ...bought, ...leaving].toSorted((one, other) => one.at - other.at)
  return {
    id,
    suppressed: nth % 40 === 39,
    acts: acts.map((act, index) => ({ ...act, id: `${id}-${index + 1}` })),
  }
}
