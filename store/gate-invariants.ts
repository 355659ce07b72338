/** What must hold of what the gate decided. Composed in invariants.ts. */

/** Each selects the rows that break it: a key and what is wrong with it. */
export const GATE_INVARIANTS: Record<string, string> = {
  'what left is an exposure': `
    select m.key, 'is ' || m.status || ', and no exposure' as wrong from messages m
    where m.status in ('sending', 'accepted', 'sent', 'unknown') and not exists (select 1 from exposures x where x.message = m.key)`,
  'only a held message waits in an auction': `
    select key, 'bids, is ' || status || ' ' || coalesce(code, '') as wrong from messages
    where bid_at is not null and (status <> 'held' or code is distinct from 'AUCTION')
      or (bid_at is null) <> (bid_until is null)`,
}
