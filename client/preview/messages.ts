/** Messages in memory: activities/gate.ts and activities/messages.ts for one run, with providers that take all. */
import { opensAt } from '../../domain/calendar.ts'
import { CAPABILITIES, type ChannelName } from '../../domain/channel.ts'
import { deliveryOf, preferred } from '../../domain/delivery.ts'
import { PerennialError, type Refusal } from '../../domain/errors.ts'
import { type Bid, type CapRule, type Contest, type PastMessage, contest } from '../../domain/pressure.ts'
import { type ChannelFacts, type SendFacts, type Verdict, gate, wordlessGate } from '../../domain/sending.ts'
import { type WordsForOne, findingsIn, wordsOver } from '../../domain/sent-words.ts'
import type { Rendered } from '../../domain/template.ts'
import { type Finding, gravest } from '../../domain/wording.ts'
import type { Host } from '../catalogue.ts'
import type { Standing } from './effects.ts'
import type { Setting } from './setting.ts'
import type { Say } from './timeline.ts'
import { variablesInPreview, wordsInPreview } from './words.ts'

type Request = Parameters<Host['activities']['sendMessage']>[0]
type Answer = Awaited<ReturnType<Host['activities']['sendMessage']>>

/** A message in the words of one channel; they are written when somebody asks for them. */
class Sample {
  private written: Rendered | undefined
  private found: readonly Finding[] | undefined
  private readonly of: VirtualMessages
  private readonly chosen: WordsForOne
  private readonly variables: Record<string, unknown>
  private readonly channel: ChannelName
  private readonly message: string

  constructor(of: VirtualMessages, { message, data }: Request, channel: ChannelName) {
    const { setting } = of
    this.of = of
    this.chosen = wordsInPreview(setting, message)
    this.variables = Object.assign(variablesInPreview(setting), data)
    this.channel = channel
    this.message = message
    if (isUnbounded(channel)) {
      this.found = setting.letters?.findings(this.chosen, this.variables, () => this.read())
    }
  }

  get rendered(): Rendered {
    const { plan, letters } = this.of.setting
    const rules = { class: plan.class, pageless: true }
    return (this.written ??= wordsOver(CAPABILITIES[this.channel], this.chosen, this.variables, rules, letters?.render))
  }

  private read(): readonly Finding[] | undefined {
    const { rendered, of, message } = this
    if (!rendered.ok) return undefined
    const { evidence } = deliveryOf(of.setting.plan.delivery, message)
    return findingsIn(rendered.words, this.chosen, { evidence })
  }

  get findings(): readonly Finding[] {
    return (this.found ??= this.read() ?? NO_FINDINGS)
  }

  /** Why it cannot go out over its channel. What was found in it came out whole. */
  get whyNot(): Refusal | undefined {
    if (this.found && isUnbounded(this.channel)) return undefined
    const { rendered } = this
    if (!rendered.ok) return rendered.code
    const { longest } = CAPABILITIES[this.channel]
    return longest !== null && [...rendered.words.text].length > longest ? 'CHANNEL_UNFIT' : undefined
  }
}

/** Whether words may be as long as they like. */
const isUnbounded = (channel: ChannelName): boolean => CAPABILITIES[channel].longest === null

/** One channel that a message may take: the gate asks in order, and nothing is worked out before it does. */
class Offered implements ChannelFacts {
  readonly name: ChannelName
  readonly consented: boolean
  readonly suppressed: boolean
  readonly address: string | null
  readonly ready = true
  readonly carries: boolean
  private readonly of: VirtualMessages
  private readonly request: Request
  private readonly now: number
  private sampled: Sample | undefined
  private contested: Contest | undefined

  constructor(name: ChannelName, of: VirtualMessages, request: Request, standing: Standing) {
    const { plan, customer } = of.setting
    this.name = name
    this.consented = standing.consented(name)
    this.address = name === 'email' ? customer.email : (customer.reach?.[name] ?? null)
    // It is the address that is dead.
    this.suppressed = customer.suppressed && this.address !== null
    this.carries = CAPABILITIES[name].carries.includes(plan.class)
    this.of = of
    this.request = request
    this.now = standing.now
  }

  /** What is known of its words so far. */
  get known(): Sample | undefined {
    return this.sampled
  }

  get sample(): Sample {
    return (this.sampled ??= this.of.sampleOf(this.request, this.name))
  }

  render() {
    return this.sample.whyNot
  }

  wording() {
    return this.of.gravest(this.sample)
  }

  affords() {
    return true
  }

  contest(): Contest {
    return (this.contested ??= this.of.contest(this.request, this.name, this.now))
  }
}

export class VirtualMessages {
  /** A message that is held is asked for again in the same words. */
  private samples: Map<string, Sample> | undefined
  private slots: Map<string, number> | undefined
  readonly setting: Setting
  private readonly say: Say

  constructor(setting: Setting, say: Say) {
    this.setting = setting
    this.say = say
  }

  /** Whether it would go but for its words. */
  wouldGo(request: Request, standing: Standing): boolean {
    return wordlessGate(this.setting.plan.class, this.facts(request, standing)).do === 'send'
  }

  /** `judge`: another gate than that of all messages. */
  send(request: Request, standing: Standing, judge = gate): Answer {
    const { plan, load } = this.setting
    const { key, message: name } = request
    const facts = this.facts(request, standing)
    const verdict = judge(plan.class, facts)
    const bid = load.bids.get(key)
    if (bid) load.bids.delete(key)
    const { channel } = verdict
    if (verdict.do === 'send') {
      const sample = sampleOver(facts, channel)
      // What has gone is not asked for again.
      if (this.samples) for (const one of facts.channels) this.samples.delete(`${one.name} ${key}`)
      const { tags } = deliveryOf(plan.delivery, name)
      load.past.push({ at: standing.now, channel, tags, class: plan.class })
      this.saySent(sample, { name, channel, key })
      return { is: 'sent' }
    }
    const { code } = verdict
    if (verdict.do === 'hold') {
      if (verdict.since !== undefined) this.bid(request, verdict, bid?.until ?? verdict.until ?? standing.now)
      this.keep(key, facts.channels)
      const until = this.heldUntil(key, verdict)
      this.say('held', `${called(channel)} ${name} held: ${code}`, { name, code, until, channel, key })
      return { is: 'held', code, until }
    }
    const known = code.startsWith('TEMPLATE') ? sampleOver(facts, channel).rendered : undefined
    const detail = known?.ok === false ? `, ${known.detail.split(',')[0]}` : ''
    this.say('skipped', `${called(channel)} ${name} skipped: ${code}${detail}`, { name, code, channel, key })
    return { is: 'skipped', code }
  }

  private saySent(sample: Sample, { name, channel, key }: { name: string; channel: ChannelName; key: string }): void {
    if (this.setting.isUnheard) return this.say('message', name, { name, channel, key })
    const { rendered } = sample
    if (!rendered.ok) throw new PerennialError('INTERNAL', `the gate let '${name}' pass without words`)
    const { subject, text } = rendered.words
    this.say('message', `${called(channel)} ${name}: "${subject}"`, { name, words: { subject, text }, channel, key })
  }

  /** Over the night it gets a place of the morning, where the setting shares those out; the control arm takes none. */
  private heldUntil(key: string, { code, channel, until }: Verdict & { do: 'hold' }): number | null {
    const { setting } = this
    if (until === null || code !== 'QUIET_HOURS' || setting.arm === 'holdout' || !setting.release) return until
    const kept = this.slots?.get(key)
    const slot = kept !== undefined && kept >= until ? kept : setting.release({ channel, opensAt: until, key })
    this.slots ??= new Map()
    this.slots.set(key, slot)
    return slot
  }

  /** The control arm's wait takes nothing away from others. */
  private bid({ key, message }: Request, { channel, since = 0 }: Verdict & { do: 'hold' }, until: number): void {
    const { plan, load, arm } = this.setting
    const { tags } = deliveryOf(plan.delivery, message)
    const { priority } = plan.delivery
    load.bids.set(key, { key, priority, channel, tags, at: since, until, silent: arm === 'holdout' })
  }

  sampleOf(request: Request, channel: ChannelName): Sample {
    return this.samples?.get(`${channel} ${request.key}`) ?? new Sample(this, request, channel)
  }

  private keep(key: string, channels: readonly Offered[]): void {
    this.samples ??= new Map()
    for (const { name, known } of channels) if (known) this.samples.set(`${name} ${key}`, known)
  }

  private facts(request: Request, standing: Standing): SendFacts & { channels: readonly [Offered, ...Offered[]] } {
    const { plan, customer, quiet, arm, zone } = this.setting
    const { now, status, paused } = standing
    const { channels } = deliveryOf(plan.delivery, request.message)
    const each = preferred(channels, customer.channels ?? []).map((name) => new Offered(name, this, request, standing))
    return {
      now,
      run: status,
      paused,
      arm,
      until: request.until,
      opensAt: opensAt(quiet, zone, now),
      channels: each as [Offered, ...Offered[]],
    }
  }

  contest({ key, message }: Request, channel: ChannelName, now: number): Contest {
    const { plan, caps, load, auctionMs, highest } = this.setting
    const { tags } = deliveryOf(plan.delivery, message)
    const own = load.bids.get(key)
    const rivals =
      load.bids.size === 0 ? NO_RIVALS : [...load.bids.values()].filter((one) => one.key !== key && !one.silent)
    return contest(
      { key, priority: plan.delivery.priority, channel, tags, bid: own ? { at: own.at, until: own.until } : null },
      { rules: caps, past: recent(load.past, caps, now), rivals, highest, windowMs: auctionMs, now },
    )
  }

  gravest({ findings }: Sample): 'block' | 'review' | undefined {
    if (findings.length === 0) return undefined
    const { approved } = this.setting
    return gravest(findings.filter((one) => one.severity === 'block' || !approved.includes(one.term)))
  }
}

const NO_FINDINGS: readonly Finding[] = []
const NO_RIVALS: readonly Bid[] = []

/** Those that a cap may count, of messages that went one after the other. */
function recent(past: readonly PastMessage[], caps: readonly CapRule[], now: number): readonly PastMessage[] {
  let window = 0
  for (const { windowMs } of caps) window = Math.max(window, windowMs)
  let from = past.length
  while (from > 0 && (past[from - 1]?.at ?? 0) > now - window) from -= 1
  return from === 0 ? past : past.slice(from)
}

function sampleOver({ channels }: { channels: readonly Offered[] }, channel: ChannelName): Sample {
  const one = channels.find(({ name }) => name === channel)
  if (!one) throw new RangeError(`the gate chose '${channel}', which it was not offered`)
  return one.sample
}

const called = (channel: ChannelName): string => (channel === 'email' ? 'mail' : channel)
