/**
 * One page of a wave: who is next behind their locks, what is known of all of them in a few statements, and for each the verdict of the
 * very gate that single messages pass. What is decided and how far the wave has come are one transaction.
 */
import { type WaveTerms, hoursOpenAt, isTooLate, slotOf, timesOf } from '../domain/campaign.ts'
import { deliveryOf } from '../domain/delivery.ts'
import { PerennialError } from '../domain/errors.ts'
import { armOf } from '../domain/experiment.ts'
import { effectKey, runId } from '../domain/ids.ts'
import { namedAudiences } from '../store/audiences.ts'
import { type CampaignRun, type WaveState, finishWave, lockWave, moveWave } from '../store/campaigns.ts'
import { type PageMember, enrolMembers, lockLeft, lockNext, membersOf } from '../store/campaign-members.ts'
import { lockCustomers } from '../store/customers.ts'
import type { Tx } from '../store/db.ts'
import { placesLeft, takePlaces } from '../store/release.ts'
import type { Coupons } from './wave-coupons.ts'
import { type Conclusion, concluder, writeConclusions } from './conclusions.ts'
import type { Reservation } from './deliveries.ts'
import type { GateQuestion, GateRead, messageGate } from './gate.ts'
import type { Parts, PlanFacts } from './index.ts'
import { pageReader } from './page-reads.ts'

/** `next`: those who were not asked for yet. `left`: those held until now, and what an attempt that died left reserved. */
export type PageKind = 'next' | 'left'

export interface PageRequest {
  run: CampaignRun
  plan: PlanFacts
  wave: number
  terms: WaveTerms
  kind: PageKind
  now: number
}

/** Why no page can be had now. */
export type NoPage =
  { is: 'stopped' } | { is: 'done' } | { is: 'again' } | { is: 'resting'; why: string; until: number | null }

export type Page = NoPage | { is: 'page'; seen: number; last: boolean; going: Reservation[] }

const PAGE = 500

/** What changed between the issue of the coupons and the page: it is asked for anew. */
export class Overtaken extends Error {}

export function pager(parts: Parts, gate: ReturnType<typeof messageGate>) {
  const { policy } = parts
  const conclude = concluder(parts, gate)
  const readAll = pageReader(gate)

  /** The wave locked, and how many of a page may go now; or why none may. */
  async function beginPage(tx: Tx, { run, plan, wave, terms, now }: PageRequest): Promise<NoPage | Begun> {
    const state = await lockWave(tx, wave)
    if (!state || state.status !== 'running') return { is: 'stopped' }
    if (state.done_at) return { is: 'done' }
    if (state.paused) return { is: 'resting', why: 'paused', until: null }
    const times = timesOf(terms, run)
    if (state.begun_at === null && isTooLate(terms.late, { ...times, now })) {
      await finishWave(tx, wave, { skipped: true, now })
      return { is: 'done' }
    }
    const opens = hoursOpenAt(plan.campaign?.hours, run.zone, now)
    if (opens > now) return { is: 'resting', why: 'outside its hours', until: opens }
    let limit = PAGE
    const limits = limitsOf(plan, terms)
    for (const { name, rate } of limits) {
      const slot = slotOf(rate, now)
      limit = Math.min(limit, await placesLeft(tx, { channel: name, slot, messages: rate.messages }))
      if (limit === 0) return { is: 'resting', why: 'its rate is used up', until: slot + rate.everyMs }
    }
    return { is: 'begun', state, limit, limits, until: times.until }
  }

  /** The campaign's own rate, and that of the channel its message would rather take. */
  function limitsOf(plan: PlanFacts, { send }: WaveTerms) {
    const [channel = 'email'] = deliveryOf(plan.delivery, send).channels
    const perSecond = parts.rates?.get(channel)
    const own = plan.campaign?.rate
    return [
      ...(own ? [{ name: `campaign/${plan.name}`, rate: own }] : []),
      ...(perSecond === undefined
        ? []
        : [{ name: `rate/${channel}`, rate: { messages: Math.max(1, Math.floor(perSecond)), everyMs: 1_000 } }]),
    ]
  }

  /** Those of the page, locked, with who is new of them entered. */
  async function gather(tx: Tx, request: PageRequest, { state, limit }: Begun, known?: Coupons): Promise<Gathered> {
    const { run, plan, wave, terms, kind, now } = request
    const customers = known ? await lockCustomers(tx, known.customers) : await pick(tx, request, state, limit)
    const { occasion } = run
    const found = await membersOf(tx, customers, { campaign: plan.name, occasion, send: terms.send })
    const members = found.flatMap((one): Member[] => {
      const arm = one.arm ?? armOf(plan.name, one.customer, plan.holdout)
      const isOver =
        one.before !== undefined &&
        !OPEN.has(one.before.status) &&
        !(plan.class === 'transactional' && one.before.status === 'sending')
      const has = { ...one, arm, run: runId({ journey: plan.name, customer: one.customer, occasion }) }
      // Who left since is in no later wave; what was held for them is told why it does not go.
      return isOver || (one.before === undefined && (one.status ?? 'running') !== 'running') ? [] : [has]
    })
    const fresh = members.filter((one) => one.status === null)
    const goalUntil = plan.goal?.within ? now + plan.goal.within : null
    await enrolMembers(tx, fresh, { campaign: plan.name, campaignRun: run.id, occasion, goalUntil, now })
    const cursor = kind === 'next' ? (customers.at(-1) ?? state.cursor) : state.cursor
    return { wave, members, customers, cursor, last: customers.length < (known?.limit ?? limit) }
  }

  async function pick(tx: Tx, { run, plan, wave, terms, kind, now }: PageRequest, state: WaveState, limit: number) {
    if (kind === 'left') {
      const statuses = plan.class === 'transactional' ? ['reserved', 'sending'] : ['reserved']
      return lockLeft(tx, { wave, statuses, limit, now })
    }
    const { campaign } = plan
    if (!campaign) throw new PerennialError('JOURNEY_INVALID', `'${plan.name}' is no campaign`, { field: 'campaign' })
    return lockNext(tx, {
      campaign: plan.name,
      occasion: run.occasion,
      zone: run.zone,
      shopZone: run.zone === policy.shopZone,
      filters: [campaign.audience, ...(terms.to ? [terms.to] : [])],
      named: await namedAudiences(tx),
      after: state.cursor,
      limit,
      now,
    })
  }

  function questionOf(
    { plan, wave, terms, now }: PageRequest,
    { until }: Begun,
    one: Member,
    coupon?: { message: string; data: Record<string, unknown> },
  ): GateQuestion {
    const { customer, arm, run, before } = one
    return {
      request: {
        key: effectKey(run, 'send', terms.send, 1),
        run,
        message: coupon?.message ?? terms.send,
        data: coupon?.data ?? {},
        ...(until !== null && { until }),
        asked: now,
      },
      run: { journey: plan.name, customer, arm, status: one.status ?? 'running', reason: null, paused: false },
      plan,
      before,
      wave,
      now,
    }
  }

  return {
    /** Who of the next page would get the wave's message if there were a coupon for them. */
    async candidates(tx: Tx, request: PageRequest): Promise<NoPage | { is: 'candidates'; of: Candidates }> {
      const begun = await beginPage(tx, request)
      if (begun.is !== 'begun') return begun
      const gathered = await gather(tx, request, begun)
      const asked = gathered.members.map((one) => questionOf(request, begun, one))
      const read = await readAll(tx, asked, gathered.members)
      const going = gathered.members.filter((_, index) => {
        const [question, known] = [asked[index], read[index]]
        return question && known && gate.wouldGo(question, known)
      })
      const { customers } = gathered
      return { is: 'candidates', of: { customers, limit: begun.limit, cursor: begun.state.cursor, going } }
    },

    /** Decides a page and writes it. Throws Overtaken where the coupons were issued for another one. */
    async page(tx: Tx, request: PageRequest, coupons?: Coupons): Promise<Page> {
      const { wave, kind, now } = request
      const begun = await beginPage(tx, request)
      if (begun.is !== 'begun') return begun
      if (coupons && coupons.cursor !== begun.state.cursor) throw new Overtaken()
      const gathered = await gather(tx, request, begun, coupons)
      const { members, customers, cursor, last } = gathered
      const asked = members.map((one) => {
        const coupon = coupons?.of.get(one.customer)
        const question = questionOf(request, begun, one, coupon)
        return coupons && !coupon ? { ...question, wordless: true as const } : question
      })
      const read = await readAll(tx, asked, members)
      const concluded: Conclusion[] = []
      for (const [index, question] of asked.entries()) {
        const answer = await gate.decide(tx, question, read[index] as GateRead)
        if (question.wordless && answer.verdict.do === 'send') throw new Overtaken()
        concluded.push(await conclude(tx, question, answer))
      }
      await writeConclusions(tx, concluded)
      const going = concluded.flatMap(({ call }, index) => {
        const question = asked[index]
        return call && question ? [{ request: question.request, ...call }] : []
      })
      for (const { name, rate } of begun.limits) {
        await takePlaces(tx, { channel: name, slot: slotOf(rate, now), count: going.length })
      }
      if (kind === 'next') await moveWave(tx, wave, { cursor, members: members.length, walked: last, now })
      return { is: 'page', seen: customers.length, last, going }
    },
  }
}

const OPEN: ReadonlySet<string> = new Set(['held', 'reserved'])

interface Begun {
  is: 'begun'
  state: WaveState
  limit: number
  limits: { name: string; rate: { messages: number; everyMs: number } }[]
  until: number | null
}

/** A member of the page, entered or about to be. */
export type Member = Omit<PageMember, 'arm'> & { arm: NonNullable<PageMember['arm']>; run: string }

interface Gathered {
  wave: number
  members: Member[]
  customers: string[]
  cursor: string
  last: boolean
}

/** A page that coupons are issued for before it is decided. */
export interface Candidates {
  customers: string[]
  limit: number
  cursor: string
  going: Member[]
}
