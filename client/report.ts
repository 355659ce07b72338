/** What became of a journey, and of one run. */
import { PerennialError } from '../domain/errors.ts'
import { liftOf } from '../domain/statistics.ts'
import { type CouponLine, type OfferState, couponsOf, offers } from '../store/coupons.ts'
import { type Enrolment, enrolment, enrolments } from '../store/enrolments.ts'
import {
  type EffectCounts,
  type JourneyCounts,
  effectCounts,
  journeyCounts,
  pausedJourneys,
} from '../store/journeys.ts'
import { type MessageRow, messagesOf } from '../store/messages.ts'
import { type ArmOutcome, armOutcomes } from '../store/outcomes.ts'
import { type SteeringLine, steeringOf } from '../store/steering-log.ts'
import { campaignRun } from '../store/campaigns.ts'
import { type CampaignReport, campaignReports } from './campaigns.ts'
import { entryOf } from './catalogue.ts'
import type { OperatorParts } from './operator.ts'
import { type Whereabouts, askWhere } from './temporal.ts'
import { type PlanInWords, planInWords } from './plan-in-words.ts'

/** Conversion of treated less held-out, with its 95 % interval; not conclusive while the interval holds zero. */
export interface MeasuredLift {
  difference: number
  low: number
  high: number
  conclusive: boolean
}

export interface JourneyReport {
  plan: PlanInWords
  pausedSince: Date | null
  counts: JourneyCounts[]
  /** As assigned: whoever entered an arm counts in it. */
  arms: ArmOutcome[]
  /** Null while one of the arms is empty. */
  lift: MeasuredLift | null
  /** Only runs that came to a message that would have gone out: the same walk through the gate in both arms. */
  exposed: { arms: ArmOutcome[]; lift: MeasuredLift | null }
  effects: EffectCounts[]
  offers: OfferState[]
  newest: Enrolment[]
  /** Who paused, resumed, stopped or moved it, the newest first. */
  steered: SteeringLine[]
  /** Of a campaign: its newest runs, wave by wave. */
  campaign: CampaignReport[]
}

const NEWEST = 10
const STEERED = 5

/** Throws JOURNEY_UNKNOWN, STORE_UNAVAILABLE. */
export async function showJourney(parts: OperatorParts, name: string): Promise<JourneyReport> {
  const { db, catalogue } = parts
  const { plan } = entryOf(catalogue, name)
  const [paused, counts, arms, exposedArms, effects, stored, newest, steered] = await Promise.all([
    pausedJourneys(db),
    journeyCounts(db, name),
    armOutcomes(db, name),
    armOutcomes(db, name, { exposed: true }),
    effectCounts(db, name),
    offers(db),
    enrolments(db, { journey: name }, NEWEST),
    steeringOf(db, { journey: name }, STEERED),
  ])
  const states = Object.entries(plan.offers).map(
    ([id, { perOccasion = null, ...offer }]) =>
      stored.find((one) => one.id === id) ?? { id, ...offer, perOccasion, buckets: offer.buckets ?? 1, issued: 0 },
  )
  const pausedSince = paused.get(name) ?? null
  return {
    plan: planInWords(plan),
    pausedSince,
    counts,
    arms,
    lift: measure(arms),
    exposed: { arms: exposedArms, lift: measure(exposedArms) },
    effects,
    offers: states,
    newest,
    steered,
    campaign: plan.campaign ? await campaignReports(parts, name, NEWEST) : [],
  }
}

function measure(arms: readonly ArmOutcome[]): MeasuredLift | null {
  const share = (arm: ArmOutcome['arm']) => {
    const found = arms.find((one) => one.arm === arm)
    return { successes: found?.converted ?? 0, total: found?.runs ?? 0 }
  }
  const lift = liftOf(share('treated'), share('holdout'))
  return lift ? { ...lift, conclusive: lift.low > 0 || lift.high < 0 } : null
}

/** A message without the person: no address, no words. */
export type MessageLine = Pick<MessageRow, (typeof MESSAGE_FIELDS)[number]>

const MESSAGE_FIELDS = [
  'key',
  'message',
  'channel',
  'passed',
  'class',
  'status',
  'code',
  'detail',
  'attempts',
  'created_at',
  'reserved_at',
  'held_until',
  'sent_at',
] as const

export interface RunReport {
  run: Enrolment
  messages: MessageLine[]
  coupons: CouponLine[]
  /** Null where the run is over. */
  where: Whereabouts | null
  /** Who stopped it or took it up again, the newest first. */
  steered: SteeringLine[]
}

/** Throws RUN_UNKNOWN, STORE_UNAVAILABLE; a Temporal that does not answer only leaves `where` unknown. */
export async function showRun({ db, temporal }: OperatorParts, id: string): Promise<RunReport> {
  const run = await enrolment(db, id)
  if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
  const [messages, coupons, steered] = await Promise.all([
    messagesOf(db, { enrolment: id }),
    couponsOf(db, run.customer),
    steeringOf(db, { enrolment: id }, STEERED),
  ])
  const unasked: Whereabouts = { known: false, why: 'no Temporal server was named' }
  // A member of a campaign is where the campaign is.
  const workflow = run.campaign === null ? id : ((await campaignRun(db, run.campaign))?.workflow ?? id)
  const where = run.status === 'running' ? await (temporal ? askWhere(temporal, workflow) : unasked) : null
  const ours = coupons.filter((coupon) => coupon.enrolment === id)
  return { run, messages: messages.map(withoutPerson), coupons: ours, where, steered }
}

const withoutPerson = (row: MessageRow): MessageLine =>
  Object.fromEntries(MESSAGE_FIELDS.map((field) => [field, row[field]])) as MessageLine
