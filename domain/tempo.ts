/**
 * How fast the shop's time runs against the machine's. Every date Perennial stores or shows is shop time; only timers and
 * time limits are machine time. In production `scale` is 1 and the two are the same; with scale 1/86400 a day is a second.
 */
export interface Tempo {
  /** Machine seconds for one second of the shop: 1 in production, 1/86400 for a day in a second. */
  scale: number
  /** The instant (epoch ms) at which both clocks showed the same time. */
  origin: number
}

export const REAL_TEMPO: Tempo = { scale: 1, origin: 0 }

/** Where a floor reads the time; handed in, so that a test or a preview can hand in its own. */
export interface Clock {
  now(): number
}

export function shopTime(tempo: Tempo, machine: number): number {
  return Math.round(tempo.origin + (machine - tempo.origin) / tempo.scale)
}

/** The instant of the machine at which the shop's clock shows `shop`. */
export function machineTime(tempo: Tempo, shop: number): number {
  return Math.round(tempo.origin + (shop - tempo.origin) * tempo.scale)
}

/** Machine milliseconds that pass while `ms` of the shop do; never below zero. */
export function machineSpan(tempo: Tempo, ms: number): number {
  return Math.max(0, Math.ceil(ms * tempo.scale))
}

/** The shop's clock over the machine's. */
export function clockOf(tempo: Tempo, machine: () => number): Clock {
  return { now: () => shopTime(tempo, machine()) }
}
