/** The people on whom simulation and reality are to agree: what they do lies hours from whatever is decided about them. */
import { generatedMembers } from '../../client/simulation/generated.ts'
import type { Act, Member } from '../../client/simulation/members.ts'
import type { Policy } from '../../activities/index.ts'
import { OPEN_HOURS } from '../policy.ts'
import { DAY, FROM, HOUR } from './two-worlds.ts'

const MINUTE = 60_000
const CUSTOMERS = 200
export const EVERYDAY = [
  'birthday',
  'coupon-expiry',
  'first-order',
  'order-rewards',
  'referral-friend',
  'referral-invite',
  'referral-reward',
  'service-recovery',
  'tier-near-miss',
  'tier-upgrade',
  'welcome',
]
const BEGINNINGS = ['customer.registered', 'profile.changed']
const SERVICE = ['service.failed', 'service.withdrawn', 'goods.received']
const KEPT = [...BEGINNINGS, 'cart.added', 'order.paid', 'order.refunded', 'customer.unsubscribed', ...SERVICE]

/** Where it is morning, when much is sent, hours after the end of the night in UTC and hours before its noon. */
const ZONES = ['Europe/Istanbul', 'Europe/Athens', 'Europe/Berlin'] as const

/** Two hundred made-up customers, with no caps that bind and no nights. */
export const everyday = (days: number): Member[] =>
  generatedMembers({ customers: CUSTOMERS, seed: 11, from: FROM, days }).map((member) => calm(buying(member, days)))

/** Whoever is new buys on the second day after, with whatever coupon they have by then. */
function buying({ acts, ...member }: Member, days: number): Member {
  const [first] = acts
  if (first?.type !== 'customer.registered' || first.at > FROM + days * DAY - 4 * DAY) return { ...member, acts }
  const order = `N${member.id.slice(1)}`
  const bought = {
    id: `${member.id}-${acts.length + 1}`,
    at: first.at + 2 * DAY,
    type: 'order.paid',
    properties: { order, amount: 200_00, lines: [] },
    redeems: true,
  }
  return { ...member, acts: [...acts, bought].sort((one, other) => one.at - other.at) }
}

/** One thing a day at most: somebody comes at about three at night in UTC, all else they do lies at its noon. */
function calm({ id, suppressed, acts }: Member): Member {
  const nth = Number(id.slice(1))
  const minute = (nth % 60) * MINUTE
  const days = new Set<number>()
  const kept = acts.flatMap((act): Act[] => {
    const day = Math.floor((act.at - FROM) / DAY)
    if (!KEPT.includes(act.type) || days.has(day)) return []
    days.add(day)
    const hour = BEGINNINGS.includes(act.type) ? 2.5 * HOUR + minute : 12.5 * HOUR + minute / 4
    const customer = act.customer?.zone ? { ...act.customer, zone: ZONES[nth % 3] ?? ZONES[0] } : act.customer
    return [{ ...act, ...(customer && { customer }), at: FROM + day * DAY + hour }]
  })
  return { id, suppressed, acts: kept }
}

export const PRESSING = ['birthday', 'first-order', 'service-recovery', 'welcome']

/**
 * All ask at ten, when the night is over, and what waits in an auction goes four hours later, as does what is counted from it. So caps
 * that end half a day after a whole number of days end eight hours at least from when anybody asks. First orders rank highest and never
 * wait; nobody else asks on their days.
 */
export const PRESSURE: Policy = {
  ...OPEN_HOURS,
  quiet: { from: 0, to: 10 * 60 },
  caps: [
    { messages: 2, windowMs: 3.5 * DAY, counts: ['marketing'] },
    { messages: 2, windowMs: 4.5 * DAY, tag: 'newcomer', counts: ['marketing'] },
  ],
  auctionMs: 4 * HOUR,
  release: { messages: 20, windowMs: 1_000 },
}

/** Where none of the hours is near a midnight in UTC. */
const PLACES = [
  { zone: 'Europe/London', offset: 0 },
  { zone: 'America/Sao_Paulo', offset: -3 },
  { zone: 'America/New_York', offset: -5 },
]
/** On the customer's clock: deep in the night, before it is over, as it ends, and after auctions. */
const [NIGHT, DAWN, MORNING, EVENING] = [2, 6, 10, 19]

/** What somebody does, by days after they came and hours on their clock. */
type Deed = Pick<Act, 'type' | 'properties' | 'redeems'> & { day: number; hour: number }

/** When somebody comes, and how many days later their birthday is. */
const COMING = [NIGHT, MORNING].flatMap((hour) => [null, 1, 2, 4].map((birthday) => ({ hour, birthday })))
const order = { type: 'order.paid', properties: { order: 'O', amount: 200_00, lines: [] }, redeems: true }
const failure = { type: 'service.failed', properties: { failure: 'F', order: 'O', kind: 'late' } }
const DOING: Deed[][] = [
  [],
  // While the first words to who came by night are held.
  [{ ...order, day: 0, hour: DAWN }],
  [
    { ...order, day: 2, hour: DAWN },
    { ...failure, day: 4, hour: NIGHT },
  ],
  [
    { ...order, day: 4, hour: EVENING },
    { ...failure, day: 5, hour: MORNING },
  ],
]

/** Every way of coming with all that is done then. Few come at one hour, so that nobody waits for the others. */
export const pressed = (): Member[] =>
  COMING.flatMap((coming) => DOING.map((deeds) => ({ coming, deeds }))).map(({ coming, deeds }, nth) =>
    lifeOf(nth, coming, deeds),
  )

function lifeOf(nth: number, { hour, birthday }: (typeof COMING)[number], deeds: readonly Deed[]): Member {
  const id = `P${String(nth).padStart(3, '0')}`
  const { zone, offset } = PLACES[nth % PLACES.length] ?? { zone: 'UTC', offset: 0 }
  const came = Math.floor(nth / PLACES.length) % 2
  const momentOf = (day: number, hours: number): number =>
    FROM + (came + day) * DAY + (hours - offset) * HOUR + ((nth * 7) % 20) * MINUTE
  const born = new Date(FROM + (came + (birthday ?? 0)) * DAY)
  const customer = {
    name: `Name of ${id}`,
    email: `${id.toLowerCase()}@mail.example`,
    zone,
    birthday: birthday === null ? null : { month: born.getUTCMonth() + 1, day: born.getUTCDate() },
    consent: { marketing: true },
  }
  const acts = deeds
    .filter(({ day, hour: hours }) => day > 0 || hours > hour)
    .map(({ day, hour: hours, properties, ...deed }) => ({
      ...deed,
      at: momentOf(day, hours),
      properties: ownOf(id, properties),
    }))
    .sort((one, other) => one.at - other.at)
  const coming = { at: momentOf(0, hour), type: 'customer.registered', properties: {}, customer }
  return { id, suppressed: false, acts: [coming, ...acts].map((act, index) => ({ ...act, id: `${id}-${index + 1}` })) }
}

/** Orders and failures have names of their own. */
const ownOf = (id: string, properties: Act['properties']): Act['properties'] =>
  Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [key, value === 'O' || value === 'F' ? `${value}-${id}` : value]),
  )
