/** The channels there are, and what each can carry: what the gate chooses by and what a plan's words are held to. */
import type { MessageClass } from './sending.ts'

export const CHANNELS = ['email', 'sms', 'wecom', 'wechat', 'push', 'web-push', 'webhook', 'log'] as const

export type ChannelName = (typeof CHANNELS)[number]

/** What the address of a channel is. */
export type AddressKind = 'email' | 'phone' | 'wecom' | 'wechat' | 'device' | 'subscription' | 'url' | 'customer'

export interface Capability {
  /** Whether it shows an HTML part, and whether it has a subject; without, the text is all there is. */
  html: boolean
  subject: boolean
  /** The longest text, in characters; null: none to speak of. */
  longest: number | null
  /** The classes of message it may carry. */
  carries: readonly MessageClass[]
  address: AddressKind
  /** Says `accepted` first: the provider tells later what became of it. */
  asynchronous: boolean
  /** The words reach the customer through a template that the provider has approved. */
  approvedTemplates: boolean
  /** How a customer refuses more: by a link in the words, by an answer, in the settings of the device or app. */
  refusal: 'link' | 'reply' | 'device'
}

const ALL = ['marketing', 'service', 'transactional'] as const

/**
 * Sources: SMS, 500 characters is Aliyun's longest and Tencent's; the operators refuse coupons, recall and lotteries in promotion
 * templates, so that marketing over it is for approved templates alone. WeCom, content of a customer message at most 4,000 bytes,
 * a Chinese character being three. WeChat, a subscribe message answers what the customer asked to be told once, so no marketing.
 * FCM and web push, 4,096 bytes for the whole payload, which leaves about 1,000 characters of any script.
 */
export const CAPABILITIES: Record<ChannelName, Capability> = {
  email: {
    html: true,
    subject: true,
    longest: null,
    carries: ALL,
    address: 'email',
    asynchronous: false,
    approvedTemplates: false,
    refusal: 'link',
  },
  sms: {
    html: false,
    subject: false,
    longest: 500,
    carries: ALL,
    address: 'phone',
    asynchronous: true,
    approvedTemplates: true,
    refusal: 'reply',
  },
  wecom: {
    html: false,
    subject: false,
    longest: 1_300,
    carries: ALL,
    address: 'wecom',
    asynchronous: true,
    approvedTemplates: false,
    refusal: 'device',
  },
  wechat: {
    html: false,
    subject: false,
    longest: 200,
    carries: ['service', 'transactional'],
    address: 'wechat',
    asynchronous: false,
    approvedTemplates: true,
    refusal: 'device',
  },
  push: {
    html: false,
    subject: true,
    longest: 1_000,
    carries: ALL,
    address: 'device',
    asynchronous: false,
    approvedTemplates: false,
    refusal: 'device',
  },
  'web-push': {
    html: false,
    subject: true,
    longest: 1_000,
    carries: ALL,
    address: 'subscription',
    asynchronous: false,
    approvedTemplates: false,
    refusal: 'device',
  },
  webhook: {
    html: true,
    subject: true,
    longest: null,
    carries: ALL,
    address: 'customer',
    asynchronous: false,
    approvedTemplates: false,
    refusal: 'link',
  },
  log: {
    html: true,
    subject: true,
    longest: null,
    carries: ALL,
    address: 'customer',
    asynchronous: false,
    approvedTemplates: false,
    refusal: 'link',
  },
}

export function isChannelName(text: string): text is ChannelName {
  return (CHANNELS as readonly string[]).includes(text)
}

/** The task queue of a channel, where its own rate holds. `journeys`: that of the workflows. */
export function channelQueue(journeys: string, channel: ChannelName): string {
  return `${journeys}/${channel}`
}
