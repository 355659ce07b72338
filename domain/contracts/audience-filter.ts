/** What a filter of an audience must be. */
import { z } from 'zod'
import type { AudienceFilter } from '../audience-filter.ts'

export const wholeFilter: z.ZodType<AudienceFilter> = z.custom<AudienceFilter>(
  (one) => typeof one === 'object' && one !== null,
)
