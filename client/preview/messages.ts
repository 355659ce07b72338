/** Messages in memory: activities/gate.ts and activities/messages.ts for one run, with providers that take all. */
import { opensAt } from '../../domain/calendar.ts'
import { CAPABILITIES, type ChannelName } from '../../domain/channel.ts'
import { deliveryOf, preferred } from '../../domain/delivery.ts'
import { PerennialError } from '../../domain/errors.ts'
import { type Bid, type Contest, contest } from '../../domain/pressure.ts'
import { type ChannelFacts, type SendFacts, type Verdict, gate } from '../../domain/sending.ts'
import { findingsIn, wordsOver } from '../../domain/sent-words.ts'
import type { Rendered } from '../../domain/template.ts'
import { type Finding, gravest } from '../../domain/wording.ts'
import type { Host } from '../catalogue.ts'
import type { Standing } from './effects.ts'
import type { Setting } from './setting.ts'
import type { Say } from './timeline.ts'
import { variablesInPreview, wordsInPreview } from './words.ts'

type Request = Parameters<Host['activities']['sendMessage']>[0]
type Answer = Awaited<ReturnType<Host['activities']['sendMessage']>>

interface Sample {
  rendered: Rendered
  findings: Finding[]
}

export class VirtualMessages {
  /** A message that is held is asked for again in the same words. */
  private readonly samples = new Map<string, Sample>()
  private readonly slots = new Map<string, number>()
  private readonly setting: Setting
  private readonly say: Say

  constructor(setting: Setting, say: Say) {
    this.setting = setting
    this.say = say
  }

  send(request: Request, standing: Standing): Answer {
    const { plan, load } = this.setting
    const { key, message: name } = request
    let last: { over: ChannelName; sample: Sample } | undefined
    const sample = (over: ChannelName): Sample => {
      if (last?.over !== over) last = { over, sample: this.sample(request, over) }
      return last.sample
    }
    const verdict = gate(plan.class, this.facts(request, standing, sample))
    const bid = load.bids.get(key)
    load.bids.delete(key)
    if (verdict.do === 'send') {
      const words = sample(verdict.channel).rendered
      if (!words.ok) throw new PerennialError('INTERNAL', `the gate let '${name}' pass without words`)
      const { subject, text } = words.words
      const { channel } = verdict
      // What has gone is not asked for again.
      this.samples.delete(`${channel} ${key}`)
      const { tags } = deliveryOf(plan.delivery, name)
      load.past.push({ at: standing.now, channel, tags, class: plan.class })
      this.say('message', `${called(channel)} ${name}: "${subject}"`, { name, words: { subject, text }, channel, key })
      return { is: 'sent' }
    }
    const { code, channel } = verdict
    if (verdict.do === 'hold') {
      if (verdict.since !== undefined) this.bid(request, verdict, bid?.until ?? verdict.until ?? standing.now)
      const until = this.heldUntil(key, verdict)
      this.say('held', `${called(channel)} ${name} held: ${code}`, { name, code, until, channel, key })
      return { is: 'held', code, until }
    }
    const known = code.startsWith('TEMPLATE') ? sample(channel).rendered : undefined
    const detail = known?.ok === false ? `, ${known.detail.split(',')[0]}` : ''
    if (code !== 'LEFT_JOURNEY')
      this.say('skipped', `${called(channel)} ${name} skipped: ${code}${detail}`, { name, code, channel, key })
    return { is: 'skipped', code }
  }

  /** Over the night it gets a place of the morning, where the setting shares those out; the control arm takes none. */
  private heldUntil(key: string, { code, channel, until }: Verdict & { do: 'hold' }): number | null {
    const { setting } = this
    if (until === null || code !== 'QUIET_HOURS' || setting.arm === 'holdout' || !setting.release) return until
    const kept = this.slots.get(key)
    const slot = kept !== undefined && kept >= until ? kept : setting.release({ channel, opensAt: until, key })
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

  private sample({ key, message, data }: Request, channel: ChannelName): Sample {
    const known = this.samples.get(`${channel} ${key}`)
    if (known) return known
    const { plan } = this.setting
    const chosen = wordsInPreview(this.setting, message)
    const variables = { ...variablesInPreview(this.setting), ...data }
    const { render } = this.setting
    const rendered = wordsOver(CAPABILITIES[channel], chosen, variables, { class: plan.class }, render)
    const { evidence } = deliveryOf(plan.delivery, message)
    const findings = rendered.ok ? findingsIn(rendered.words, chosen, { evidence }) : []
    this.samples.set(`${channel} ${key}`, { rendered, findings })
    return { rendered, findings }
  }

  private facts(
    { key, message, until }: Request,
    standing: Standing,
    sample: (over: ChannelName) => Sample,
  ): SendFacts {
    const { plan, customer, quiet, caps, load, arm, zone, auctionMs, highest } = this.setting
    const { now, status, paused, consented } = standing
    const { channels, tags } = deliveryOf(plan.delivery, message)
    const { priority } = plan.delivery
    const own = load.bids.get(key)
    const rivals =
      load.bids.size === 0 ? NO_RIVALS : [...load.bids.values()].filter((one) => one.key !== key && !one.silent)
    const each = preferred(channels, customer.channels ?? []).map((name): ChannelFacts => {
      const me = { key, priority, channel: name, tags, bid: own ? { at: own.at, until: own.until } : null }
      let contested: Contest | undefined
      return {
        name,
        consented: consented(name),
        suppressed: customer.suppressed,
        address: name === 'email' ? customer.email : (customer.reach?.[name] ?? null),
        ready: true,
        carries: CAPABILITIES[name].carries.includes(plan.class),
        render: () => whyNot(sample(name).rendered, name),
        wording: () => this.gravest(sample(name)),
        affords: () => true,
        contest: () =>
          (contested ??= contest(me, { rules: caps, past: load.past, rivals, highest, windowMs: auctionMs, now })),
      }
    })
    return {
      now,
      run: status,
      paused,
      arm,
      until,
      opensAt: opensAt(quiet, zone, now),
      channels: each as [ChannelFacts, ...ChannelFacts[]],
    }
  }

  private gravest({ findings }: Sample): 'block' | 'review' | undefined {
    const { approved } = this.setting
    return gravest(findings.filter((one) => one.severity === 'block' || !approved.includes(one.term)))
  }
}

const NO_RIVALS: readonly Bid[] = []

const called = (channel: ChannelName): string => (channel === 'email' ? 'mail' : channel)

function whyNot(rendered: Rendered, channel: ChannelName) {
  if (!rendered.ok) return rendered.code
  const { longest } = CAPABILITIES[channel]
  return longest !== null && [...rendered.words.text].length > longest ? 'CHANNEL_UNFIT' : undefined
}
