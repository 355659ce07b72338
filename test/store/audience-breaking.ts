/** What breaks each invariant of the audiences, and the world it is broken in. */
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { walkAudiences } from '../../store/audience-walks.ts'
import { setAudience } from '../../store/audiences.ts'
import type { Db } from '../../store/db.ts'
import { tellEvent } from '../../store/events.ts'
import { person } from '../world.ts'
import { NOON, handClock, inboxOf } from './given.ts'

/** A6 was in, left, and is in again; A7 never was; another audience was removed. */
export async function gather(db: Db): Promise<void> {
  const clock = handClock()
  const send = inboxOf(db, clock, [])
  const set = async (name: string, filter: AudienceFilter | null): Promise<void> => {
    await setAudience(db, { name, title: name, filter, by: 'eve', now: clock.now(), tell: false })
    while ((await walkAudiences(db, { now: NOON, shopZone: 'UTC' }, { plans: [], tell: tellEvent })) > 0);
  }
  await set('W-tea', { trait: 'tea', is: true })
  await send('customer.registered', person('A6', { traits: { tea: true } }))
  await send('customer.registered', person('A7'))
  for (const tea of [null, true]) {
    clock.pass(1000)
    await send('profile.updated', { id: 'A6', traits: { tea } })
  }
  await set('W-gone', { trait: 'tea', is: true })
  await set('W-gone', null)
}

export const BREAKING_AUDIENCES: Record<string, Record<string, string>> = {
  'a customer is in an audience once at a time': {
    'twice at a time': `drop index audience_members_once;
      insert into audience_members select audience, customer, 3, entered_at from audience_members where entry = 2`,
  },
  'the entries of an audience are counted without gaps, one after the other': {
    'an entry that is gone': `delete from audience_members where entry = 1 and left_at is not null and audience = 'W-tea'`,
    'in again before they had left': `update audience_members set entered_at = entered_at - interval '2 hours'
      where audience = 'W-tea' and entry = 2`,
    'the one before never left': `drop index audience_members_once; alter table audience_members drop constraint audience_members_forward;
      update audience_members set left_at = case entry when 2 then entered_at end where audience = 'W-tea'`,
  },
  'the members of an audience are whom its filter takes in': {
    'one who is not in': `update customers set traits = '{"tea": true}' where id = 'A7'`,
    'one who is still in': `update customers set traits = '{}' where id = 'A6'`,
    'in one that was removed': `update audience_members set left_at = null where audience = 'W-gone'`,
  },
}
