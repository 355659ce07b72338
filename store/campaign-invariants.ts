/** What must hold of campaigns. Composed in invariants.ts. */

/** Each selects the rows that break it: a key and what is wrong with it. */
export const CAMPAIGN_INVARIANTS: Record<string, string> = {
  'a member of a campaign is in a run of it': `
    select e.id as key, e.campaign || ' of ' || e.journey as wrong from enrolments e left join campaign_runs r on r.id = e.campaign
    where e.campaign is not null and (r.id is null or r.campaign <> e.journey or r.occasion <> e.occasion)`,
  'a wave wrote to members of its campaign': `
    select m.key, 'wave ' || m.wave || ' of ' || coalesce(r.campaign, 'nothing') as wrong from messages m
    left join campaign_waves w on w.id = m.wave left join campaign_runs r on r.id = w.run
    where m.wave is not null and r.campaign is distinct from m.journey`,
  'nothing of a wave that is done is open': `
    select m.key, 'is ' || m.status || ', wave ' || w.name || ' of ' || w.run || ' is done' as wrong
    from campaign_waves w join messages m on m.wave = w.id and m.status in ('held', 'reserved', 'sending') where w.done_at is not null`,
  'nobody is left in a campaign that is over': `
    select e.id as key, 'is ' || e.status || ', ' || r.id || ' is ' || r.status as wrong from campaign_runs r
    join enrolments e on e.campaign = r.id and e.status = 'running' where r.status = 'completed'`,
}
