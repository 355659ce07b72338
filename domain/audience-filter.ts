/** Whom an audience is of. */
export type AudienceFilter =
  { everybody: true } | { all: readonly AudienceFilter[] } | { tag: string } | { audience: string }

/** What filters are read against: the time, ms, and the audiences they may name. */
export interface FilterSetting {
  now: number
  named: ReadonlyMap<string, AudienceFilter>
}
