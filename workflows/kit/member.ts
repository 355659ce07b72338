/** A campaign as one member lives through it: the same story over the steps of a journey, for previews and simulations. */
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import type { WaveCounts } from '../../domain/campaign.ts'
import type { Facts } from '../../domain/customer.ts'
import { milliseconds } from '../../domain/duration.ts'
import type { Campaign, CampaignKit, WaveWords } from './campaign-plan.ts'
import type { Journey, Kit, Plan, SendOutcome } from './plan.ts'

const DAY = milliseconds('1 day')

type Wave = WaveWords<string, string>

/** Whether a wave's own filter takes a member in. */
export type Reached = (wave: string, filter: AudienceFilter, facts: Facts) => boolean

/**
 * The story begins so long before the day of the occasion as the plan says, and waves are waited for in days from then. Every filter
 * takes the member in unless `reached` says otherwise.
 */
export function memberJourney(campaign: Campaign, reached?: Reached): Journey {
  const { begins: _begins, ahead: _ahead, audience: _audience, rate: _rate, hours: _hours, ...rest } = campaign.plan
  return { plan: rest as Plan, story: memberStory(campaign, reached) }
}

/** The story alone. */
function memberStory({ plan, waves }: Campaign, reached: Reached = everybody): Journey['story'] {
  const { ahead = '0 days' } = plan
  return (steps) => {
    // From 0, as -0 would make a number with a point of every day.
    const member = new Member(steps, 0 - Math.ceil(milliseconds(ahead) / DAY), reached)
    return waves({ wave: (name, words) => member.wave(name, words) } satisfies CampaignKit<string, string>)
  }
}

const everybody: Reached = () => true

/** One who lives through the waves. */
class Member {
  private readonly steps: Kit<string, string>
  /** Counted from the day of the occasion. */
  private day: number
  private readonly reached: Reached

  constructor(steps: Kit<string, string>, day: number, reached: Reached) {
    this.steps = steps
    this.day = day
    this.reached = reached
  }

  async wave(name: string, words: Wave): Promise<WaveCounts> {
    const { steps } = this
    await steps.wait({ days: words.days - this.day, at: words.at })
    this.day = words.days
    const takesIn = words.to === undefined || this.reached(name, words.to, await steps.customer())
    return countsOf(takesIn ? await sendWave(steps, words) : undefined)
  }
}

async function sendWave(steps: Kit<string, string>, { send, coupon }: Wave): Promise<SendOutcome> {
  if (!coupon) return steps.send(send)
  const { offer, valid, otherwise } = coupon
  const issued = await steps.issueCoupon(offer, { valid })
  // The control arm is asked for the wave's own message, as it is where it lives.
  if (issued.issued || issued.refused === 'HOLDOUT') return steps.send(send, { coupon: issued })
  return steps.send(otherwise ?? send)
}

function countsOf(outcome: SendOutcome | undefined): WaveCounts {
  const counts: WaveCounts = {
    went: true,
    members: outcome ? 1 : 0,
    sent: 0,
    accepted: 0,
    unknown: 0,
    failed: 0,
    skipped: 0,
    reasons: {},
  }
  if (!outcome) return counts
  counts[outcome.is] = 1
  if ('code' in outcome) counts.reasons = { [outcome.code]: 1 }
  return counts
}
