/** When a schedule starts runs, and what it does after an outage; spans in ms of machine time. */

/** What happens when it is time for a run while the last one is still on. The last run is never cut off. */
export const OVERLAPS = ['skip', 'buffer-one', 'buffer-all', 'allow-all'] as const
export type Overlap = (typeof OVERLAPS)[number]

/** What a plan may say of its schedule; what it does not say stands in `pace`. */
export interface Scheduling {
  /** Runs begin up to so much later, each schedule by a share of its own. */
  jitter?: number
  overlap?: Overlap
  /** Runs that were missed are made up for as far back as this. */
  catchUp?: number
}
