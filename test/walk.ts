/** What a journey's test needs: the journey by its file's name, a walk through it, and what came out. No server. */
import { type CatalogueEntry, entryOf, readCatalogue } from '../client/catalogue.ts'
import type { Timeline } from '../client/preview.ts'
import { bucketOf, pickArm } from '../domain/experiment.ts'

export { formatTimeline, walk } from '../client/preview.ts'

const catalogue = readCatalogue()

/** `await journeyNamed('first-order')`. Throws JOURNEY_UNKNOWN. */
export async function journeyNamed(name: string): Promise<CatalogueEntry> {
  return entryOf(await catalogue, name)
}

/** The names of the messages that went out, in order: ['welcome', 'last']. */
export function sent(timeline: Timeline): string[] {
  return timeline.lines.filter((line) => line.what === 'message').map((line) => line.name ?? '')
}

/** Every refusal with its reason: ['welcome: NO_CONSENT']. */
export function refused(timeline: Timeline): string[] {
  return timeline.lines
    .filter((line) => line.what === 'skipped' || line.what === 'refused')
    .map((line) => `${line.name}: ${line.code}`)
}

/** When a message went out, as words since the start; undefined if it did not. */
export function sentAfter(timeline: Timeline, message: string): string | undefined {
  return timeline.lines.find((line) => line.what === 'message' && line.name === message)?.after
}

/** The id of a customer whom a split of equal arms sends one way. */
export function customerIn(journey: string, split: string, arm: string, arms: readonly string[]): string {
  const weights = arms.map((one) => [one, 1] as const)
  for (let number = 1; ; number++) {
    const id = `C${number}`
    if (pickArm(weights, bucketOf('split', journey, split, id)) === arm) return id
  }
}
