/**
 * What a shop tells of consent: store/events.ts in memory. Consent that waits to be confirmed begins the journey that asks; who comes back
 * is asked again, where a journey withdrew theirs for silence; and what is confirmed is told of.
 */
import { CONFIRM_WITHIN, SILENCE } from '../../domain/consent.ts'
import type { Copy, Wording } from '../../domain/template.ts'
import { wordsInPreview } from '../preview/words.ts'
import type { Confirmed } from './consents.ts'
import type { Act } from './members.ts'
import type { Person } from './person.ts'
import type { PopulationRun } from './run.ts'
import type { PopulationShop } from './shop.ts'

/** Whether somebody has a link to follow that confirms. */
export const mayConfirm = (person: Person | undefined, now: number): boolean =>
  person?.consents.hasLink(person.customer.email, now) ?? false

/** A message has gone: where its words name the link that confirms, its reader has that from now on. */
export function noteLink(run: PopulationRun, message: string): void {
  const { setting, person } = run
  const copy = setting.plan.copy[message]
  const { email } = person.customer
  if (!copy || email === null) return
  if (namesLink(setting.published ? wordsInPreview(setting, message).words : copy))
    person.consents.sendLink(email, run.now())
}

/** In any language; a population asks a hundred thousand times. */
function namesLink(words: Copy | Wording): boolean {
  const known = naming.get(words)
  if (known !== undefined) return known
  const names = JSON.stringify(words).includes('links.confirm')
  naming.set(words, names)
  return names
}

const naming = new WeakMap<Copy | Wording, boolean>()

/** A sign of life from whom a journey unsubscribed for their silence. */
export function tellSilenceBroken(shop: PopulationShop, person: Person, source: string): void {
  for (const topic of person.consents.withdrawnFor(SILENCE)) {
    const id = `silence/${person.id}/${topic}/${source}`
    shop.tell(person, { id, type: 'silence.broken', properties: { topic } })
  }
}

/** What follows from what an act says of consent, or confirms of it; `confirmed`: what its words alone did. */
export function settleConsent(shop: PopulationShop, person: Person, act: Act, confirmed: readonly Confirmed[]): void {
  const { id: source } = act
  if (act.customer?.consent) askToConfirm(shop, person, { source, consent: act.customer.consent })
  for (const { topic, channel } of act.confirms ? person.confirm(source) : confirmed) {
    const id = `consent/${person.id}/confirmed/${source}/${topic}/${channel}`
    shop.tell(person, { id, type: 'consent.confirmed', properties: { topic, channel } })
  }
}

/** Said again it asks again only once the link of the mail before is too old. */
function askToConfirm(
  shop: PopulationShop,
  person: Person,
  { source, consent }: { source: string; consent: Readonly<Record<string, unknown>> },
): void {
  const pending = person.consents.pending.filter(({ topic }) => (consent[topic] ?? false) !== false)
  if (pending.length === 0) return
  const since = shop.clock.now - CONFIRM_WITHIN
  const isAsked = person.events.some(({ type, at }) => type === 'consent.asked' && Date.parse(at) > since)
  if (isAsked && pending.every((one) => one.source !== source)) return
  const properties = { ask: source, topics: pending.map(({ topic }) => topic) }
  shop.tell(person, { id: `consent/${person.id}/${source}`, type: 'consent.asked', properties })
}
