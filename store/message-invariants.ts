/** What must hold of messages and what their providers say of them. Composed in invariants.ts. */

/** Each selects the rows that break it: a key and what is wrong with it. */
export const MESSAGE_INVARIANTS: Record<string, string> = {
  'every state of a message is in its history': `
    select m.key, 'is ' || m.status || ', told ' || coalesce(last.status, 'nothing') as wrong from messages m
    left join lateral (select status from message_states s where s.message = m.key order by s.id desc limit 1) last on true
    where last.status is distinct from m.status`,
}
