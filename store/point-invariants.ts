/** What must hold of the ledger of points. Composed in invariants.ts; run daily, this is its reconciliation. */

/** Each selects the rows that break it: a key and what is wrong with it. */
export const POINT_INVARIANTS: Record<string, string> = {
  'the postings of a transfer sum to zero': `
    select t.key, 'sum ' || sum(p.amount) as wrong from point_transfers t join point_postings p on p.transfer = t.id
    group by t.id, t.key having sum(p.amount) <> 0`,
  'balances equal their postings': `
    select coalesce(b.customer, p.customer) || ' ' || coalesce(b.unit, p.unit) as key,
      'balance ' || coalesce(b.pending, 0) || '/' || coalesce(b.available, 0) || '/' || coalesce(b.debt, 0)
      || ', postings ' || coalesce(p.pending, 0) || '/' || coalesce(p.available, 0) || '/' || coalesce(p.debt, 0) as wrong
    from point_balances b full join (
      select t.customer, t.unit, coalesce(sum(p.amount) filter (where p.account = 'pending'), 0) as pending,
        coalesce(sum(p.amount) filter (where p.account = 'available'), 0) as available,
        coalesce(-sum(p.amount) filter (where p.account = 'debt'), 0) as debt
      from point_transfers t join point_postings p on p.transfer = t.id group by t.customer, t.unit) p
      on p.customer = b.customer and p.unit = b.unit
    where (coalesce(b.pending, 0), coalesce(b.available, 0), coalesce(b.debt, 0))
      <> (coalesce(p.pending, 0), coalesce(p.available, 0), coalesce(p.debt, 0))`,
  'lots sum to balances': `
    select coalesce(b.customer, l.customer) || ' ' || coalesce(b.unit, l.unit) as key,
      'balance ' || coalesce(b.pending, 0) || '/' || coalesce(b.available, 0)
      || ', lots ' || coalesce(l.pending, 0) || '/' || coalesce(l.available, 0) as wrong
    from point_balances b full join (
      select customer, unit, coalesce(sum(remaining) filter (where state = 'pending'), 0) as pending,
        coalesce(sum(remaining) filter (where state <> 'pending'), 0) as available
      from point_lots group by customer, unit) l on l.customer = b.customer and l.unit = b.unit
    where (coalesce(b.pending, 0), coalesce(b.available, 0)) <> (coalesce(l.pending, 0), coalesce(l.available, 0))`,
  'a lot has left what its moves left it, between nothing and all': `
    select l.customer || ' lot ' || l.id as key,
      l.remaining || ' left of ' || l.original || ', moves ' || coalesce(sum(m.amount), 0) as wrong
    from point_lots l left join point_lot_moves m on m.lot = l.id group by l.id
    having l.remaining <> l.original + coalesce(sum(m.amount), 0) or l.remaining not between 0 and l.original`,
  'every debit names its lots': `
    select t.key, 'postings ' || coalesce(p.amount, 0) || ', lots ' || coalesce(l.original, 0) + coalesce(m.amount, 0) as wrong
    from point_transfers t
    left join (select transfer, sum(amount) as amount from point_postings
      where account in ('pending', 'available') group by transfer) p on p.transfer = t.id
    left join point_lots l on l.transfer = t.id
    left join (select transfer, sum(amount) as amount from point_lot_moves group by transfer) m on m.transfer = t.id
    where coalesce(p.amount, 0) <> coalesce(l.original, 0) + coalesce(m.amount, 0)`,
  'a pending lot resolves once': `
    select t.key, 'resolved ' || coalesce(r.amount, 0) || ', took from pending ' || coalesce(-p.amount, 0) as wrong
    from point_transfers t
    left join point_postings p on p.transfer = t.id and p.account = 'pending' and p.amount < 0
    left join (select transfer, sum(amount) as amount from (
        select resolved_by as transfer, original + coalesce((select sum(m.amount) from point_lot_moves m
          where m.lot = l.id and m.transfer < l.resolved_by), 0) as amount
        from point_lots l where resolved_by <> transfer
        union all select m.transfer, -m.amount from point_lot_moves m
        join point_transfers x on x.id = m.transfer and x.kind = 'void'
        join point_lots l on l.id = m.lot and l.resolved_by is distinct from m.transfer) parts
      group by transfer) r on r.transfer = t.id
    where coalesce(r.amount, 0) <> coalesce(-p.amount, 0)
    union all select customer || ' lot ' || id, state || ', resolved by ' || coalesce(resolved_by::text, 'nothing')
    from point_lots where (state = 'pending') <> (resolved_by is null)`,
  'nobody owes points but by the policy of a return': `
    select t.key, t.kind || ' under ' || coalesce(e.on_return, 'no policy') as wrong from point_transfers t
    join point_postings p on p.transfer = t.id and p.account = 'debt' and p.amount < 0
    left join point_transfers e on e.id = t.reverses
    where t.kind <> 'claw-back' or e.on_return is distinct from 'negative-allowed'
    union all select customer || ' ' || unit, pending || '/' || available || '/' || debt from point_balances
    where least(pending, available, debt) < 0`,
  'nothing is taken back beyond what was given': `
    select r.key, r.amount || ' of ' || t.amount as wrong
    from (select min(t.key) as key, t.reverses, coalesce(sum(p.amount) filter (where p.amount > 0), 0) as amount
      from point_transfers t left join point_postings p on p.transfer = t.id where t.reverses is not null group by t.reverses) r
    join (select transfer, sum(amount) filter (where amount > 0) as amount from point_postings group by transfer) t
      on t.transfer = r.reverses
    where r.amount > t.amount`,
  'a pending lot is less by the parts of its order that were refunded, and by nothing else': `
    select l.customer || ' lot ' || l.id as key, x.kind || ' ' || m.amount || ' by ' || x.key as wrong
    from point_lots l join point_lot_moves m on m.lot = l.id join point_transfers x on x.id = m.transfer
    where l.state = 'pending' and (x.kind <> 'void' or x.refund is null or m.amount >= 0)`,
}
