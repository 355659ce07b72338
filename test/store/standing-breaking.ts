/** What breaks each invariant of the standings, and the world it is broken in. */
import type { Db } from '../../store/db.ts'
import { tellEvent } from '../../store/events.ts'
import { reckonNow } from '../../store/reckonings.ts'
import { DAY, NOON, handClock, inboxOf } from './given.ts'

/** S1 to S5 bought once to five times, S6 never; weeks later S1 bought again, by which time S2 was at risk. */
export async function reckonThem(db: Db): Promise<void> {
  const clock = handClock(NOON - 500 * DAY)
  const send = inboxOf(db, clock, [])
  const reckon = () => reckonNow(db, { plans: [], shopZone: 'UTC', tell: tellEvent, now: clock.now() })
  await send('profile.changed', 'S6')
  for (const nth of [1, 2, 3, 4, 5]) {
    for (let n = 1; n <= nth; n++) {
      await send('order.paid', `S${nth}`, { properties: { order: `S${nth}-${n}`, amount: 1_000 * nth } })
      clock.pass(DAY)
    }
  }
  await reckon()
  clock.pass(24 * DAY)
  await reckon()
  await send('order.paid', 'S1', { properties: { order: 'S1-2', amount: 9_000 } })
}

const OF_S2 = `from events where id = 'standing/S2/1'`

export const BREAKING_STANDINGS: Record<string, Record<string, string>> = {
  'a segment is the cell of its scores': {
    'another name': `update standings set segment = 'champions' where customer = 'S2'`,
  },
  'scores follow the edges of their reckoning': {
    'a better one': `update standings set m = m + 1 where customer = 'S2'`,
    'edges that moved': `update reckonings set r_edges = '{0,0,0,0}' where day = (select max(day) from reckonings)`,
    'more orders than its score': `update standings set f = 1, segment = 'newcomers' where customer = 'S5'`,
  },
  'a standing counts the paid orders there are': {
    'an order that nobody reckoned': `insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
      select 'S-more', customer, type, '{"order":"S-more","amount":5}', '', occurred_at, received_at
      from events where customer = 'S2' and type = 'order.paid' limit 1`,
    'another last day': `update standings set last_paid_at = last_paid_at + interval '1 ms' where customer = 'S2'`,
    'money from nowhere': `update standings set year_spent = year_spent + 1 where customer = 'S5'`,
  },
  'every change of stage was told once, and the last one is the stage': {
    'never told': `delete ${OF_S2}`,
    'told twice': `insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
      select 'standing/S2/2', customer, type, properties, '', occurred_at, received_at ${OF_S2}`,
    'another stage': `update standings set stage = 'lost' where customer = 'S2'`,
  },
  'a finished reckoning placed everybody': {
    'but one': `delete from standings where customer = 'S6'`,
    'but one who stood there before': `update standings set as_of = as_of - interval '1 hour' where customer = 'S6'`,
  },
}
