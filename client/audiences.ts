/** Audiences for those who look from outside: counted and sampled before use, set version by version, and whom each takes in now. */
import type { AudienceFilter } from '../domain/audience-filter.ts'
import { readAudienceFilter } from '../domain/contracts/audience-filter.ts'
import { readAudienceName, readAudiencePut, readBy } from '../domain/contracts/audience.ts'
import { PerennialError } from '../domain/errors.ts'
import type { Routing } from '../domain/journey.ts'
import type { Clock } from '../domain/tempo.ts'
import {
  type AudienceCount,
  type AudienceDifference,
  type SampledCustomer,
  compareAudiences,
  countAudience,
  sampleAudience,
} from '../store/audience-counts.ts'
import { memberCounts, unsettledAudiences } from '../store/audience-members.ts'
import { settleAudiences } from '../store/audience-walks.ts'
import {
  type AudienceVersion,
  audienceVersions,
  filtersOf,
  namedAudiences,
  newestAudiences,
  setAudience,
} from '../store/audiences.ts'
import type { Db } from '../store/db.ts'
import { tellEvent } from '../store/events.ts'

export interface AudienceParts {
  db: Db
  clock: Clock
  plans: readonly Routing[]
  /** The zone of customers who did not tell theirs. */
  shopZone: string
}

export interface AudienceLine extends AudienceVersion {
  /** In it now, and how often anybody entered it. */
  members: number
  entries: number
  /** False until everybody has been looked at under this version. */
  settled: boolean
  /** Plans that name it, and audiences as `audience <name>`. */
  usedBy: string[]
}

export interface AudienceSet extends AudienceVersion, AudienceDifference {
  changed: boolean
  /** False where the upkeep has yet to take in and leave out some of them, as in a large shop, or tells of each. */
  settled: boolean
}

export interface AudienceAsked {
  name: string
  title?: string | undefined
  filter: unknown
  by: string
  tell?: boolean
}

/** A filter as it was sent, or the name of an audience. */
export type FilterAsked = { filter: unknown } | { name: string }

const SAMPLE = 10

export function audienceDesk(parts: AudienceParts) {
  const { db, clock, plans } = parts

  async function lines(): Promise<AudienceLine[]> {
    const [all, counts, unsettled] = await Promise.all([newestAudiences(db), memberCounts(db), unsettledAudiences(db)])
    return all.map((one) => ({
      ...one,
      ...(counts.get(one.name) ?? { members: 0, entries: 0 }),
      settled: !unsettled.has(one.name),
      usedBy: [...plansNaming(one.name, plans), ...audiencesNaming(one.name, all)],
    }))
  }

  async function newest(name: string): Promise<AudienceVersion> {
    const [found] = await audienceVersions(db, name)
    if (found) return found
    throw new PerennialError('AUDIENCE_UNKNOWN', `no audience '${name}'`, { field: 'name' })
  }

  async function filterOf(asked: FilterAsked): Promise<AudienceFilter> {
    if ('filter' in asked) return readAudienceFilter(asked.filter)
    await newest(asked.name)
    return { audience: asked.name }
  }

  const setting = async () => ({ now: clock.now(), named: await namedAudiences(db) })

  /** What a change comes to, measured before it is made, and the change. What it does quietly it does at once, but in a large shop. */
  async function change(asked: Omit<AudienceVersion, 'version' | 'at'> & { tell: boolean }): Promise<AudienceSet> {
    const { name, filter } = asked
    const now = clock.now()
    const named = filtersOf(await newestAudiences(db))
    const before = { filter: named.get(name) ?? null, setting: { now, named } }
    const after = filter === null ? named : new Map([...named, [name, filter]])
    const difference = await compareAudiences(
      db,
      { filter: filter === null ? null : { audience: name }, setting: { now, named: after } },
      before,
    )
    const set = await setAudience(db, { ...asked, now })
    const walking = { now, shopZone: parts.shopZone }
    if (set.changed) await settleAudiences(db, walking, { plans, tell: tellEvent })
    return { ...difference, ...set, settled: !(await unsettledAudiences(db)).has(name) }
  }

  return {
    /** Those that are in force; with `removed`, those that no longer are too. */
    list: async ({ removed = false } = {}): Promise<AudienceLine[]> =>
      (await lines()).filter(({ filter }) => removed || filter !== null),

    /** Throws AUDIENCE_UNKNOWN. */
    async show(name: string): Promise<AudienceLine> {
      const found = (await lines()).find((one) => one.name === name)
      return found ?? { ...(await newest(name)), members: 0, entries: 0, settled: true, usedBy: [] }
    },

    /** What a filter would come to beside the one in force, without setting it. Throws AUDIENCE_INVALID and what `set` throws. */
    async compare({ name, filter }: { name: string; filter: unknown }): Promise<AudienceDifference> {
      const of = await setting()
      const before = of.named.get(name) ?? null
      const after = readAudienceFilter(filter)
      const renamed = { ...of, named: new Map([...of.named, [readAudienceName(name), after]]) }
      return compareAudiences(db, { filter: { audience: name }, setting: renamed }, { filter: before, setting: of })
    },

    /** A new version, unless the newest says the same. Throws AUDIENCE_INVALID, AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
    async set({ name, ...body }: AudienceAsked): Promise<AudienceSet> {
      readAudienceName(name)
      const { title, ...read } = readAudiencePut(body)
      const [before] = await audienceVersions(db, name)
      return change({ ...read, name, title: title ?? before?.title ?? name })
    },

    /** An older version anew. Throws AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
    async back({
      name,
      to,
      by,
      tell = false,
    }: {
      name: string
      to: number
      by: string
      tell?: boolean
    }): Promise<AudienceSet> {
      const version = (await audienceVersions(db, name)).find((one) => one.version === to)
      if (!version || version.filter === null)
        throw new PerennialError('AUDIENCE_UNKNOWN', `'${name}' has no version ${to} to go back to`, {
          field: 'version',
        })
      return change({ name, title: version.title, filter: version.filter, by: readBy(by), tell })
    },

    /** Nobody is in it from now on. Throws AUDIENCE_UNKNOWN, AUDIENCE_IN_USE. */
    async remove({ name, by, tell = false }: { name: string; by: string; tell?: boolean }): Promise<AudienceSet> {
      const { title } = await newest(name)
      const [plan] = plansNaming(name, plans)
      if (plan !== undefined)
        throw new PerennialError('AUDIENCE_IN_USE', `the plan '${plan}' names the audience '${name}'`, {
          field: 'name',
        })
      return change({ name, title, filter: null, by: readBy(by), tell })
    },

    /** Throws AUDIENCE_INVALID, AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
    count: async (asked: FilterAsked): Promise<AudienceCount> =>
      countAudience(db, await filterOf(asked), await setting()),

    /** Some of them, without names and addresses. Throws as `count`. */
    sample: async (asked: FilterAsked, limit = SAMPLE): Promise<SampledCustomer[]> =>
      sampleAudience(db, await filterOf(asked), { ...(await setting()), limit }),

    /** Newest first. Throws AUDIENCE_UNKNOWN. */
    async history(name: string): Promise<AudienceVersion[]> {
      await newest(name)
      return audienceVersions(db, name)
    },
  }
}

export type AudienceDesk = ReturnType<typeof audienceDesk>

function namesAudience(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, one]) => (key === 'audience' && one === name) || namesAudience(one, name))
}

/** Plans that say `audience: name` anywhere: in what begins or ends a run, in a wave, in a filter. */
const plansNaming = (name: string, plans: readonly Routing[]): string[] =>
  plans.filter((plan) => namesAudience(plan, name)).map((plan) => plan.name)

const audiencesNaming = (name: string, all: readonly AudienceVersion[]): string[] =>
  all.filter(({ filter }) => namesAudience(filter, name)).map((one) => `audience ${one.name}`)
