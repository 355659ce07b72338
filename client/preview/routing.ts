/** What an event is to the runs of its customer: the rules of store/events.ts over events in memory. */
import {
  type EndPattern,
  type Entry,
  type PastEntry,
  type Properties,
  type Routing,
  type TakenEvent,
  concerns,
  decideEntry,
  matches,
  occasionOf,
} from '../../domain/journey.ts'
import { paidOrderOf } from '../../domain/points.ts'
import { REFUNDED, type Refunds, refundsOf } from '../../domain/returns.ts'

type Told = Pick<TakenEvent, 'id' | 'type' | 'properties'>

/** What the refunds among some events come to, of the order that was paid so. */
export function refundsAmong(events: readonly Told[], paid: Properties): Refunds {
  const order = occasionOf('order', paid)
  const told = events.filter((one) => one.type === REFUNDED && occasionOf('order', one.properties) === order)
  return refundsOf(paidOrderOf(paid), order === undefined ? [] : told)
}

/** Whether the event ends a run, and not only one of another occasion or beginning. */
export const endsRun = (
  plan: Pick<Routing, 'occasion'>,
  pattern: EndPattern,
  event: Omit<Told, 'id'>,
  { occasion, begun = {} }: { occasion: string | null; begun?: Properties | undefined },
): boolean =>
  matches(pattern, event) &&
  // Most end whatever run there is.
  ((pattern.shares === undefined && !pattern.sameOccasion) ||
    concerns(plan, pattern, { properties: event.properties, occasion, begun }))

/** Whether the event begins a run; undefined where the plan does not begin with its like. */
export function entryOf(
  plan: Pick<Routing, 'begins' | 'exits' | 'occasion' | 'reentry'>,
  { type, properties }: Omit<Told, 'id'>,
  { before, past, now }: { before: readonly Told[]; past: readonly PastEntry[]; now: number },
): Entry | undefined {
  if (plan.begins?.on !== type) return undefined
  if (!matches(plan.begins, { type, properties })) return { enter: false, code: 'BEGINS_NOT_MATCHED' }
  const occasion = plan.occasion === undefined ? null : occasionOf(plan.occasion, properties)
  if (occasion === undefined) return { enter: false, code: 'OCCASION_MISSING' }
  const run = { occasion, begun: properties }
  const over = plan.exits.some(
    (exit) =>
      exit.sameOccasion &&
      before.some((one) => one.type === exit.on && endsRun(plan, exit, one, run)) &&
      (!exit.whole || refundsAmong(before, properties).whole),
  )
  if (over) return { enter: false, code: 'OCCASION_OVER' }
  return decideEntry(plan, { occasion, now, past })
}
