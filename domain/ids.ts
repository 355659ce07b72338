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

/** The hold of the budget that pays for a message; a coupon's and that of points are called as those are. */
export function messageCostKey(message: string): string {
  return `${message}/cost`
}

/** The key of one wait of a run, in the order in which the story comes to them. */
export function waitKey(run: string, ordinal: number): string {
  return `${run}/wait/${ordinal}`
}

/** The id of the schedule, and the prefix of its sweeps' workflow ids. */
export function sweepId(journey: string): string {
  return `sweep/${journey}`
}

const CAMPAIGNS = 'campaign/'

/** `campaign/member-day/Asia/Shanghai`: the id of the schedule of a campaign in a zone, and the prefix of its runs' workflow ids. */
export function campaignScheduleId(campaign: string, zone: string): string {
  return `${CAMPAIGNS}${campaign}/${zone}`
}

/** The id of the schedule of the upkeep, and the prefix of its workflow ids. */
export const UPKEEP_ID = 'upkeep'

/** Whether the id of a schedule is one that plans ask for. */
export function isOurSchedule(id: string): boolean {
  return id === UPKEEP_ID || id.startsWith(sweepId('')) || id.startsWith(CAMPAIGNS)
}

/** What a schedule is for, by its id: the journey or campaign, and a campaign's zone; neither for the upkeep. */
export function scheduledBy(id: string): { journey: string | null; zone: string | null } {
  if (id.startsWith(sweepId(''))) return { journey: id.slice(sweepId('').length), zone: null }
  if (!id.startsWith(CAMPAIGNS)) return { journey: null, zone: null }
  const [journey = '', ...zone] = id.slice(CAMPAIGNS.length).split('/')
  return { journey, zone: zone.join('/') }
}

/** `campaign/member-day/2026-11-15/Asia/Shanghai`: one run of a campaign, and the workflow of one that an operator begins. */
export function campaignRunId(of: { campaign: string; occasion: string; zone: string }): string {
  return `campaign/${of.campaign}/${of.occasion}/${of.zone}`
}
