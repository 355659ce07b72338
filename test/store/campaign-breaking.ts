/** What breaks each invariant of campaigns, and the world it is broken in. */
import { campaignFacts, crowd, bulkProvider, openedWave, sendAll } from '../activities/given-campaigns.ts'
import { openShop } from '../activities/given.ts'
import type { Db } from '../../store/db.ts'

/** Two members of a campaign that was told; another campaign has begun, with a third who is still in. */
export async function tellCampaigns(db: Db): Promise<void> {
  const audience = (tag: string) => ({ campaign: { audience: { tag } } })
  const plans = [campaignFacts('told', audience('told')), campaignFacts('begun', audience('begun'))]
  const shop = await openShop(db, plans, {}, { channels: new Map([['email', bulkProvider()]]) })
  await crowd(db, 'Q', 2, { tags: ['told'] })
  await crowd(db, 'QB', 1, { tags: ['begun'] })
  const work = await openedWave(shop, 'told')
  await sendAll(shop, work)
  await shop.activities.closeCampaign({ run: work.run, status: 'completed', reason: 'told', asked: shop.clock.now() })
  await sendAll(shop, await openedWave(shop, 'begun'))
}

export const BREAKING_CAMPAIGNS: Record<string, Record<string, string>> = {
  'a member of a campaign is in a run of it': {
    'of another': `update enrolments set campaign = (select id from campaign_runs where campaign = 'begun') where customer = 'Q0001'`,
    'of none': `update enrolments set campaign = 'campaign/nothing' where customer = 'Q0001'`,
  },
  'a wave wrote to members of its campaign': {
    'another wave': `update messages set wave = (select w.id from campaign_waves w join campaign_runs r on r.id = w.run
      where r.campaign = 'begun') where customer = 'Q0001'`,
  },
  'nothing of a wave that is done is open': {
    'a message on its way': `update messages set status = 'sending', sent_at = null where customer = 'Q0001';
      insert into message_states (message, status, at) select key, status, reserved_at from messages where customer = 'Q0001'`,
  },
  'nobody is left in a campaign that is over': {
    'a member who is on': `update campaign_runs set status = 'completed', ended_at = begun_at where campaign = 'begun'`,
  },
}
