/** Campaigns: beginning a run, opening its waves, paging through them, and ending it. */
import { type WaveCounts, type WaveTerms, occasionFor, timesOf } from '../domain/campaign.ts'
import { PerennialError } from '../domain/errors.ts'
import {
  type CampaignRun,
  type CampaignStatus,
  campaignRun,
  endCampaignRun,
  finishWave,
  openCampaignRun,
  openOf,
  openWave,
  waveCounts,
  wavesOf,
} from '../store/campaigns.ts'
import { begunOf, endMembers, withdrawMessages } from '../store/campaign-members.ts'
import { inTransaction } from '../store/db.ts'
import { isSwitchedOff } from '../store/journeys.ts'
import { releaseCost } from '../store/message-costs.ts'
import { forsaker } from './attempts.ts'
import { type Reservation, deliverer } from './deliveries.ts'
import { learnFate } from './fates.ts'
import { messageGate } from './gate.ts'
import { beat, beating, isEnding } from './heartbeats.ts'
import type { Now, Parts, PlanFacts } from './index.ts'
import { couponIssuer } from './wave-coupons.ts'
import { Overtaken, type Page, type PageKind, type PageRequest, pager } from './wave-pages.ts'

export interface OpenCampaign {
  campaign: string
  zone: string
  occasion?: string
  /** When its schedule was due, or when it was begun by hand; shop time. */
  scheduled: number
  workflow: string
  asked: number
}

export type OpenedCampaign =
  | { is: 'open'; run: string; occasion: string } /** Another workflow tells it, or it is over. */
  | { is: 'elsewhere' | 'over' | 'off' }

export interface OpenWave {
  run: string
  name: string
  ordinal: number
  terms: WaveTerms
  asked: number
}

export interface WaveWork {
  wave: number
  run: string
  name: string
  terms: WaveTerms
  asked: number
}

/** What a number of pages came to. */
export type Went =
  | { is: 'more' | 'stopped' }
  | { is: 'done'; counts: WaveCounts }
  /** `until` null: until somebody acts. */
  | { is: 'resting'; why: string; until: number | null }

/** Pages that one activity goes through: seconds of work, after which the workflow hears of it. */
const PAGES = 20
/** Until a provider that would not take messages is asked again, or one of whom another worker may be talking to it. */
const PATIENCE = 60_000
const LEAVING = 1_000

export function campaignActivities(parts: Parts, now: Now) {
  const { db, plans } = parts
  const gate = messageGate(parts)
  const { candidates, page } = pager(parts, gate)
  const issueAll = couponIssuer(parts)
  const deliver = deliverer(parts, now)
  const forsake = forsaker(parts, now)

  function planOf(name: string): PlanFacts & Required<Pick<PlanFacts, 'campaign'>> {
    const plan = plans.get(name)
    if (plan?.campaign) return { ...plan, campaign: plan.campaign }
    throw new PerennialError('JOURNEY_UNKNOWN', `no campaign '${name}'`, { field: 'campaign' })
  }

  async function runOf(id: string): Promise<CampaignRun> {
    const run = await campaignRun(db, id)
    if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
    return run
  }

  /** One page decided, with its coupons issued before where the wave has some. */
  async function nextPage(request: PageRequest): Promise<Page> {
    const { terms, plan } = request
    const { coupon } = terms
    if (!coupon) return inTransaction(db, (tx) => page(tx, request))
    const found = await inTransaction(db, (tx) => candidates(tx, request))
    if (found.is !== 'candidates') return found
    const coupons = await issueAll(plan, { ...terms, coupon }, found.of, request)
    try {
      return await inTransaction(db, (tx) => page(tx, request, coupons))
    } catch (error) {
      if (error instanceof Overtaken) return { is: 'again' }
      throw error
    }
  }

  /** Pages of one kind, each decided while the one before is on its way out. */
  async function walk(work: WaveWork, kind: PageKind, most: number): Promise<Walked> {
    const run = await runOf(work.run)
    const plan = planOf(run.campaign)
    const { wave, terms, asked } = work
    let sending: Promise<number> = Promise.resolve(0)
    let put = 0
    try {
      for (let pages = 0; pages < most && !isEnding(); pages++) {
        const found = await nextPage({ run, plan, wave, terms, kind, now: now(asked) })
        if (found.is === 'again') continue
        put += await sending
        if (found.is !== 'page') return { end: found, pages, put }
        sending = sent(found.going)
        beat({ wave, kind, pages })
        if (found.last) {
          put += await sending
          return { end: 'last', pages, put }
        }
      }
      put += await sending
      return { end: 'more', pages: most, put }
    } finally {
      await sending
    }
  }

  function sent(going: readonly Reservation[]): Promise<number> {
    const out = deliver(going)
    // Awaited after the next page, or when that fails.
    out.catch(() => {})
    return out
  }

  async function work(request: WaveWork): Promise<Went> {
    const { wave, run, asked } = request
    await forsakeBegun(request)
    const before = await walk(request, 'left', PAGES)
    if (typeof before.end !== 'string') return wentOf(before.end)
    const next = await walk(request, 'next', PAGES)
    if (typeof next.end !== 'string') return wentOf(next.end)
    if (next.end === 'more' || before.end === 'more') return { is: 'more' }
    const put = before.put + next.put
    // Of whom left in the last moment a message is reserved still.
    const after = put === 0 ? await walk(request, 'left', PAGES) : undefined
    if (after && typeof after.end !== 'string') return wentOf(after.end)
    const { held, working, next: soonest } = await openOf(db, wave)
    if (held + working === 0) {
      await inTransaction(db, (tx) => finishWave(tx, wave, { skipped: false, now: now(asked) }))
      return done(run, wave)
    }
    if (working > 0) return { is: 'resting', why: `${working} on their way`, until: now(asked) + PATIENCE }
    return { is: 'resting', why: `${held} held`, until: soonest }

    async function wentOf(end: Exclude<Page, { is: 'page' }>): Promise<Went> {
      if (end.is === 'done') return done(run, wave)
      return end.is === 'again' ? { is: 'more' } : end
    }
  }

  async function done(run: string, wave: number): Promise<Went> {
    const found = (await wavesOf(db, run)).find(({ id }) => id === wave)
    return { is: 'done', counts: await waveCounts(db, found ?? { id: wave, skipped: false }) }
  }

  /** What an attempt that died had begun: nobody knows of it, unless the provider can be asked. */
  async function forsakeBegun({ wave, run, asked }: Pick<WaveWork, 'wave' | 'run' | 'asked'>): Promise<void> {
    const { campaign } = await runOf(run)
    if (planOf(campaign).class === 'transactional') return
    for (const { key, run: member } of await begunOf(db, wave)) {
      await learnFate(parts, key, now(asked))
      await forsake({ key, run: member, asked })
    }
  }

  return {
    /** Writes the run of an occasion in a zone, or finds that another workflow tells it. Throws JOURNEY_UNKNOWN, ENTRY_REFUSED. */
    async openCampaign(request: OpenCampaign): Promise<OpenedCampaign> {
      const { campaign, zone, occasion, scheduled, workflow, asked } = request
      const plan = planOf(campaign)
      if (await isSwitchedOff(db, plan)) return { is: 'off' }
      const day = occasionFor(plan.campaign, { zone, occasion, scheduled })
      if (!day) {
        throw new PerennialError('ENTRY_REFUSED', `${campaign} has no occasion '${occasion ?? 'now'}'`, {
          field: 'occasion',
        })
      }
      const run = await openCampaignRun(db, {
        campaign,
        zone,
        occasion: day.occasion,
        day: day.date,
        workflow,
        begunBy: 'schedule',
        now: now(asked),
      })
      if (run.status !== 'running') return { is: 'over' }
      return run.workflow === workflow ? { is: 'open', run: run.id, occasion: run.occasion } : { is: 'elsewhere' }
    },

    /** When a wave is due; its counts where it is done already. */
    async openWave({
      run: id,
      name,
      ordinal,
      terms,
    }: OpenWave): Promise<{ wave: number; due: number; counts?: WaveCounts }> {
      const run = await runOf(id)
      const plan = planOf(run.campaign)
      if (!plan.copy[terms.send]) {
        throw new PerennialError('JOURNEY_INVALID', `'${run.campaign}' has no words for '${terms.send}'`, {
          field: `copy.${terms.send}`,
        })
      }
      const { due } = timesOf(terms, run)
      const wave = await openWave(db, { run: id, name, ordinal, message: terms.send, due })
      return { wave: wave.id, due, ...(wave.done_at && { counts: await waveCounts(db, wave) }) }
    },

    async campaignStatus({ run }: { run: string }): Promise<{ status: CampaignStatus }> {
      return { status: (await runOf(run)).status }
    },

    /** Some pages of a wave. Safe to call any number of times, side by side too: the store says who was asked for. */
    sendWave(request: WaveWork): Promise<Went> {
      return beating(
        () => work(request),
        () => ({ wave: request.wave }),
      )
    },

    /** Ends a run: members who are still in leave it, and what is held of a stopped one goes nowhere. */
    closeCampaign({ run, status, reason, asked }: CloseCampaign): Promise<void> {
      const close = async (): Promise<void> => {
        if (status !== 'completed') await withdraw(run, asked)
        for (;;) {
          const left = await endMembers(db, { campaignRun: run, status, reason, limit: LEAVING, now: now(asked) })
          if (left === 0) break
        }
        await endCampaignRun(db, { run, status, now: now(asked) })
        const { campaign: journey } = await runOf(run)
        parts.log({ effect: 'finish', journey, customer: '', key: run, result: status })
      }
      return beating(close, () => ({ run }))
    },
  }

  async function withdraw(run: string, asked: number): Promise<void> {
    for (const { id } of await wavesOf(db, run)) await forsakeBegun({ wave: id, run, asked })
    for (;;) {
      const gone = await inTransaction(db, async (tx) => {
        const keys = await withdrawMessages(tx, { run, limit: LEAVING, now: now(asked) })
        for (const key of keys) await releaseCost(tx, { key, now: now(asked) })
        return keys.length
      })
      if (gone === 0) return
    }
  }
}

export interface CloseCampaign {
  run: string
  status: 'completed' | 'stopped' | 'failed'
  reason: string
  asked: number
}

interface Walked {
  /** `last`: there is nobody after this page. */
  end: 'last' | 'more' | Exclude<Page, { is: 'page' }>
  pages: number
  /** Messages that their provider would not take yet. */
  put: number
}
