/** What a shop does of itself day by day: the nightly reckoning, the sweeps, and the campaigns whose day comes round. */
import { afterDays } from '../../domain/calendar.ts'
import { CampaignRates } from './campaign-rates.ts'
import { CampaignTelling } from './campaign-runs.ts'
import { campaignsOn } from './campaigns.ts'
import { SHOP, type Span } from './clock.ts'
import type { Part } from './members.ts'
import { type PopulationShop, nextHour } from './shop.ts'
import { SWEEPS } from './sweeps.ts'

const DAY = 86_400_000

/** The upkeep reckons in the first hour of each day of the shop's, and then walks over the audiences. */
export function reckonDaily(shop: PopulationShop, { start, end }: Span): void {
  const { shopZone } = shop.rules
  for (let at = start; at < end; at = nextHour(afterDays(at, { days: 1, at: '00:00' }, shopZone))) {
    shop.clock.schedule(at, SHOP, () => {
      for (const [person, told] of shop.standings.reckon(at)) shop.tell(person, told)
      // They look at what that came to.
      shop.audiences.walk()
    })
  }
}

/** Campaigns begin where their day comes round, as the schedules of each zone do. */
export function campaignDaily(shop: PopulationShop, { start, end }: Span, { zones }: Pick<Part, 'zones'>): void {
  const rates = new CampaignRates(shop.commons)
  const on = shop.entries.filter(({ plan }) => plan.campaign && !shop.isOff(plan))
  for (let day = Math.floor(start / DAY) * DAY; on.length > 0 && day < end; day += DAY) {
    shop.clock.schedule(day, SHOP, () => {
      const known = [...zones].flatMap(([zone, since]) => (since < day ? [zone ?? shop.rules.shopZone] : []))
      for (const begun of campaignsOn(on, [...new Set(known)], day))
        shop.clock.schedule(begun.at, SHOP, () => new CampaignTelling(shop, rates, begun).begin())
    })
  }
}

/** The sweeps run at each midnight in UTC, as the schedules do. */
export function sweepDaily(shop: PopulationShop, { start, end }: Span): void {
  for (let day = Math.ceil(start / DAY) * DAY; day < end; day += DAY)
    shop.clock.schedule(day, SHOP, () => sweep(shop, day))
}

function sweep(shop: PopulationShop, from: number): void {
  for (const entry of shop.entries) {
    const { plan } = entry
    if (!plan.sweep || shop.isOff(plan)) continue
    const { audience, at, worth = 1 } = plan.sweep
    const window = { journey: plan.name, at, worth, from, to: from + DAY }
    for (const swept of SWEEPS[audience]?.(shop, window) ?? []) shop.enterSwept(swept.person, entry, swept)
  }
}
