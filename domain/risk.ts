/**
 * Whether a referral is what it looks like: rules over facts, each with an id and points, so that every judgement can be explained.
 * Pure: who shares what with whom is handed in, as hashes (domain/identity.ts).
 */
import type { IdentityKind } from './identity.ts'

export type RiskOutcome = 'allow' | 'hold' | 'review' | 'deny'

export interface RiskFacts {
  /** The advocate and the friend are one account. */
  sameCustomer: boolean
  /** Kinds of identity that the advocate and the friend have in common. */
  shared: readonly IdentityKind[]
  /** Friends who claimed a code of this advocate within the hour and the day before this claim, this one counted. */
  lastHour: number
  lastDay: number
  /** Friends of anybody who claimed within the day before and share this friend's device, or postal address, this one counted. */
  sameDevice: number
  sameAddress: number
  /** The friend's number belongs to a virtual operator. */
  virtualNumber: boolean
  /** The advocate's friends of the last thirty days, and how many of them registered within a day of their claim. */
  friends: number
  newFriends: number
  /** Referrals of the advocate that were denied before. */
  denied: number
  ring: Ring
}

/** The customers who hang together with this referral, by identities they share and by referrals. */
export interface Ring {
  customers: number
  /** Pairs of them who share an identity, of all pairs: 0 to 1. */
  density: number
  /** Persons (accounts that share an identity are one) refer each other in a circle. */
  circle: boolean
  /** There are more of them than were looked at. */
  capped: boolean
}

interface RiskRule {
  id: string
  points: number
  fires: (facts: RiskFacts) => boolean
}

/** Points from which on a referral is held for a while, looked at by a person, denied. */
export const RISK_BANDS = { hold: 30, review: 50, deny: 100 } as const

const shares =
  (kind: IdentityKind) =>
  ({ shared }: RiskFacts): boolean =>
    shared.includes(kind)

/**
 * A shared card, phone or mail is the same person; a household shares devices and an address, so a person looks at those. A
 * number of a virtual operator says little and decides nothing alone.
 */
export const RISK_RULES: readonly RiskRule[] = [
  { id: 'same-customer', points: 100, fires: ({ sameCustomer }) => sameCustomer },
  { id: 'shared-payment', points: 100, fires: shares('payment') },
  { id: 'shared-phone', points: 100, fires: shares('phone') },
  { id: 'shared-email', points: 100, fires: shares('email') },
  { id: 'shared-device', points: 60, fires: shares('device') },
  { id: 'shared-address', points: 50, fires: shares('address') },
  { id: 'velocity-hour', points: 30, fires: ({ lastHour }) => lastHour > 5 },
  { id: 'velocity-day', points: 50, fires: ({ lastDay }) => lastDay > 20 },
  { id: 'device-velocity', points: 50, fires: ({ sameDevice }) => sameDevice >= 3 },
  { id: 'address-velocity', points: 40, fires: ({ sameAddress }) => sameAddress >= 4 },
  { id: 'virtual-number', points: 20, fires: ({ virtualNumber }) => virtualNumber },
  { id: 'new-accounts', points: 25, fires: ({ friends, newFriends }) => friends >= 5 && newFriends >= friends * 0.8 },
  { id: 'denied-before', points: 30, fires: ({ denied }) => denied > 0 },
  // Three under one roof are a family.
  { id: 'ring', points: 40, fires: ({ ring }) => ring.customers >= 4 && ring.density >= 0.5 },
  { id: 'ring-of-six', points: 30, fires: ({ ring }) => ring.customers >= 6 && ring.density >= 0.5 },
  { id: 'circle', points: 50, fires: ({ ring }) => ring.circle },
  { id: 'crowd', points: 30, fires: ({ ring }) => ring.capped },
]

export interface Fired {
  rule: string
  points: number
  /** A reviewer has said that it does not count here. */
  exempt?: true
}

export interface Judgement {
  outcome: RiskOutcome
  points: number
  rules: Fired[]
}

/** `exempt` are ids of rules that reviewers have taken out for these two; what would be the same account stays. */
export function judge(facts: RiskFacts, exempt: ReadonlySet<string> = new Set()): Judgement {
  const rules = RISK_RULES.filter((rule) => rule.fires(facts)).map(({ id, points }): Fired => {
    const out = exempt.has(id) && id !== 'same-customer'
    return out ? { rule: id, points: 0, exempt: true } : { rule: id, points }
  })
  const points = rules.reduce((sum, one) => sum + one.points, 0)
  return { outcome: outcomeOf(points), points, rules }
}

function outcomeOf(points: number): RiskOutcome {
  if (points >= RISK_BANDS.deny) return 'deny'
  if (points >= RISK_BANDS.review) return 'review'
  return points >= RISK_BANDS.hold ? 'hold' : 'allow'
}

/** Segments of Chinese virtual operators. */
const VIRTUAL = /^\+861(62|65|67|70|71)\d{8}$/

/** A number in E.164. */
export const isVirtualNumber = (phone: string | null): boolean => phone !== null && VIRTUAL.test(phone)

/** One identity of one customer; `identity` is its kind and hash. */
export interface Owned {
  customer: string
  identity: string
}

export interface Edge {
  advocate: string
  friend: string
}

/** Which of some names belong together; paths are halved, so that looking up is nearly free. */
export class UnionFind {
  private readonly parents = new Map<string, string>()

  find(name: string): string {
    let at = name
    for (;;) {
      const parent = this.parents.get(at) ?? at
      if (parent === at) return at
      const above = this.parents.get(parent) ?? parent
      this.parents.set(at, above)
      at = above
    }
  }

  join(one: string, other: string): void {
    const [a, b] = [this.find(one), this.find(other)]
    if (a !== b) this.parents.set(a > b ? a : b, a > b ? b : a)
  }
}

/** Customers with the same identity, by identity; only those that two or more have. */
function sharers(owned: readonly Owned[]): string[][] {
  const by = new Map<string, Set<string>>()
  for (const { customer, identity } of owned) by.set(identity, (by.get(identity) ?? new Set()).add(customer))
  return [...by.values()].map((all) => [...all]).filter((all) => all.length > 1)
}

/** The customers who hang together with `around`, itself among them, sorted. */
export function componentOf(around: string, owned: readonly Owned[], edges: readonly Edge[]): string[] {
  const sets = new UnionFind()
  for (const [first = '', ...others] of sharers(owned)) for (const one of others) sets.join(first, one)
  for (const { advocate, friend } of edges) sets.join(advocate, friend)
  const all = new Set([
    around,
    ...owned.map(({ customer }) => customer),
    ...edges.flatMap((one) => [one.advocate, one.friend]),
  ])
  const root = sets.find(around)
  return [...all].filter((one) => sets.find(one) === root).sort()
}

/**
 * The ring around a customer, of what was found of it. Friends who share nothing with anybody do not count in it: an advocate of
 * a hundred honest friends would hide a ring of six among them.
 */
export function ringOf(around: string, owned: readonly Owned[], edges: readonly Edge[], capped: boolean): Ring {
  const linked = new Set(sharers(owned).flat())
  const component = componentOf(
    around,
    owned,
    edges.filter(({ friend }) => linked.has(friend)),
  )
  const inside = new Set(component)
  const pairs = new Set<string>()
  const persons = new UnionFind()
  for (const all of sharers(owned.filter(({ customer }) => inside.has(customer)))) {
    all.sort()
    for (const [at, one] of all.entries()) {
      for (const other of all.slice(at + 1)) pairs.add(`${one}\u0000${other}`)
      persons.join(all[0] ?? one, one)
    }
  }
  const most = (component.length * (component.length - 1)) / 2
  return {
    customers: component.length,
    density: most === 0 ? 0 : pairs.size / most,
    circle: hasCircle(edges.map(({ advocate, friend }) => [persons.find(advocate), persons.find(friend)] as const)),
    capped,
  }
}

/** Whether following edges comes back to where it began; a person who refers himself is told by what is shared. */
function hasCircle(edges: readonly (readonly [string, string])[]): boolean {
  const left = new Map<string, Set<string>>()
  const into = new Map<string, number>()
  for (const [from, to] of edges) {
    if (from === to || left.get(from)?.has(to)) continue
    left.set(from, (left.get(from) ?? new Set()).add(to))
    into.set(to, (into.get(to) ?? 0) + 1)
    into.set(from, into.get(from) ?? 0)
  }
  // Whoever nobody refers is in no circle, nor is then whoever only they referred.
  const free = [...into].filter(([, count]) => count === 0).map(([name]) => name)
  for (let one = free.pop(); one !== undefined; one = free.pop()) {
    for (const to of left.get(one) ?? []) {
      const count = (into.get(to) ?? 0) - 1
      into.set(to, count)
      if (count === 0) free.push(to)
    }
    into.delete(one)
  }
  return into.size > 0
}
