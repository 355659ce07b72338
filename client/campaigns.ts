/** The operator's hand on campaigns: how many it would reach, begin it, stop it, and where its runs are. */
import { type WaveCounts, occasionFor } from '../domain/campaign.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { PerennialError } from '../domain/errors.ts'
import { namedAudiences } from '../store/audiences.ts'
import {
  type CampaignRun,
  type Wave,
  audienceByZone,
  campaignRuns,
  dispatchCampaign,
  endCampaignRun,
  openCampaignRun,
  waveCounts,
  wavesOf,
} from '../store/campaigns.ts'
import { countAhead, endMembers, withdrawMessages } from '../store/campaign-members.ts'
import { inTransaction } from '../store/db.ts'
import { wakeCampaign } from '../store/dispatch.ts'
import { isSwitchedOff, pausedJourneys } from '../store/journeys.ts'
import { releaseCost } from '../store/message-costs.ts'
import { entryOf } from './catalogue.ts'
import type { OperatorParts } from './operator.ts'

type CampaignPlan = CheckedPlan & Required<Pick<CheckedPlan, 'campaign'>>

function campaignOf({ catalogue }: OperatorParts, name: string): CampaignPlan {
  const { plan } = entryOf(catalogue, name)
  if (plan.campaign) return { ...plan, campaign: plan.campaign }
  throw new PerennialError('JOURNEY_UNKNOWN', `${name} is a journey of single customers and no campaign`, {
    field: 'campaign',
    expected: `perennial start ${name} <customer>`,
  })
}

export interface CampaignReach {
  campaign: string
  occasion: string
  /** Those of the audience now, by the zone of the run that they would be in. */
  zones: { zone: string; day: string; members: number }[]
  members: number
}

/** Whom a campaign would reach. Throws JOURNEY_UNKNOWN, ENTRY_REFUSED. */
export async function reachOf(
  parts: OperatorParts,
  { campaign: name, occasion }: { campaign: string; occasion?: string | undefined },
): Promise<CampaignReach> {
  const { db, clock, shopZone } = parts
  const plan = campaignOf(parts, name)
  const now = clock.now()
  const setting = { now, named: await namedAudiences(db) }
  const [everybody, members] = await Promise.all([
    audienceByZone(db, { everybody: true }, setting),
    audienceByZone(db, plan.campaign.audience, setting),
  ])
  const counts = new Map([[shopZone, 0], ...everybody.map((one): [string, number] => [one.zone ?? shopZone, 0])])
  for (const one of members) {
    const zone = one.zone ?? shopZone
    counts.set(zone, (counts.get(zone) ?? 0) + one.members)
  }
  const zones = [...counts].map(([zone, count]) => {
    const day = occasionFor(plan.campaign, { zone, occasion, scheduled: now })
    if (!day) throw noOccasion(name, occasion)
    return { zone, day: day.date, occasion: day.occasion, members: count }
  })
  const of = occasion ?? zones.find(({ zone }) => zone === shopZone)?.occasion ?? ''
  return {
    campaign: name,
    occasion: of,
    zones: zones.map(({ zone, day, members: count }) => ({ zone, day, members: count })),
    members: members.reduce((sum, one) => sum + one.members, 0),
  }
}

const noOccasion = (name: string, occasion: string | undefined): PerennialError =>
  new PerennialError('ENTRY_REFUSED', `${name} has no occasion '${occasion ?? ''}'`, {
    field: 'occasion',
    expected: "a date, '2026-11-15', or one of its festivals, '2026.mid-autumn'",
  })

export interface StartedCampaign extends CampaignReach {
  /** The runs that began by this, one a zone; none where all had begun before. */
  begun: string[]
  pausedSince: Date | null
}

/** Begins a campaign in every zone that has customers; once an occasion and zone. Throws JOURNEY_UNKNOWN, ENTRY_REFUSED. */
export async function startCampaign(
  parts: OperatorParts,
  asked: { campaign: string; occasion?: string | undefined },
): Promise<StartedCampaign> {
  const { db, clock } = parts
  const plan = campaignOf(parts, asked.campaign)
  if (await isSwitchedOff(db, plan)) {
    throw new PerennialError('ENTRY_REFUSED', `${plan.name} is off. SWITCHED_OFF`, { field: 'campaign' })
  }
  const reach = await reachOf(parts, asked)
  const { campaign, occasion } = reach
  const begun: string[] = []
  for (const { zone, day } of reach.zones) {
    await inTransaction(db, async (tx) => {
      const one = { campaign, occasion, zone, day, begunBy: 'operator', now: clock.now() }
      const run = await openCampaignRun(tx, one)
      if (!run.fresh) return
      await dispatchCampaign(tx, run.id)
      begun.push(run.id)
    })
  }
  return { ...reach, begun, pausedSince: (await pausedJourneys(db)).get(campaign) ?? null }
}

export interface WaveReport extends Pick<Wave, 'name' | 'message' | 'due_at' | 'begun_at' | 'done_at' | 'skipped'> {
  counts: WaveCounts
}

export interface CampaignReport extends CampaignRun {
  waves: WaveReport[]
}

/** The newest runs of a campaign, with what became of their waves. */
export async function campaignReports(parts: OperatorParts, name: string, limit = 20): Promise<CampaignReport[]> {
  const { db } = parts
  const runs = await campaignRuns(db, name, limit)
  return Promise.all(
    runs.map(async (run) => {
      const waves = await wavesOf(db, run.id)
      const told = waves.map(async (wave): Promise<WaveReport> => {
        const { name: called, message, due_at, begun_at, done_at, skipped } = wave
        return { name: called, message, due_at, begun_at, done_at, skipped, counts: await waveCounts(db, wave) }
      })
      return { ...run, waves: await Promise.all(told) }
    }),
  )
}

/** What was handed over before a campaign was stopped, and what was not. */
export interface HandedOver {
  sent: number
  accepted: number
  /** Begun, and nobody knows; what is on its way in this moment is told as such. */
  unknown: number
  /** Decided on and held or reserved, and now withdrawn. */
  withdrawn: number
  /** Of the waves that had begun: members who were not asked for yet. */
  notBegun: number
}

export interface StoppedCampaign {
  journey: string
  /** Members who were still in. */
  stopped: number
  handedOver: HandedOver
}

const PAGE = 1_000

/** Stops every run of a campaign that is on: no page begins after this, and what is held goes nowhere. */
export async function stopCampaign(parts: OperatorParts, name: string): Promise<StoppedCampaign> {
  const { db, clock } = parts
  const plan = campaignOf(parts, name)
  const runs = (await campaignRuns(db, name, 10_000)).filter(({ status }) => status === 'running')
  const handedOver: HandedOver = { sent: 0, accepted: 0, unknown: 0, withdrawn: 0, notBegun: 0 }
  let stopped = 0
  await inTransaction(db, async (tx) => {
    await wakeCampaign(tx, name)
    // A page that is at work is waited for; the next one finds the run stopped.
    for (const { id } of runs) await endCampaignRun(tx, { run: id, status: 'stopped', now: clock.now() })
  })
  for (const run of runs) {
    handedOver.withdrawn += await withdraw(parts, run.id)
    for (;;) {
      const end = { status: 'stopped', reason: 'operator', limit: PAGE, now: clock.now() } as const
      const ended = await endMembers(db, { ...end, campaignRun: run.id })
      if (ended === 0) break
      stopped += ended
    }
    await addHandedOver(parts, { plan, run, handedOver })
  }
  return { journey: name, stopped, handedOver }
}

async function withdraw({ db, clock }: OperatorParts, run: string): Promise<number> {
  let withdrawn = 0
  for (;;) {
    const gone = await inTransaction(db, async (tx) => {
      const keys = await withdrawMessages(tx, { run, limit: PAGE, now: clock.now() })
      for (const key of keys) await releaseCost(tx, { key, now: clock.now() })
      return keys.length
    })
    if (gone === 0) return withdrawn
    withdrawn += gone
  }
}

async function addHandedOver(
  { db, clock, shopZone }: OperatorParts,
  { plan, run, handedOver }: { plan: CampaignPlan; run: CampaignRun; handedOver: HandedOver },
): Promise<void> {
  const named = await namedAudiences(db)
  for (const wave of await wavesOf(db, run.id)) {
    const counts = await waveCounts(db, wave)
    handedOver.sent += counts.sent
    handedOver.accepted += counts.accepted
    handedOver.unknown += counts.unknown
    if (wave.begun_at === null || wave.walked_at !== null) continue
    const { occasion, zone } = run
    const filters = [plan.campaign.audience]
    const of = { campaign: plan.name, occasion, zone, shopZone: zone === shopZone, filters, named, after: wave.cursor }
    handedOver.notBegun += await countAhead(db, { ...of, now: clock.now() })
  }
}
