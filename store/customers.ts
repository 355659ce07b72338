/** People of the shop: what is known of them, what they agreed to, and the pages sweeps walk through. */
import { sql } from 'kysely'
import type { BirthCalendar, KeptBirthday } from '../domain/birthday.ts'
import type { Birthday } from '../domain/calendar.ts'
import type { Facts } from '../domain/customer.ts'
import { PerennialError } from '../domain/errors.ts'
import { type ConsentGiven, MESSAGES } from '../domain/consent.ts'
import type { Properties } from '../domain/journey.ts'
import { setConsent } from './consents.ts'
import { ownTags } from './own-tags.ts'
import { type Db, type Tx, at } from './db.ts'

export { type Consent, type ConsentChange, consentsOf, setConsent } from './consents.ts'

export interface Customer {
  id: string
  email: string | null
  phone: string | null
  name: string | null
  zone: string | null
  locale: string | null
  birth_month: number | null
  birth_day: number | null
  birth_calendar: BirthCalendar
  tags: string[]
  channels: string[]
  created_at: Date
}

/** What an event says of its customer; what it does not say stays as it was. */
export interface CustomerChange {
  id: string
  email?: string | null
  /** E.164. */
  phone?: string | null
  name?: string | null
  zone?: string | null
  locale?: string | null
  birthday?: KeptBirthday | null
  tags?: string[]
  /** What else the shop tells, by name; what it does not name stays as it was, null takes it away. */
  traits?: Record<string, string | number | boolean | null>
  /** The channels the customer likes best first. */
  channels?: string[]
  /** The addresses of channels beside e-mail and phone, by kind; null: it is gone. */
  reach?: Record<string, string | null>
  /** By topic; a plain yes or no is for messages over the e-mail channel. */
  consent?: Record<string, boolean | ConsentGiven>
}

/**
 * Inserts or changes a customer and, either way, holds the row locked to the end of the transaction: all that is decided
 * about one person is decided in a row. Answers the time as it is behind that lock, which is when the consent was given, and whether
 * nobody knew them before. Throws EVENT_INVALID where they would have too many traits.
 */
export async function upsertCustomer(
  tx: Tx,
  change: CustomerChange,
  source: string,
  now: () => number,
): Promise<{ received: number; isNew: boolean }> {
  const { id, email, phone, name, zone, locale, birthday, tags, channels } = change
  const traits = JSON.stringify(change.traits ?? {})
  const said = <T>(value: T | undefined): boolean => value !== undefined
  const asked = at(now())
  const { rows } = await sql<{ isNew: boolean; traits: number }>`
    insert into customers as c (id, email, phone, name, zone, locale, birth_month, birth_day, birth_calendar, tags, channels, traits,
                                created_at, updated_at)
    values (${id}, ${email ?? null}, ${phone ?? null}, ${name ?? null}, ${zone ?? null}, ${locale ?? null},
            ${birthday?.month ?? null}, ${birthday?.day ?? null}, ${birthday?.calendar ?? 'solar'}, ${tags ?? []},
            ${channels ?? []}, jsonb_strip_nulls(${traits}::jsonb), ${asked}, ${asked})
    on conflict (id) do update set
      email = case when ${said(email)} then excluded.email else c.email end,
      phone = case when ${said(phone)} then excluded.phone else c.phone end,
      name = case when ${said(name)} then excluded.name else c.name end,
      zone = case when ${said(zone)} then excluded.zone else c.zone end,
      locale = case when ${said(locale)} then excluded.locale else c.locale end,
      birth_month = case when ${said(birthday)} then excluded.birth_month else c.birth_month end,
      birth_day = case when ${said(birthday)} then excluded.birth_day else c.birth_day end,
      birth_calendar = case when ${said(birthday)} then excluded.birth_calendar else c.birth_calendar end,
      tags = case when ${said(tags)} then excluded.tags else c.tags end,
      channels = case when ${said(channels)} then excluded.channels else c.channels end,
      traits = case when ${said(change.traits)} then jsonb_strip_nulls(c.traits || ${traits}::jsonb) else c.traits end,
      updated_at = excluded.updated_at
    returning xmax = 0 as "isNew", (select count(*) from jsonb_object_keys(c.traits)) as traits
  `.execute(tx)
  const behindLock = now()
  const [row] = rows
  if (change.traits && row && row.traits > TRAITS_MOST) {
    const expected = `at most ${TRAITS_MOST} traits of one customer`
    throw new PerennialError('EVENT_INVALID', `customer.traits: ${row.traits} in all`, {
      field: 'customer.traits',
      expected,
    })
  }
  await reach(tx, id, change.reach ?? {}, behindLock)
  for (const [topic, word] of Object.entries(change.consent ?? {})) {
    const given =
      typeof word === 'boolean' ? { granted: word, channels: ['email'], purpose: MESSAGES, proof: {} } : word
    const { channels: over, ...of } = given
    for (const channel of over) await setConsent(tx, { customer: id, topic, channel, ...of, source, now: behindLock })
  }
  return { received: behindLock, isNew: row?.isNew ?? false }
}

const TRAITS_MOST = 200

async function reach(tx: Tx, customer: string, by: Record<string, string | null>, now: number): Promise<void> {
  for (const [kind, address] of Object.entries(by)) {
    if (address === null) await sql`delete from addresses where customer = ${customer} and kind = ${kind}`.execute(tx)
    else
      await sql`
        insert into addresses (customer, kind, address, at) values (${customer}, ${kind}, ${address}, ${at(now)})
        on conflict (customer, kind) do update set address = excluded.address, at = excluded.at
      `.execute(tx)
  }
}

export async function customer(db: Db, id: string): Promise<Customer | undefined> {
  const { rows } = await sql<Customer>`select * from customers where id = ${id}`.execute(db)
  return rows[0]
}

/** The customer, held locked to the end of the transaction. */
export async function lockCustomer(tx: Tx, id: string): Promise<Customer | undefined> {
  const { rows } = await sql<Customer>`select * from customers where id = ${id} for update`.execute(tx)
  return rows[0]
}

/** Locks many in the order of their ids; answers those there are. */
export async function lockCustomers(tx: Tx, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from customers where id = any(${ids}) order by id for update`.execute(tx)
  return rows.map((row) => row.id)
}

/** All but the tier, which stands in tier-benefits.ts, and the standing, which stands in standings.ts. */
export async function factsOf(
  db: Db,
  { customer: id, now }: { customer: string; now: number },
): Promise<Omit<Facts, 'today' | 'tier' | 'standing'> | undefined> {
  const { rows } = await sql<{
    zone: string | null
    tags: string[]
    traits: Properties
    orders: number
    spent: number
    since: Date
  }>`
    select c.zone, c.tags || ${ownTags(sql.ref('c.id'), now)} as tags, c.traits, c.created_at as since, count(e.seq) as orders,
      coalesce(sum(case when jsonb_typeof(e.properties->'amount') = 'number' then (e.properties->>'amount')::numeric end), 0)::float8 as spent
    from customers c left join events e on e.customer = c.id and e.type = 'order.paid'
    where c.id = ${id} group by c.id
  `.execute(db)
  const [row] = rows
  return (
    row && {
      zone: row.zone,
      tags: row.tags,
      traits: row.traits,
      paidOrders: row.orders,
      spent: row.spent,
      since: row.since.toISOString(),
    }
  )
}

/** The zones that customers live in, in order, the shop's own among them. */
export async function zonesOfCustomers(db: Db, shopZone: string): Promise<string[]> {
  const { rows } = await sql<{ zone: string }>`
    select zone from customers where zone is not null union select ${shopZone} as zone order by zone
  `.execute(db)
  return rows.map((row) => row.zone)
}

/** What is known of the birthday; undefined where nothing is. */
export function birthdayOf(
  person: Pick<Customer, 'birth_month' | 'birth_day' | 'birth_calendar'>,
): KeptBirthday | undefined {
  const { birth_month: month, birth_day: day, birth_calendar: calendar } = person
  return month === null || day === null ? undefined : { month, day, calendar }
}

const code = ({ month, day }: Birthday): number => month * 100 + day

/** Customers with one of the birthdays, by our calendar or the moon's, after `after` in the order of ids, at most `limit`. */
export async function customersByBirthday(
  db: Db,
  {
    solar,
    lunar,
    after,
    limit,
  }: { solar: readonly Birthday[]; lunar: readonly Birthday[]; after: string; limit: number },
): Promise<Customer[]> {
  const [ours, moons] = [solar.map(code), lunar.map(code)]
  const { rows } = await sql<Customer>`
    select * from customers where birth_month * 100 + birth_day = any(${[...ours, ...moons]})
      and birth_month * 100 + birth_day = any(case when birth_calendar = 'solar' then ${ours}::int[] else ${moons}::int[] end)
      and id > ${after} order by id limit ${limit}
  `.execute(db)
  return rows
}

export async function suppress(
  db: Db,
  { channel, address, reason, now }: { channel: string; address: string; reason: string; now: number },
): Promise<void> {
  await sql`
    insert into suppressions (channel, address, reason, at) values (${channel}, lower(${address}), ${reason}, ${at(now)})
    on conflict do nothing
  `.execute(db)
}
