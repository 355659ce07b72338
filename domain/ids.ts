/**
 * Every id that must be the same whenever it is made again. Business keys only: never a run id, an attempt, a time or a
 * random value, since a retry or a reset would make another.
 */

const PART = /^[^\s/\u0000-\u001f]{1,128}$/

/** True where a customer id or an occasion can be a part of a key: no slash, blank or control character, 1 to 128 long. */
export function isKeyPart(text: string): boolean {
  return PART.test(text)
}

/** `first-order/C1001`, `birthday/C1001/2027`: the workflow id, and the enrolment's key in the store. */
export function runId(of: { journey: string; customer: string; occasion?: string | null }): string {
  return [of.journey, of.customer, ...(of.occasion ? [of.occasion] : [])].join('/')
}

/** What a run id says by itself. */
export function partsOfRun(run: string): { journey: string; customer: string; occasion: string | null } {
  const [journey = '', customer = '', occasion = null] = run.split('/')
  return { journey, customer, occasion }
}

export type EffectKind =
  'send' | 'coupon' | 'points' | 'reward' | 'review' | 'judge' | 'task' | 'tag' | 'untag' | 'consent'

/** `first-order/C1001/send/welcome`, with `#2` for a second time round a loop: the key of one effect of one run. */
export function effectKey(run: string, kind: EffectKind, name: string, occurrence: number): string {
  return `${run}/${kind}/${name}${occurrence > 1 ? `#${occurrence}` : ''}`
}

/** `tier/C1001/2026-11-23/gold/gift/coupon`: one part of the gift of a level, once a member, period and level. */
export function tierGiftKey(
  of: { customer: string; period: string; level: string },
  part: 'coupon' | 'points',
): string {
  return `tier/${of.customer}/${of.period}/${of.level}/gift/${part}`
}

/** The key of one wait of a run, in the order in which the story comes to them. */
/** The hold of the budget that pays for a message; a coupon's and that of points are called as those are. */
export function messageCostKey(message: string): string {
  return `${message}/cost`
}

export function waitKey(run: string, ordinal: number): string {
  return `${run}/wait/${ordinal}`
}

/** The id of the schedule, and the prefix of its sweeps' workflow ids. */
export function sweepId(journey: string): string {
  return `sweep/${journey}`
}

/** The id of the schedule of the upkeep, and the prefix of its workflow ids. */
export const UPKEEP_ID = 'upkeep'
