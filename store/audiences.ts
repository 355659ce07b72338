/** Audiences by name. */
import type { AudienceFilter } from '../domain/audience-filter.ts'
import type { Db } from './db.ts'

/** The filters in force, to read a filter that may name them. */
export const namedAudiences = (_db: Db): Promise<Map<string, AudienceFilter>> => Promise.resolve(new Map())
