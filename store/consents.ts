/** Consent: what customers agreed to by topic, channel and purpose, its history with the proof, and the shop's list of topics. */
import { type RawBuilder, sql } from 'kysely'
import { type ConsentState, MESSAGES, type Proof, type Topic, stateOf } from '../domain/consent.ts'
import { type Db, type Tx, at } from './db.ts'

export interface ConsentChange {
  customer: string
  topic: string
  channel: string
  /** 'messages' unless told. */
  purpose?: string
  granted: boolean
  /** Where it was said: the id of an event, 'unsubscribe', the name of an operator. */
  source: string
  proof?: Proof
  /** The customer has confirmed it, so that a topic of double opt-in counts it at once. */
  confirmed?: boolean
  /** It counts only once the customer confirms it, whatever the topic asks for. */
  toConfirm?: boolean
  now: number
}

const newest = ({ customer, topic, channel, purpose }: Subject): RawBuilder<unknown> => sql`
  from consents where customer = ${customer} and topic = ${topic} and channel = ${channel} and purpose = ${purpose}
  order by id desc limit 1`

type Subject = { customer: string; topic: string; channel: string; purpose: string }

/**
 * Adds a line to the history of consent unless it says what holds already; answers whether it did. To a topic of double opt-in
 * consent is pending until it is confirmed, which does not take back one that was confirmed before. Consent to a newer text is a
 * new line, as it is a new proof; so is the customer's own no to what a journey took back. Call it with the customer locked.
 */
export async function setConsent(db: Db, change: ConsentChange): Promise<boolean> {
  const { topic, granted, source, proof = {}, confirmed = false, toConfirm = false, now } = change
  const of = { ...change, purpose: change.purpose ?? MESSAGES }
  const { numAffectedRows } = await sql`
    with asked as (
      select ${granted} and not ${toConfirm}
      and (${confirmed} or not coalesce((select double_opt_in from topics where id = ${topic}), false)) as granted),
    last as (select granted, pending, reason, text_version ${newest(of)})
    insert into consents (customer, topic, channel, purpose, granted, pending, source, text_version, ip_hash, agent_hash, reason, at)
    select ${of.customer}, ${topic}, ${of.channel}, ${of.purpose}, asked.granted, ${granted} and not asked.granted, ${source},
      ${proof.text ?? null}, ${proof.ipHash ?? null}, ${proof.agentHash ?? null}, ${proof.reason ?? null}, ${at(now)}
    from asked left join last on true
    where case when ${granted} and not asked.granted then last.granted is not true and last.pending is not true
      else asked.granted is distinct from last.granted or last.pending
        or (${granted} and ${proof.text ?? null}::text <> coalesce(last.text_version, ''))
        or (last.reason is not null and ${proof.reason ?? null}::text is null) end
  `.execute(db)
  return numAffectedRows === 1n
}

/**
 * Confirms what is pending, as the link in a confirmation mail asks; answers whether anything was. Asked again, or after a
 * refusal, it changes nothing. Call it with the customer locked.
 */
export async function confirmConsent(tx: Tx, change: Omit<ConsentChange, 'granted' | 'confirmed'>): Promise<boolean> {
  const of = { ...change, purpose: change.purpose ?? MESSAGES }
  const { rows } = await sql<{ pending: boolean }>`select pending ${newest(of)}`.execute(tx)
  return rows[0]?.pending === true && setConsent(tx, { ...change, granted: true, confirmed: true })
}

/** What waits to be confirmed by a customer over a channel, in the order in which it was said. */
export async function pendingBy(
  db: Db,
  { customer, channel }: { customer: string; channel: string },
): Promise<{ topic: string; purpose: string; source: string }[]> {
  const { rows } = await sql<{ topic: string; purpose: string; source: string }>`
    select topic, purpose, source from (
      select distinct on (topic, purpose) id, topic, purpose, pending, source from consents
      where customer = ${customer} and channel = ${channel} order by topic, purpose, id desc) newest
    where pending order by id
  `.execute(db)
  return rows
}

export interface Consent {
  topic: string
  channel: string
  purpose: string
  granted: boolean
  state: ConsentState
  source: string
  at: Date
}

type ConsentRow = Omit<Consent, 'state'> & { pending: boolean }

const withState = ({ pending, ...row }: ConsentRow): Consent => ({ ...row, state: stateOf({ ...row, pending }) })

/** What holds now, by topic, channel and purpose. */
export async function consentsOf(db: Db, id: string): Promise<Consent[]> {
  const { rows } = await sql<ConsentRow>`
    select distinct on (topic, channel, purpose) topic, channel, purpose, granted, pending, source, at from consents
    where customer = ${id} order by topic, channel, purpose, consents.id desc
  `.execute(db)
  return rows.map(withState)
}

/** A line of the history, with its proof. */
export interface ConsentLine extends Consent {
  text_version: string | null
  ip_hash: string | null
  agent_hash: string | null
  /** Why a journey withdrew it. */
  reason: string | null
}

/** Everything a customer ever said, oldest first. */
export async function consentHistory(db: Db, id: string): Promise<ConsentLine[]> {
  const { rows } = await sql<ConsentRow & ConsentLine>`
    select topic, channel, purpose, granted, pending, source, text_version, ip_hash, agent_hash, reason, at from consents
    where customer = ${id} order by consents.id
  `.execute(db)
  return rows.map((row) => ({ ...row, ...withState(row) }))
}

interface TopicRow extends Omit<Topic, 'doubleOptIn'> {
  double_opt_in: boolean
}

/** The shop's list, in the order of ids. */
export async function topics(db: Db): Promise<Topic[]> {
  const { rows } = await sql<TopicRow>`select * from topics order by id`.execute(db)
  return rows.map(({ double_opt_in: doubleOptIn, ...row }) => ({ ...row, doubleOptIn }))
}

/** Adds a topic or changes what is told of it; what is not told stays as it was. */
export async function putTopic(
  db: Db,
  { id, title, description, doubleOptIn, retired }: Pick<Topic, 'id'> & Partial<Topic>,
): Promise<Topic> {
  const { rows } = await sql<TopicRow>`
    insert into topics as t (id, title, description, double_opt_in, retired)
    values (${id}, ${title ?? id}, ${description ?? ''}, ${doubleOptIn ?? false}, ${retired ?? false})
    on conflict (id) do update set title = coalesce(${title ?? null}, t.title),
      description = coalesce(${description ?? null}, t.description),
      double_opt_in = coalesce(${doubleOptIn ?? null}, t.double_opt_in), retired = coalesce(${retired ?? null}, t.retired)
    returning *
  `.execute(db)
  const [row] = rows as [TopicRow]
  const { double_opt_in: stored, ...rest } = row
  return { ...rest, doubleOptIn: stored }
}

/** Lists the topics of the plans, under their own ids where the shop has not named them. Idempotent. */
export async function addTopics(db: Db, ids: Iterable<string>): Promise<void> {
  await sql`
    insert into topics (id, title) select distinct id, id from unnest(${[...ids]}::text[]) id on conflict do nothing
  `.execute(db)
}
