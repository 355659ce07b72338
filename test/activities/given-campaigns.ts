/** Campaigns over a real store: a plan, a run, a crowd, and a provider that takes many at once. */
import { sql } from 'kysely'
import type { Channel, Outgoing } from '../../activities/channels/channel.ts'
import type { WaveWork, Went } from '../../activities/campaigns.ts'
import type { PlanFacts } from '../../activities/index.ts'
import { CAPABILITIES, type ChannelName } from '../../domain/channel.ts'
import type { CampaignTerms, WaveTerms } from '../../domain/campaign.ts'
import type { Db } from '../../store/db.ts'
import { NOON, planFacts } from '../store/given.ts'
import type { openShop } from './given.ts'

export type Shop = Awaited<ReturnType<typeof openShop>>

/** The day of NOON, on which campaigns of the tests take place; their wave is due at noon. */
export const DAY_OF = '2026-11-23'
const COPY = {
  hello: { subject: 'Hello', text: 'Hello {{ name }}' },
  again: { subject: 'Again', text: 'Hello again {{ name }}' },
}

export const WAVE: WaveTerms = { days: 0, at: '12:00', send: 'hello' }

export function campaignFacts(
  name: string,
  { campaign, ...more }: Partial<Omit<PlanFacts, 'campaign'>> & { campaign?: Partial<CampaignTerms> } = {},
): PlanFacts {
  return {
    ...planFacts(name, { copy: COPY, begins: undefined, reentry: { when: 'any', gap: 0, atMost: Infinity }, ...more }),
    campaign: {
      begins: undefined,
      ahead: 0,
      audience: { everybody: true },
      rate: undefined,
      hours: undefined,
      ...campaign,
    },
  }
}

/** Customers who agreed to marketing by e-mail: `${prefix}0001` and so on. */
export async function crowd(
  db: Db,
  prefix: string,
  size: number,
  { zone = 'UTC', tags = [] as string[] } = {},
): Promise<string[]> {
  const ids = Array.from({ length: size }, (_, index) => `${prefix}${String(index + 1).padStart(4, '0')}`)
  const at = new Date(NOON)
  await sql`
    insert into customers (id, name, email, zone, tags, created_at, updated_at)
    select id, 'Name of ' || id, lower(id) || '@mail.example', ${zone}, ${tags}, ${at}, ${at} from unnest(${ids}::text[]) id`.execute(
    db,
  )
  await sql`
    insert into consents (customer, topic, channel, granted, source, at)
    select id, 'marketing', 'email', true, 'test', ${at} from unnest(${ids}::text[]) id`.execute(db)
  return ids
}

export interface BulkProvider extends Channel {
  taken: Outgoing[]
  /** Called once before a page has begun: a crash, or what happens meanwhile. */
  early?: () => Promise<void>
  /** Called once when a page has begun, before it is taken: a crash, or what happens meanwhile. */
  meanwhile?: (keys: readonly string[]) => Promise<void>
}

export function bulkProvider(name: ChannelName = 'email'): BulkProvider {
  const provider: BulkProvider = {
    name,
    provider: 'test',
    ready: { ok: true },
    can: CAPABILITIES[name],
    taken: [],
    send: () => Promise.reject(new Error('one by one')),
    async sendAll(messages, begin) {
      const { early } = provider
      delete provider.early
      await early?.()
      const keys = await begin(messages.map(({ key }) => key))
      const { meanwhile } = provider
      delete provider.meanwhile
      await meanwhile?.([...keys])
      const going = messages.filter(({ key }) => keys.has(key))
      provider.taken.push(...going)
      return new Map(going.map(({ key }) => [key, { is: 'sent', detail: 'taken' }]))
    },
    close: () => Promise.resolve(),
  }
  return provider
}

/** A run of a campaign on DAY_OF with one wave opened. */
export async function openedWave(
  { activities, clock }: Shop,
  campaign: string,
  {
    zone = 'UTC',
    terms = WAVE,
    name = 'day',
    occasion = DAY_OF,
  }: { zone?: string; terms?: WaveTerms; name?: string; occasion?: string } = {},
): Promise<WaveWork> {
  const asked = clock.now()
  const opened = await activities.openCampaign({ campaign, zone, occasion, scheduled: asked, workflow: 'w', asked })
  if (opened.is !== 'open') throw new Error(opened.is)
  const { run } = opened
  const { wave } = await activities.openWave({ run, name, ordinal: 1, terms, asked })
  return { wave, run, name, terms, asked }
}

/** As the workflow does, without its rests. */
export async function sendAll({ activities, clock }: Shop, work: WaveWork): Promise<Went> {
  for (;;) {
    const went = await activities.sendWave({ ...work, asked: clock.now() })
    if (went.is !== 'more') return went
  }
}
