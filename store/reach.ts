/** The channels a customer has an address on. */
import { sql } from 'kysely'
import type { Db } from './db.ts'

const OF_KIND: Record<string, string> = {
  wecom: 'wecom',
  wechat: 'wechat',
  device: 'push',
  subscription: 'web-push',
}

/** By what is known of them; addresses that programs answer at are not for people to choose. */
export async function reachableBy(db: Db, customer: string): Promise<string[]> {
  const { rows } = await sql<{ email: boolean; phone: boolean; kinds: string[] }>`
    select email is not null as email, phone is not null as phone,
      array(select kind from addresses a where a.customer = c.id order by kind) as kinds
    from customers c where id = ${customer}
  `.execute(db)
  const [row] = rows
  if (!row) return []
  const others = row.kinds.flatMap((kind) => OF_KIND[kind] ?? [])
  return [...(row.email ? ['email'] : []), ...(row.phone ? ['sms'] : []), ...others]
}
