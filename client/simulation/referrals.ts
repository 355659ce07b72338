/** Who came by whom, over a whole population: store/referrals.ts and store/referral-inbox.ts in memory. The risk rules allow. */
import type { Refusal } from '../../domain/errors.ts'
import { type Properties, occasionOf } from '../../domain/journey.ts'
import {
  type Programme,
  type ReferralStatus,
  claimedCode,
  whyNotClaim,
  whyNotWorth,
  worthOfOrder,
} from '../../domain/referral.ts'
import { REFUNDED } from '../../domain/returns.ts'

interface Told {
  type: string
  properties: Properties
}

/** What the referral of a customer needs to know of somebody. */
export interface Party {
  id: string
  events: readonly Told[]
}

interface Referral {
  friend: string
  advocate: string
  campaign: string
  programme: Programme
  status: ReferralStatus
  claimUntil: number
  order: string | undefined
}

/** An event of our own that follows, and to whom it is told. */
export interface ReferralEvent {
  to: string
  id: string
  type: 'referral.accepted' | 'referral.qualified' | 'referral.voided'
  properties: Properties
}

export interface ReferralNews {
  events: ReferralEvent[]
  refused?: { code: Refusal; campaign: string }
}

const NOTHING: ReferralNews = { events: [] }

export class PopulationReferrals {
  private readonly codes = new Map<string, { campaign: string; startsAt: number; endsAt: number; claims: number }>()
  private readonly referrals = new Map<string, Referral>()
  private readonly programmes: ReadonlyMap<string, Programme>

  constructor(programmes: ReadonlyMap<string, Programme>) {
    this.programmes = programmes
  }

  /** The advocate has a code of a campaign from now on. */
  giveCode(advocate: string, campaign: string, now: number): void {
    const programme = this.programmes.get(campaign)
    if (!programme || this.codes.has(advocate)) return
    this.codes.set(advocate, { campaign, startsAt: now, endsAt: now + programme.codes.valid, claims: 0 })
  }

  /** Approved friends of an advocate beside one. */
  friendsOf(advocate: string, campaign: string, beside: string | null): number {
    let count = 0
    for (const one of this.referrals.values()) {
      const counts = one.advocate === advocate && one.campaign === campaign && one.friend !== beside
      if (counts && one.status === 'approved') count += 1
    }
    return count
  }

  approve(friend: string | null): void {
    const referral = friend === null ? undefined : this.referrals.get(friend)
    if (referral) referral.status = 'approved'
  }

  /** What an event means to the referral of the customer it is of. */
  apply(friend: Party, event: Told, now: number): ReferralNews {
    const claimed = claimedCode(event)
    if (claimed !== undefined) return this.claim(friend, claimed.replace(/^@/, ''), now)
    const referral = this.referrals.get(friend.id)
    if (!referral) return NOTHING
    if (event.type === 'order.paid') return this.qualify(friend, referral, event.properties, now)
    return event.type === REFUNDED ? this.refund(friend, referral, event.properties) : NOTHING
  }

  private claim(friend: Party, advocate: string, now: number): ReferralNews {
    const code = this.codes.get(advocate)
    // Nobody can know a code that there is not yet.
    if (!code) return NOTHING
    const { campaign } = code
    const before = this.referrals.get(friend.id)
    if (before?.advocate === advocate) return NOTHING
    const programme = this.programmes.get(campaign)
    const refused = whyNotClaim({
      now,
      self: friend.id === advocate,
      known: friend.events.some(({ type }) => type === 'order.paid'),
      programme,
      code: { ...code, limit: programme?.codes.limit ?? 0 },
      before: before?.status,
    })
    if (refused || !programme) return { events: [], refused: { code: refused ?? 'REFERRAL_EXPIRED', campaign } }
    const old = before && this.codes.get(before.advocate)
    if (old) old.claims -= 1
    code.claims += 1
    const claimUntil = now + programme.attribution
    this.referrals.set(friend.id, {
      friend: friend.id,
      advocate,
      campaign,
      programme,
      status: 'claimed',
      claimUntil,
      order: undefined,
    })
    const properties = { advocate, campaign, offer: programme.friend }
    const accepted = { to: friend.id, id: `referral/${friend.id}/accepted`, type: 'referral.accepted' } as const
    return { events: [{ ...accepted, properties }] }
  }

  /** The first paid order decides, whichever way. */
  private qualify({ id, events }: Party, referral: Referral, paid: Properties, now: number): ReferralNews {
    if (referral.status !== 'claimed') return NOTHING
    const { campaign, advocate, programme } = referral
    const order = occasionOf('order', paid)
    const refunds = refundsOf(events, order)
    const code = whyNotQualify({ referral, order, paid, refunds, now })
    if (code) {
      referral.status = code === 'REFERRAL_REFUNDED' ? 'voided' : 'denied'
      return { events: [], refused: { code, campaign } }
    }
    Object.assign(referral, { status: 'pending', order, returnsUntil: now + programme.returns })
    return { events: [{ ...news(id, advocate, 'qualified'), properties: { friend: id, campaign } }] }
  }

  private refund({ id, events }: Party, referral: Referral, { order: refunded }: Properties): ReferralNews {
    const { status, order, programme, campaign, advocate } = referral
    if ((status !== 'pending' && status !== 'approved') || order === undefined || order !== refunded) return NOTHING
    const paid = events.find(({ type, properties }) => type === 'order.paid' && properties['order'] === order)
    const worth = worthOfOrder(paid?.properties ?? {}, refundsOf(events, order))
    const code = whyNotWorth(worth ?? 0, programme.minimum, true)
    if (code === undefined) return NOTHING
    referral.status = 'voided'
    return {
      events: [{ ...news(id, advocate, 'voided'), properties: { friend: id, campaign } }],
      refused: { code, campaign },
    }
  }
}

const news = <T extends 'qualified' | 'voided'>(friend: string, to: string, what: T) =>
  ({ to, id: `referral/${friend}/${what}`, type: `referral.${what}` }) as const

const refundsOf = (events: readonly Told[], order: string | undefined): Properties[] =>
  order === undefined
    ? []
    : events
        .filter(({ type, properties }) => type === REFUNDED && properties['order'] === order)
        .map(({ properties }) => properties)

function whyNotQualify({
  referral,
  order,
  paid,
  refunds,
  now,
}: {
  referral: Referral
  order: string | undefined
  paid: Properties
  refunds: readonly Properties[]
  now: number
}): Refusal | undefined {
  if (now > referral.claimUntil) return 'REFERRAL_WINDOW_OVER'
  if (order === undefined) return 'OCCASION_MISSING'
  const worth = worthOfOrder(paid, refunds)
  return worth === undefined ? 'AMOUNT_MISSING' : whyNotWorth(worth, referral.programme.minimum, refunds.length > 0)
}
