/** All that a journey file may import. docs/journeys.md is the lesson. */
import type { Campaign, CampaignPlan, CampaignStory } from './campaign-plan.ts'
import type { CleanUp, Journey, Plan, Story } from './plan.ts'

/**
 * A journey: the plan says for whom and what for, the story what happens, and the clean-up what is put right when the goal or an
 * exit ended the run. Misspelt messages, offers, rewards and rules of points do not compile.
 */
export function journey<
  const M extends string,
  const O extends string = never,
  const P extends string = never,
  const R extends string = never,
>(plan: Plan<M, O, P, R>, story: Story<M, O, P, R>, cleanUp?: CleanUp): Journey {
  return { plan, story: story as Story<string, string, string>, ...(cleanUp && { cleanUp }) }
}

/** A campaign: one story of waves over a whole audience. Misspelt messages and offers do not compile. */
export function campaign<const M extends string, const O extends string = never>(
  plan: CampaignPlan<M, O>,
  story: CampaignStory<M, O>,
): Campaign {
  return { plan, waves: story as CampaignStory<string, string> }
}
