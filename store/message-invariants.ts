/** What must hold of messages and what their providers say of them. Composed in invariants.ts. */

/** Each selects the rows that break it: a key and what is wrong with it. */
export const MESSAGE_INVARIANTS: Record<string, string> = {
  'every state of a message is in its history': `
    select m.key, 'is ' || m.status || ', told ' || coalesce(last.status, 'nothing') as wrong from messages m
    left join lateral (select status from message_states s where s.message = m.key order by s.id desc limit 1) last on true
    where last.status is distinct from m.status`,
  'a provider was given what its days count, and no more than they hold': `
    select d.provider || ' ' || d.day as key, 'counted ' || d.used || ' of ' || d.most || ', messages ' || count(u.message) as wrong
    from provider_days d left join provider_uses u on u.provider = d.provider and u.day = d.day
    group by d.provider, d.day having d.used <> count(u.message) or d.used > d.most`,
  'a complaint ends the address': `
    select r.provider || ' ' || r.id || ' ' || m.customer as key, r.kind || ', and ' || m.channel || ' is not suppressed' as wrong
    from receipts r join messages m on m.key = r.message
    where r.kind = 'complained' and m.address is not null
      and not exists (select 1 from suppressions s where s.channel = m.channel and s.address = lower(m.address))`,
  'what the provider has to say yet was given to it': `
    select key, status || ' by ' || coalesce(provider, 'nobody') as wrong from messages
    where status = 'accepted' and (provider is null or reserved_at is null)`,
}
