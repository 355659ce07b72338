/** What the gate is asked for one message: facts read behind the customer's lock, words rendered by channel, one verdict. */
import { createHash } from 'node:crypto'
import { opensAt } from '../domain/calendar.ts'
import { CAPABILITIES, type ChannelName } from '../domain/channel.ts'
import { deliveryOf, preferred } from '../domain/delivery.ts'
import { PerennialError } from '../domain/errors.ts'
import { BUCKETS, bucketOf } from '../domain/experiment.ts'
import { canonical } from '../domain/journey.ts'
import { type Contest, contest } from '../domain/pressure.ts'
import { type ChannelFacts, type SendFacts, type Verdict, gate, wordlessGate } from '../domain/sending.ts'
import { unsubscribeLink, wordLinks } from '../domain/links.ts'
import { findingsIn, wordsOver } from '../domain/sent-words.ts'
import type { Copy, Rendered, Wording } from '../domain/template.ts'
import { type Finding, gravest } from '../domain/wording.ts'
import type { Tx } from '../store/db.ts'
import type { RunState } from '../store/enrolments.ts'
import { wasHad } from '../store/kept.ts'
import type { MessageRow, NewMessage } from '../store/messages.ts'
import { reserveSlot } from '../store/release.ts'
import { type Purse, affords, purseFor, tellShort } from '../store/message-costs.ts'
import { type AskedMessage, type SendRow, type Way, sendFacts } from '../store/sending.ts'
import { type WordsAsked, type WordsFound, wordsFor } from '../store/words.ts'
import { askForYes } from '../store/wordings.ts'
import type { Channel, Outgoing } from './channels/channel.ts'
import type { Parts, PlanFacts } from './index.ts'
import type { SendRequest } from './messages.ts'
import { restFor } from './pauses.ts'

export interface GateQuestion {
  request: SendRequest
  run: RunState
  plan: PlanFacts
  /** What an earlier attempt left. */
  before: MessageRow | undefined
  /** The wave of a campaign that it is of. */
  wave?: number
  /** Only what keeps it from going whatever it says is asked: there is nothing yet that its words could name. */
  wordless?: true
  now: number
}

export interface Answer {
  verdict: Verdict
  row: NewMessage
  /** The words it is about, in the customer's language. */
  chosen: WordsFound
  /** Where the verdict is to send. */
  outgoing?: Outgoing
  channel?: Channel
  /** Why, in words, where the code alone does not say. */
  detail?: string
  /** The budget of a journey whose messages cost something, and what this one will, minor units. */
  purse?: Purse
  cost?: number
}

/** What was read of a customer for one message, in the transaction that decides. */
export interface GateRead {
  facts: SendRow
  chosen: WordsFound
  /** The hash of the words. */
  wording: string
}

/** The words over one channel, with what the wording check finds in them. */
interface Sample {
  rendered: Rendered
  findings: Finding[]
  unsubscribeUrl: string | undefined
}

interface Samples {
  sampleOf: (channel: ChannelName) => Sample
  /** Minor units. */
  costOf: (channel: ChannelName) => number
  purse: Purse | undefined
}

interface Costed {
  question: GateQuestion
  facts: SendRow
  sample: Sample
}

/** A Message-ID is made from the key, so that every attempt carries the same. */
export function messageIdOf(key: string, publicUrl: string): string {
  return `<${createHash('sha256').update(key).digest('hex').slice(0, 32)}@${new URL(publicUrl).hostname}>`
}

export function copyOf(plan: PlanFacts, message: string): Copy {
  const copy = plan.copy[message]
  if (!copy)
    throw new PerennialError('JOURNEY_INVALID', `'${plan.name}' has no words for '${message}'`, {
      field: `copy.${message}`,
    })
  return copy
}

/** Exactly these words, as a person says yes to them. */
export function wordingHash(journey: string, message: string, copy: Wording): string {
  return createHash('sha256').update(canonical({ journey, message, copy })).digest('hex').slice(0, 16)
}

export function messageGate(parts: Parts) {
  const { policy } = parts
  const windowMs = Math.max(0, ...policy.caps.map((rule) => rule.windowMs))
  const marketing = [...parts.plans.values()].filter((plan) => plan.class === 'marketing')
  const highest = Math.max(0, ...marketing.map((plan) => plan.delivery.priority))

  /** Asks the whole gate. Where words wait for a yes that came while it was asked, it asks again. */
  async function ask(tx: Tx, question: GateQuestion): Promise<Answer> {
    const { request, run, plan } = question
    const { customer } = run
    const chosen = await wordsFor(tx, { ...wordsAsked(plan, request.message), customer })
    const wording = wordingHash(plan.name, request.message, chosen.words)
    const facts = await sendFacts(tx, factsAsked(question, wording))
    if (!facts) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${customer}'`, { field: 'customer' })
    return decide(tx, question, { facts, chosen, wording })
  }

  const wordsAsked = (plan: PlanFacts, message: string): WordsAsked => ({
    journey: plan.name,
    message,
    copy: copyOf(plan, message),
    shopLocale: parts.words?.shopLocale,
  })

  const factsAsked = ({ request, run, plan, now }: GateQuestion, wording: string): AskedMessage => ({
    key: request.key,
    customer: run.customer,
    wording,
    topic: plan.topic,
    purpose: plan.delivery.purpose,
    channels: deliveryOf(plan.delivery, request.message).channels,
    since: now - windowMs,
  })

  /** The verdict on what was read, of one message or of each of a page. */
  async function decide(tx: Tx, question: GateQuestion, read: GateRead): Promise<Answer> {
    const { request, run, plan, now } = question
    const { facts, chosen, wording } = read
    const sampleOf = sampler(question, read)
    const purse = await purseOf(tx, question)
    const costOf = (name: ChannelName): number => costOver(name, { question, facts, sample: sampleOf(name) })
    const resting = await restFor(tx, { ...request, state: run, rest: request.rest, now, shopZone: policy.shopZone })
    const had = request.kept === true && (await wasHad(tx, request))
    const asked = { ...sendFactsOf(question, facts, { sampleOf, costOf, purse }), ...resting, had }
    const verdict = question.wordless ? wordlessGate(plan.class, asked) : gate(plan.class, asked)
    if (purse) await tellRefused(tx, purse, { verdict, costOf, now })
    if (verdict.do === 'hold' && verdict.code === 'WORDING_REVIEW') {
      const findings = unapproved(sampleOf(verdict.channel), facts)
      const { journey } = run
      if (await askForYes(tx, { hash: wording, journey, message: request.message, words: chosen.words, findings, now }))
        return ask(tx, question)
    }
    const answered = answer(question, { facts, chosen }, verdict, () => sampleOf(verdict.channel))
    return purse ? { ...answered, purse, cost: verdict.do === 'send' ? costOf(verdict.channel) : 0 } : answered
  }

  /** Whether a message would go but for its words, so that a coupon for it would not be lost on somebody who never hears of it. */
  function wouldGo(question: GateQuestion, read: GateRead): boolean {
    const sampleOf = sampler(question, read)
    const facts = sendFactsOf(question, read.facts, { sampleOf, costOf: () => 0, purse: undefined })
    return wordlessGate(question.plan.class, facts).do === 'send'
  }

  function sampler(question: GateQuestion, { facts, chosen }: GateRead): (channel: ChannelName) => Sample {
    const samples = new Map<ChannelName, Sample>()
    return (channel) => {
      const known = samples.get(channel) ?? sample(question, facts, chosen, channel)
      samples.set(channel, known)
      return known
    }
  }

  function sendFactsOf(
    { request, run, plan, before, now }: GateQuestion,
    facts: SendRow,
    { sampleOf, costOf, purse }: Samples,
  ): SendFacts {
    const { channels, tags } = deliveryOf(plan.delivery, request.message)
    const bid = bidOf(before)
    const ask = (channel: ChannelName): Contest =>
      contest(
        { key: request.key, priority: plan.delivery.priority, channel, tags, bid },
        { rules: policy.caps, past: facts.past, rivals: facts.rivals, highest, windowMs: policy.auctionMs, now },
      )
    const each = preferred(channels, facts.likes).map((name): ChannelFacts => {
      const way = facts.ways.find((one) => one.channel === name) ?? NO_WAY
      let contested: Contest | undefined
      return {
        name,
        ...way,
        ready: parts.channels.get(name)?.ready.ok ?? false,
        carries: canOf(name).carries.includes(plan.class),
        render: () => {
          const { rendered } = sampleOf(name)
          if (!rendered.ok) return rendered.code
          const { longest } = canOf(name)
          return longest !== null && [...rendered.words.text].length > longest ? 'CHANNEL_UNFIT' : undefined
        },
        wording: () => gravest(unapproved(sampleOf(name), facts)),
        contest: () => (contested ??= ask(name)),
        affords: () => purse === undefined || affords(purse, costOf(name)),
      }
    })
    return {
      now,
      run: run.status,
      paused: run.paused,
      arm: run.arm,
      until: request.until,
      opensAt: opensIn(facts.zone ?? policy.shopZone, now),
      channels: each as [ChannelFacts, ...ChannelFacts[]],
    }
  }

  /** Members of a page share a zone and a time. */
  let opened = { zone: '', now: NaN, opens: NaN }
  function opensIn(zone: string, now: number): number {
    if (opened.zone !== zone || opened.now !== now) opened = { zone, now, opens: opensAt(policy.quiet, zone, now) }
    return opened.opens
  }

  const canOf = (name: ChannelName): Channel['can'] => parts.channels.get(name)?.can ?? CAPABILITIES[name]

  function sample(question: GateQuestion, facts: SendRow, chosen: WordsFound, channel: ChannelName): Sample {
    const { request, run, plan, now } = question
    const link = plan.class !== 'transactional' && canOf(channel).refusal === 'link'
    const topic = { customer: run.customer, topic: plan.topic, channel }
    const unsubscribeUrl = link ? unsubscribeLink(topic, parts) : undefined
    const email = facts.ways.find((way) => way.channel === 'email')?.address ?? null
    const links = wordLinks({ customer: run.customer, email, now }, parts)
    const variables = { ...(facts.name === null ? {} : { name: facts.name }), links, ...request.data }
    const { address } = parts.words ?? {}
    const rules = { class: plan.class, unsubscribeUrl, preferencesUrl: links.preferences, address }
    const rendered = wordsOver(canOf(channel), chosen, variables, rules)
    const { evidence } = deliveryOf(plan.delivery, request.message)
    const findings = rendered.ok ? findingsIn(rendered.words, chosen, { evidence }) : []
    return { rendered, findings, unsubscribeUrl }
  }

  /** Whether a budget pays for it: for messages alone that may cost something. */
  function isPaid({ request, plan }: Pick<GateQuestion, 'request' | 'plan'>): boolean {
    const { channels } = deliveryOf(plan.delivery, request.message)
    return plan.budget !== undefined && channels.some((name) => parts.channels.get(name)?.costOf)
  }

  /** The budgets, locked. */
  async function purseOf(tx: Tx, question: GateQuestion): Promise<Purse | undefined> {
    const { request, run } = question
    return isPaid(question) ? purseFor(tx, { key: request.key, journey: run.journey }) : undefined
  }

  /** Minor units, begun ones whole: providers charge in ten-thousandths, budgets count in hundredths. */
  function costOver(name: ChannelName, { question, facts, sample: { rendered } }: Costed): number {
    const to = addressOver(facts, name)
    const channel = parts.channels.get(name)
    if (!channel?.costOf || !rendered.ok || to === null) return 0
    return minorOf(channel.costOf({ words: rendered.words, class: question.plan.class, to }))
  }

  function answer(
    question: GateQuestion,
    { facts, chosen }: { facts: SendRow; chosen: WordsFound },
    verdict: Verdict,
    sampled: () => Sample,
  ): Answer {
    const { request, run, plan } = question
    const { tags } = deliveryOf(plan.delivery, request.message)
    const row: NewMessage = {
      key: request.key,
      enrolment: request.run,
      journey: run.journey,
      message: request.message,
      customer: run.customer,
      channel: verdict.channel,
      class: plan.class,
      topic: plan.topic,
      purpose: plan.delivery.purpose,
      tags,
      priority: plan.delivery.priority,
      passed: verdict.passed,
      messageId: messageIdOf(request.key, parts.publicUrl),
      ...(question.wave !== undefined && { wave: question.wave }),
    }
    if (verdict.do !== 'send' || question.wordless) {
      const detail = detailOf(verdict, sampled, facts)
      return { verdict, row, chosen, ...(detail !== undefined && { detail }) }
    }
    const { rendered, unsubscribeUrl } = sampled()
    const channel = parts.channels.get(verdict.channel)
    const to = addressOver(facts, verdict.channel)
    if (!rendered.ok || to === null || !channel)
      throw new PerennialError('INTERNAL', `the gate let '${request.key}' pass without words, an address or a channel`)
    const outgoing: Outgoing = {
      key: request.key,
      to,
      messageId: row.messageId,
      words: rendered.words,
      class: plan.class,
      data: request.data,
      locale: chosen.locale,
      ...(unsubscribeUrl !== undefined && { unsubscribeUrl }),
    }
    return { verdict, row, chosen, outgoing, channel }
  }

  /**
   * When a held message is asked for again. Over the night it gets a slot of the morning, which it keeps however often it is asked;
   * the control arm takes none, as nothing of it leaves.
   */
  async function heldUntil(tx: Tx, { run, before, request }: GateQuestion, verdict: Verdict): Promise<number | null> {
    if (verdict.do !== 'hold' || verdict.until === null) return null
    if (verdict.code !== 'QUIET_HOURS' || run.arm === 'holdout') return verdict.until
    const kept = before?.status === 'held' && before.code === 'QUIET_HOURS' ? before.held_until?.getTime() : undefined
    if (kept !== undefined && kept >= verdict.until) return kept
    const rate = policy.release
    const slot = await reserveSlot(tx, { channel: verdict.channel, opensAt: verdict.until, rate })
    return slot + Math.floor((bucketOf('release', request.key) / BUCKETS) * rate.windowMs)
  }

  return { ask, decide, wouldGo, wordsAsked, factsAsked, isPaid, heldUntil }
}

/** Ten-thousandths of the main unit as minor units, begun ones whole. */
export const minorOf = (cost: number): number => Math.ceil(cost / 100)

const addressOver = ({ ways }: SendRow, name: ChannelName): string | null =>
  ways.find((one) => one.channel === name)?.address ?? null

/** A channel that the budget had no room for, or the message itself, is told as an alert of the budget. */
async function tellRefused(
  tx: Tx,
  purse: Purse,
  { verdict, costOf, now }: { verdict: Verdict; costOf: (name: ChannelName) => number; now: number },
): Promise<void> {
  const own = verdict.do === 'skip' ? [{ channel: verdict.channel, code: verdict.code }] : []
  for (const { channel, code } of [...verdict.passed, ...own]) {
    if (code === 'BUDGET_EXHAUSTED') await tellShort(tx, purse, { cost: costOf(channel), now })
  }
}

const NO_WAY: Omit<Way, 'channel'> = { address: null, consented: false, suppressed: false }

function bidOf(before: MessageRow | undefined): { at: number; until: number } | null {
  if (before?.status !== 'held' || !before.bid_at || !before.bid_until) return null
  return { at: before.bid_at.getTime(), until: before.bid_until.getTime() }
}

const unapproved = ({ findings }: Sample, { approved }: SendRow): Finding[] =>
  findings.filter((one) => one.severity === 'block' || !approved.includes(one.term))

function detailOf(verdict: Verdict, sampled: () => Sample, facts: SendRow): string | undefined {
  const code = verdict.do === 'send' ? '' : verdict.code
  const { rendered } = code.startsWith('TEMPLATE') ? sampled() : {}
  if (rendered) return rendered.ok ? undefined : rendered.detail
  if (code === 'WORDING_BLOCKED') return terms(sampled().findings.filter((one) => one.severity === 'block'))
  if (code === 'WORDING_REVIEW') return terms(unapproved(sampled(), facts))
  const { passed } = verdict
  return passed.length === 0 ? undefined : passed.map((one) => `${one.channel} ${one.code}`).join(', ')
}

const terms = (findings: readonly Finding[]): string =>
  [...new Set(findings.map(({ term, suggestion }) => `'${term}': ${suggestion}`))].join('; ')
