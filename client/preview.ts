/**
 * A journey on a virtual clock: the file's own code over a shop in memory, so that ninety days take milliseconds and what is
 * shown is what happens. No server, no database, nothing is sent.
 */
import { SILENT_DAYS, isDated, isSilence, isYearly } from '../domain/audience.ts'
import { type QuietHours, dayAfter, instantOn, localDate, occurrenceOf } from '../domain/calendar.ts'
import { type Duration, milliseconds } from '../domain/duration.ts'
import { PerennialError } from '../domain/errors.ts'
import { type Arm, armOf } from '../domain/experiment.ts'
import { AHEAD, lastDayOf } from '../domain/expiry.ts'
import { runId } from '../domain/ids.ts'
import { type Properties, occasionOf } from '../domain/journey.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import type { CampaignTerms } from '../domain/campaign.ts'
import type { CapRule, PastMessage } from '../domain/pressure.ts'
import { DEFAULT_PROGRAMME } from '../domain/programmes.ts'
import type { Programme } from '../domain/tier.ts'
import type { RiskOutcome } from '../domain/risk.ts'
import { campaignFrom, datedOf, isReached, nextCampaign } from './preview/membership.ts'
import { type Campaign, type CatalogueEntry, type Journey, memberJourney, playStory } from './catalogue.ts'
import type { Timeline } from './preview/timeline.ts'
import type { Answered, Outside, Perishable, Setting, VirtualCustomer } from './preview/setting.ts'
import { VirtualShop } from './preview/shop.ts'
import type { PublishedWords } from './preview/words.ts'

export { formatTimeline } from './preview/timeline.ts'
export type { Line, Timeline } from './preview/timeline.ts'

/** After the start: a duration, or ms. */
export type After = Duration | number

export interface ScriptedEvent {
  type: string
  after: After
  properties?: Properties
}

/** What happens in a walk, and what is different from a plain day. All of it may be left out. */
export interface Script {
  /** Epoch ms; Monday 2026-11-23 10:00 UTC, and for a plan that a daily sweep begins the midnight before. */
  start?: number
  /** Unless said: C1001, Ada, in UTC, who agreed to get messages. */
  customer?: Partial<VirtualCustomer>
  events?: readonly ScriptedEvent[]
  /** The properties of the event that begins the run, an order of 100 yuan unless said; the occasion is read from them. */
  begin?: Properties
  /** `treated` unless said; `drawn` is the arm this customer really has. */
  arm?: Arm | 'drawn'
  /** Marketing messages the customer got by e-mail from elsewhere at the start, and the caps (4 per 7 days). */
  recent?: number
  caps?: readonly CapRule[]
  /** Other runs on the same clock: what the customer has in all of them, and what keeps them in time. */
  beside?: Pick<Setting, 'load' | 'pace' | 'auctionMs' | 'highest'>
  /** Terms of the wording check that a person has agreed to. */
  approved?: readonly string[]
  /** Coupons each offer has left (its whole quota), and those of it the customer already has (none). */
  couponsLeft?: number
  /** What expires, for a journey that tells of it: points of a lot or a coupon, when it is over, and when it is used before. */
  expiring?: readonly { amount?: number; coupon?: { code: string; title: string }; after: After; gone?: After }[]
  couponsHeld?: number
  /** What is left of the plan's budget, minor units (what the plan words). */
  budgetLeft?: number
  /** An operator pauses the journey, and resumes it unless `for` is left out. */
  paused?: { after: After; for?: After }
  unsubscribes?: After
  /** What operators have published over the plan's words; nothing unless said. */
  published?: PublishedWords
  /** The shop's programme of tiers; the one a new shop begins with unless said. */
  programme?: Programme
  /** A person decides the review that is open then, or does its task or cannot. */
  decides?: { after: After } & Answered
  /** What the risk rules say of a referral each time they are asked ('allow'), and how many friends were approved before (none). */
  risk?: readonly RiskOutcome[]
  friends?: number
  /** 20:30 to 09:00 unless said. */
  quiet?: QuietHours
  shopZone?: string
}

const MONDAY = Date.UTC(2026, 10, 23)
const MONDAY_MORNING = Date.UTC(2026, 10, 23, 10)
const QUIET: QuietHours = { from: 20 * 60 + 30, to: 9 * 60 }
const CAPS: readonly CapRule[] = [{ messages: 4, windowMs: milliseconds('7 days'), counts: ['marketing'] }]
/** What was paid where the script does not say: 100 yuan. */
const SAMPLE_ORDER: Properties = { amount: 100_00 }
const CUSTOMER: VirtualCustomer = {
  id: 'C1001',
  name: 'Ada',
  email: 'ada@shop.example',
  zone: 'UTC',
  consent: true,
  suppressed: false,
  tags: [],
  paidOrders: 0,
  spent: 0,
  tier: null,
}

/**
 * Plays one run of a journey through a script, to its end and through what is scripted after it. Throws SCRIPT_MALFORMED for a
 * script that cannot be, and what the story itself throws.
 */
export async function walk(
  entry: Pick<CatalogueEntry, 'plan' | 'journey' | 'campaign'>,
  script: Script = {},
): Promise<Timeline> {
  const { plan, campaign } = entry
  const customer = { ...CUSTOMER, ...script.customer }
  const shopZone = script.shopZone ?? 'UTC'
  const zone = customer.zone ?? shopZone
  const round = plan.campaign && roundOf(plan.campaign, zone, script)
  const start = round?.start ?? script.start ?? (plan.sweep ? MONDAY : MONDAY_MORNING)
  const startsAt = plan.sweep ? comesNext(plan.sweep.at, zone, start) : start
  const perishables = perishablesOf(plan, script, { start, startsAt, zone })
  const occasion = plan.sweep
    ? sweptOccasion(plan.sweep, { startsAt, zone, perishables })
    : (round?.occasion ?? sampleOccasion(plan, script.begin ?? {}))
  const run = runId({ journey: plan.name, customer: customer.id, occasion })
  const asked = script.arm ?? 'treated'
  const arm = asked === 'drawn' ? armOf(plan.name, customer.id, plan.holdout) : asked
  const shop = new VirtualShop({
    plan,
    run,
    arm,
    start,
    startsAt,
    customer,
    begin: { ...SAMPLE_ORDER, ...(plan.begins && plan.occasion && { [plan.occasion]: occasion }), ...script.begin },
    outside: outsideOf(script, start),
    published: script.published,
    programme: script.programme ?? DEFAULT_PROGRAMME,
    quiet: script.quiet ?? QUIET,
    caps: script.caps ?? CAPS,
    load: { past: Array.from({ length: script.recent ?? 0 }, () => elsewhere(start)), bids: new Map() },
    auctionMs: 0,
    highest: 0,
    approved: script.approved ?? [],
    ...script.beside,
    couponsLeft: script.couponsLeft,
    couponsHeld: script.couponsHeld ?? 0,
    budgetLeft: script.budgetLeft,
    perishables,
    referral: { risk: script.risk ?? [], friends: script.friends ?? 0 },
    zone,
  })
  shop.say('begin', `${plan.title} begins for ${customer.id}, ${arm}`, { name: plan.name })
  const journey = campaign ? asMember(campaign, shop, { plan, customer }) : entry.journey
  const input = { run, journey: plan.name, customer: customer.id, startsAt }
  await Promise.race([playStory(journey, shop, input), shop.heldForEver])
  shop.playOut()
  const { lines, inbox } = shop
  const { status, reason, goalAt } = inbox
  const held = { status, reason: 'held, and nobody resumes it' }
  return {
    run,
    customer: customer.id,
    zone,
    start,
    lines,
    end: status === 'running' ? held : { status, reason },
    goalAt,
  }
}

/** When a campaign begins: as told, else the next time it comes round. */
const roundOf = (terms: CampaignTerms, zone: string, { start }: Script) =>
  start === undefined ? nextCampaign(terms, zone, MONDAY) : campaignFrom(terms, zone, start)

/** The campaign for one member, with a line for each wave that is not for them. */
function asMember(
  campaign: Campaign,
  shop: VirtualShop,
  { plan, customer }: { plan: CheckedPlan; customer: VirtualCustomer },
): Journey {
  return memberJourney(campaign, (wave, filter, facts) => {
    const events = shop.inbox.events.map(datedOf)
    const consents = customer.consent ? [plan.topic] : []
    const reached = isReached(filter, facts, { customer, consents, events }, shop.now())
    if (!reached) shop.say('wait', `wave ${wave}: not for this customer`, { name: wave })
    return reached
  })
}

const elsewhere = (at: number): PastMessage => ({ at, channel: 'email', tags: [], class: 'marketing' })

function comesNext(at: string, zone: string, start: number): number {
  const { due, late, next } = occurrenceOf({ at: at as `${number}:${number}` }, zone, start)
  return late && next !== undefined ? next : due
}

/** Unless said: points and a coupon whose last day is AHEAD days from the first. */
function perishablesOf(
  { sweep }: CatalogueEntry['plan'],
  { expiring }: Script,
  { start, startsAt, zone }: { start: number; startsAt: number; zone: string },
): Perishable[] {
  if (!sweep || !isDated(sweep.audience)) return []
  const sample = { amount: sweep.audience === 'points-expiring' ? SAMPLE_POINTS : 1, coupon: SAMPLE_COUPON }
  const end = instantOn(dayAfter(localDate(startsAt, zone), AHEAD + 1), '00:00', zone)
  if (expiring === undefined) return [{ ...sample, at: end, goneAt: Infinity }]
  return expiring.map(({ amount = 1, coupon, after, gone }) => ({
    amount,
    ...(coupon && { coupon }),
    at: start + spanOf(after),
    goneAt: gone === undefined ? Infinity : start + spanOf(gone),
  }))
}

const SAMPLE_POINTS = 500
const SAMPLE_COUPON = { code: 'SAMPLE234567', title: 'Ten off' }

/** The year, the first day on which something expires, the last on which the customer did something, or what else there is one of. */
function sweptOccasion(
  { audience }: NonNullable<CatalogueEntry['plan']['sweep']>,
  { startsAt, zone, perishables }: { startsAt: number; zone: string; perishables: readonly Perishable[] },
): string {
  const today = localDate(startsAt, zone)
  if (isYearly(audience)) return today.slice(0, 4)
  if (isSilence(audience)) return dayAfter(today, -SILENT_DAYS)
  if (!isDated(audience)) return 'sample'
  return perishables.map((one) => lastDayOf(one, zone)).sort()[0] ?? dayAfter(today, AHEAD)
}

function sampleOccasion({ occasion }: CatalogueEntry['plan'], begin: Properties): string | null {
  if (occasion === undefined) return null
  return occasionOf(occasion, begin) ?? 'sample'
}

function outsideOf({ events = [], paused, unsubscribes, decides }: Script, start: number): Outside[] {
  const at = (after: After): number => start + spanOf(after)
  const outside: Outside[] = events.map(({ type, after, properties = {} }) => ({
    is: 'event',
    at: at(after),
    type,
    properties,
  }))
  if (unsubscribes !== undefined) outside.push({ is: 'unsubscribe', at: at(unsubscribes) })
  if (decides) outside.push({ ...decides, is: 'decision', at: at(decides.after) })
  if (paused) {
    outside.push({ is: 'pause', at: at(paused.after) })
    if (paused.for !== undefined) outside.push({ is: 'resume', at: at(paused.after) + spanOf(paused.for) })
  }
  return outside.sort((one, other) => one.at - other.at)
}

function spanOf(after: After): number {
  const span = typeof after === 'string' ? milliseconds(after) : after
  if (Number.isFinite(span) && span >= 0) return span
  throw malformed(String(after))
}

const EVENT = /^([a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)+)@([^{]+?)(\{.*\})?$/s

/**
 * Reads 'order.paid@2d', and with properties `cart.added@1h{"cart":"K1"}`. Throws SCRIPT_MALFORMED.
 */
export function parseScriptedEvent(text: string): ScriptedEvent {
  const [, type, after, json] = EVENT.exec(text.trim()) ?? []
  if (type === undefined || after === undefined) throw malformed(text)
  try {
    const event = { type, after: milliseconds(after) }
    return json === undefined ? event : { ...event, properties: JSON.parse(json) as Properties }
  } catch (cause) {
    throw malformed(text, cause)
  }
}

function malformed(text: string, cause?: unknown): PerennialError {
  const expected = `type@after: 'order.paid@2d', or 'cart.added@1h{"cart":"K1"}'`
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new PerennialError('SCRIPT_MALFORMED', `'${text}' is not a scripted event${why}`, {
    field: 'event',
    expected,
    cause,
  })
}
