/** Activities over a real store, with a provider that answers as it is told and remembers what it was given. */
import { randomBytes } from 'node:crypto'
import { ApplicationFailure } from '@temporalio/activity'
import { expect } from 'vitest'
import type { Channel, Outgoing, Receipt } from '../../activities/channels/channel.ts'
import { type EffectLine, type Parts, type PlanFacts, type Policy, createActivities } from '../../activities/index.ts'
import type { SendRequest } from '../../activities/messages.ts'
import { CAPABILITIES, type ChannelName } from '../../domain/channel.ts'
import { codeFrom } from '../../domain/coupon.ts'
import { effectKey, runId } from '../../domain/ids.ts'
import { addOffers } from '../../store/coupons.ts'
import type { BudgetAlert } from '../../store/budget-alerts.ts'
import type { Db } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { type MessageRow, messageByKey } from '../../store/messages.ts'
import { inboxOf, handClock } from '../store/given.ts'
import { OPEN_HOURS, PUBLIC_URL, SECRET, person } from '../world.ts'

type Answer = Receipt['is'] | Promise<Receipt> | (() => Promise<Receipt>)

export interface Provider extends Channel {
  calls: Outgoing[]
  /** What it answers to the next calls, in turn; 'sent' to all others. */
  answers(...next: Answer[]): void
  /** What happens before the next calls, in turn, while it surely has nothing: a receipt ends the call there. */
  before(...next: (() => Promise<Receipt | undefined>)[]): void
  /** What it says when it is asked what became of a message, by key; undefined: nothing. */
  says: Map<string, Receipt>
  /** The keys it was asked about. */
  lookedUp: string[]
}

export function provider(name: ChannelName = 'email'): Provider {
  const calls: Outgoing[] = []
  const planned: Answer[] = []
  const early: (() => Promise<Receipt | undefined>)[] = []
  const says = new Map<string, Receipt>()
  const lookedUp: string[] = []
  return {
    name,
    provider: 'test',
    ready: { ok: true },
    can: CAPABILITIES[name],
    calls,
    says,
    lookedUp,
    lookUp({ key }) {
      lookedUp.push(key)
      return Promise.resolve(says.get(key))
    },
    answers: (...next) => void planned.push(...next),
    before: (...next) => void early.push(...next),
    async send(message, begin) {
      const ended = await early.shift()?.()
      if (ended) return ended
      if (!(await begin())) return { is: 'transient', detail: 'overtaken' }
      calls.push(message)
      const answer = planned.shift() ?? 'sent'
      if (typeof answer === 'function') return answer()
      return typeof answer === 'string' ? { is: answer, detail: `the provider says ${answer}` } : answer
    },
    close: () => Promise.resolve(),
  }
}

/** A promise that is answered from outside: a provider that takes its time, or never answers. */
export function pending<T>(): { answer: Promise<T>; give: (value: T) => void } {
  const held: { give?: (value: T) => void } = {}
  const answer = new Promise<T>((resolve) => (held.give = resolve))
  return { answer, give: (value) => held.give?.(value) }
}

export const receipt = (is: Receipt['is']): Receipt => ({ is, detail: `late ${is}` })

/** The failure an activity tells Temporal of. */
export async function failure(work: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ApplicationFailure)
  return error as ApplicationFailure
}

/** A shop of one's own over a database: its clock, inbox, provider and activities. Offers of the plans are stored. */
export async function openShop(
  db: Db,
  plans: readonly PlanFacts[],
  policy: Partial<Policy> = {},
  more: Partial<Parts> = {},
  others: readonly Provider[] = [],
) {
  const clock = handClock()
  const channel = provider()
  const effects: EffectLine[] = []
  const alarms: BudgetAlert[] = []
  for (const plan of plans) await addOffers(db, plan.offers)
  const activities = createActivities({
    db,
    clock,
    plans: new Map(plans.map((plan) => [plan.name, plan])),
    channels: new Map([channel, ...others].map((one) => [one.name, one])),
    policy: { ...OPEN_HOURS, ...policy },
    publicUrl: PUBLIC_URL,
    secret: SECRET,
    words: { testRecipients: ['ann@shop.example'], address: 'Shop Ltd., 1 Long Road' },
    drawCode: () => codeFrom(randomBytes(12)),
    log: (line) => void effects.push(line),
    alarm: (alert) => void alarms.push(alert),
    ...more,
  })
  const requestOf = (journey: string, customer: string, more: Partial<SendRequest> = {}): SendRequest => {
    const run = runId({ journey, customer })
    return { key: effectKey(run, 'send', 'hello', 1), run, message: 'hello', data: {}, asked: clock.now(), ...more }
  }
  const event = inboxOf(db, clock, plans)
  return {
    clock,
    channel,
    effects,
    alarms,
    activities,
    event,
    requestOf,
    /** Enters a customer by the event that the journey begins with; the calls the provider got for them. */
    async entered(customer: string, journey: string = plans[0]?.name ?? '') {
      const begins = plans.find((plan) => plan.name === journey)?.begins?.on ?? ''
      await event(begins, person(customer))
      return { calls: () => channel.calls.filter((call) => call.to === `${customer.toLowerCase()}@mail.example`) }
    },
    /** What the log says of the messages of a customer. */
    async verdictsOf(customer: string): Promise<string[]> {
      const lines = (await decisionsOf(db, customer)).filter((line) => line.about === 'send')
      return lines.map((line) => (line.code === null ? line.verdict : `${line.verdict} ${line.code}`))
    },
    /** Sends 'hello' in a journey's first run of a customer. */
    send: (journey: string, customer: string, more: Partial<SendRequest> = {}) =>
      activities.sendMessage(requestOf(journey, customer, more)),
    row: async (journey: string, customer: string): Promise<MessageRow | undefined> =>
      messageByKey(db, requestOf(journey, customer).key),
  }
}
