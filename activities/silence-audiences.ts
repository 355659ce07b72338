/** Whom the daily sweeps about silence enter: those who stopped buying, and those who do nothing however often they are written to. */
import { SILENT_DAYS } from '../domain/audience.ts'
import type { Db } from '../store/db.ts'
import { type Silence, dormantCustomers, writtenCustomers } from '../store/silences.ts'
import type { AudiencePage, Member, MemberPage } from './audiences.ts'
import { instantWithin } from './tier-audiences.ts'

const DAY = 86_400_000

/** Those whose stage is dormant. Occasion: the day of their last paid order, so that a dormancy enters them once, however long. */
export async function dormant(db: Db, page: AudiencePage): Promise<MemberPage> {
  const found = await dormantCustomers(db, page)
  return { walked: found.map(({ customer }) => customer), members: entering(found, page) }
}

/** Those who got many messages in half a year and neither bought nor did anything. Occasion: the last day on which they did. */
export async function silent(db: Db, page: AudiencePage): Promise<MemberPage> {
  const { from: now, worth: messages } = page
  const found = await writtenCustomers(db, { ...page, now, since: now - SILENT_DAYS * DAY, messages })
  return {
    walked: found.map(({ customer }) => customer),
    members: entering(
      found.filter((one) => one.silent),
      page,
    ),
  }
}

const entering = (found: readonly Silence[], page: AudiencePage): Member[] =>
  found.flatMap(({ customer, zone, last: occasion }) => {
    const instant = instantWithin(page, zone ?? page.shopZone)
    return instant === undefined ? [] : [{ customer, occasion, instant }]
  })
