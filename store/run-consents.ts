/**
 * Consent that a journey touches: it may take a yes back, and ask again for one that it took back itself. A customer's own no is
 * theirs: nobody is asked a second time over it.
 */
import { sql } from 'kysely'
import { MESSAGES } from '../domain/consent.ts'
import { consentsOf, setConsent } from './consents.ts'
import { type Db, type Tx, at } from './db.ts'
import { type EffectAnswer, effectOnce } from './run-effects.ts'

interface RunConsent {
  key: string
  run: string
  topic: string
  now: () => number
}

/** Withdraws a topic over every channel on which it is given or waits to be confirmed, with the run and the reason as its proof. */
export function withdrawConsent(
  db: Db,
  { key, run: id, topic, reason, now: clock }: RunConsent & { reason: string },
): Promise<EffectAnswer> {
  return effectOnce(db, { key, run: id, about: 'consent', now: clock }, async (tx, { customer }, now) => {
    const said = (await consentsOf(tx, customer)).filter((one) => one.topic === topic && one.purpose === MESSAGES)
    const given = said.filter(({ state }) => state !== 'refused').map(({ channel }) => channel)
    for (const channel of given) {
      await setConsent(tx, { customer, topic, channel, granted: false, source: id, proof: { reason }, now })
    }
    return { verdict: 'withdrawn', detail: `${topic} (${reason}): ${given.join(', ') || 'it was not given'}` }
  })
}

/**
 * Makes e-mail consent to a topic pending, so that the link of the next message confirms it: only where a journey withdrew it, or it
 * is pending already. Refused with CONSENT_GIVEN, and with NO_CONSENT where the customer never agreed or said no themselves.
 */
export function askForConsent(db: Db, { key, run: id, topic, now: clock }: RunConsent): Promise<EffectAnswer> {
  return effectOnce(db, { key, run: id, about: 'consent', now: clock }, async (tx, { customer }, now) => {
    const last = await lastSaid(tx, { customer, topic })
    if (last?.granted) return { verdict: 'refused', code: 'CONSENT_GIVEN', detail: topic }
    if (!last?.pending && !last?.ours) return { verdict: 'refused', code: 'NO_CONSENT', detail: topic }
    await setConsent(tx, { customer, topic, channel: 'email', granted: true, toConfirm: true, source: id, now })
    return { verdict: 'asked', detail: topic }
  })
}

/** `ours`: a journey withdrew it. */
async function lastSaid(
  tx: Tx,
  { customer, topic }: { customer: string; topic: string },
): Promise<{ granted: boolean; pending: boolean; ours: boolean } | undefined> {
  const { rows } = await sql<{ granted: boolean; pending: boolean; ours: boolean }>`
    select granted, pending, reason is not null as ours from consents
    where customer = ${customer} and topic = ${topic} and channel = 'email' and purpose = ${MESSAGES} order by id desc limit 1
  `.execute(tx)
  return rows[0]
}

/** The topics whose e-mail consent a journey withdrew for a reason, and about which nothing was said since. */
export async function withdrawnFor(
  tx: Tx,
  { customer, reason }: { customer: string; reason: string },
): Promise<string[]> {
  const { rows } = await sql<{ topic: string }>`
    select topic from (select distinct on (topic) topic, reason from consents
      where customer = ${customer} and channel = 'email' and purpose = ${MESSAGES} order by topic, id desc) newest
    where reason = ${reason} order by topic
  `.execute(tx)
  return rows.map((row) => row.topic)
}

/** Consent that was pending and is given since `now`: what `consent.confirmed` is told of. */
export async function confirmedSince(
  tx: Tx,
  { customer, now }: { customer: string; now: number },
): Promise<{ id: number; topic: string; channel: string }[]> {
  const { rows } = await sql<{ id: number; topic: string; channel: string }>`
    select id, topic, channel from (
      select id, topic, channel, purpose, granted, at,
        lag(pending) over (partition by topic, channel, purpose order by id) as was from consents where customer = ${customer}) line
    where granted and was and purpose = ${MESSAGES} and at >= ${at(now)} order by id
  `.execute(tx)
  return rows
}
