/** All that a journey file may import. docs/journeys.md is the lesson. */
import type { Journey, Plan, Story } from './plan.ts'

/** A journey: the plan says for whom and what for, the story what happens. Misspelt messages and offers do not compile. */
export function journey<const M extends string, const O extends string = never>(
  plan: Plan<M, O>,
  story: Story<M, O>,
): Journey {
  return { plan, story: story as Story<string, string> }
}
