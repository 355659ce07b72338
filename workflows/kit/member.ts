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
export function memberJourney({ plan, waves }: Campaign, reached: Reached = () => true): Journey {
  const { begins: _begins, ahead = '0 days', audience: _audience, rate: _rate, hours: _hours, ...rest } = plan
  return {
    plan: rest as Plan,
    async story(steps) {
      let day = -Math.ceil(milliseconds(ahead) / DAY)
      const wave = async (name: string, words: Wave): Promise<WaveCounts> => {
        await steps.wait({ days: words.days - day, at: words.at })
        day = words.days
        const takesIn = words.to === undefined || reached(name, words.to, await steps.customer())
        return countsOf(takesIn ? await sendWave(steps, words) : undefined)
      }
      await waves({ wave } satisfies CampaignKit<string, string>)
    },
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
  return 'code' in outcome ? { ...counts, reasons: { [outcome.code]: 1 } } : counts
}
