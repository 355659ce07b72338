import { afterAll, describe, expect, test } from 'vitest'
import {
  applyProposal,
  budgetProposals,
  dismissProposal,
  measureJourneys,
  reviewBudgets,
} from '../../store/budget-reviews.ts'
import { setCap } from '../../store/budgets.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { campaign, couponOf, offer, standing } from './budget-given.ts'
import { DAY, NOON, enterCrowd, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const WEEK = 7 * DAY
const review = (now: number) => reviewBudgets(db, { now, zone: 'Asia/Shanghai' })

/** A budget of 100,000 whose journey had 200 people in each arm a while ago, `converted` of the treated, spent on 100 of them. */
async function measured(converted: number, spent: number) {
  const { budget, journeys } = await campaign(db, { cap: 100_000, journeys: [{ class: 'service' }] })
  const [journey = ''] = journeys
  const crowd = await enterCrowd(db, { journey, prefix: `${journey}-`, size: 400 })
  const runs = (from: number, to: number) =>
    crowd
      .slice(from, to)
      .map(({ run }) => `'${run}'`)
      .join(', ')
  await rowsOf(
    db,
    `update enrolments set arm = case when id in (${runs(200, 400)}) then 'holdout' else 'treated' end,
       goal_until = entered_at + interval '14 days' where journey = '${journey}'`,
  )
  await rowsOf(
    db,
    `with c as (update enrolments set goal_at = entered_at + interval '1 day' where id in (${runs(0, converted)}, ${runs(200, 210)}) returning id, goal_at)
     insert into outcomes (enrolment, kind, at, detail) select id, 'converted', goal_at, 'order' from c`,
  )
  const each = spent / 100
  await rowsOf(
    db,
    `insert into budget_holds (key, budget, journey, enrolment, customer, amount, state, settled, created_at, resolved_at)
     select id || '/reward', '${budget}', journey, id, customer, ${each}, 'settled', ${each}, entered_at, entered_at
     from enrolments where id in (${runs(0, 100)})`,
  )
  await rowsOf(
    db,
    `update budgets set spent = ${spent}, alerted = ${spent >= 80_000 ? 80 : spent >= 50_000 ? 50 : 0} where id = '${budget}'`,
  )
  return { budget, journey }
}

describe('the weekly look', async () => {
  test('is taken once a week, in the shop’s zone, and proposes nothing of too little data', async () => {
    expect(await review(NOON)).toBe(0)
    await campaign(db, { cap: 1000 })
    const sunday = Date.UTC(2026, 10, 29, 15, 59)
    expect([await review(NOON), await review(sunday)]).toEqual([1, 0])
    // Midnight in Shanghai.
    expect([await review(sunday + 60_000), await review(sunday + 60_000)]).toEqual([1, 0])
    expect(await Promise.all([1, 2, 3].map(() => review(sunday + WEEK)))).toHaveLength(3)
    expect(await rowsOf(db, `select week from budget_reviews order by week`)).toEqual([
      { week: '2026-W48' },
      { week: '2026-W49' },
    ])
    expect(await budgetProposals(db)).toEqual([])
  })

  test('counts the runs whose time is over, as they were assigned, and what was spent on them', async () => {
    const { journey, budget } = await measured(60, 40_000)
    const over = NOON + 14 * DAY
    const of = async (now: number) => (await measureJourneys(db, now)).find((one) => one.journey === journey)
    expect(await of(over - 1)).toBeUndefined()
    const counted = {
      journey,
      budget,
      own: null,
      treated: { runs: 200, converted: 60 },
      held: { runs: 200, converted: 10 },
      spent: 40_000,
    }
    expect(await of(over)).toEqual(counted)
    expect(await of(NOON + 90 * DAY - 1)).toEqual(counted)
    expect(await of(NOON + 90 * DAY)).toBeUndefined()
  })

  test('proposes a move with its reasons; applied it moves the caps once, whoever asks how often', async () => {
    const good = await measured(120, 90_000)
    const poor = await measured(12, 30_000)
    const now = NOON + 3 * WEEK
    expect(await review(now)).toBe(1)
    const [one, ...more] = await budgetProposals(db)
    expect(more).toEqual([])
    expect(one).toMatchObject({
      id: '2026-W51-1',
      status: 'open',
      giver: poor.budget,
      taker: good.budget,
      amount: 20_000,
      madeAt: new Date(now),
      decidedAt: null,
    })
    expect(one?.reasons).toMatchObject({
      unspent: 70_000,
      takenShare: 0.9,
      giver: { journeys: [poor.journey] },
      taker: { treated: 200, held: 200, spent: 90_000 },
    })
    const id = one?.id ?? ''
    const answers = await Promise.all([1, 2, 3].map(() => applyProposal(db, { id, now: now + 1 })))
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1)
    expect([(await standing(db, poor.budget)).cap, (await standing(db, good.budget)).cap]).toEqual([80_000, 120_000])
    await expect(dismissProposal(db, { id, now })).rejects.toMatchObject({ code: 'PROPOSAL_DECIDED' })
    await expect(applyProposal(db, { id: 'none', now })).rejects.toMatchObject({ code: 'PROPOSAL_UNKNOWN' })
  })

  test('a move whose money is gone meanwhile is refused whole, and stays open; dismissed it moves nothing', async () => {
    const now = NOON + 4 * WEEK
    // With what it got it is not short any more: an operator takes it back.
    const [before] = await budgetProposals(db)
    await setCap(db, { budget: before?.taker ?? '', cap: 100_000, now })
    expect(await review(now)).toBe(1)
    const [one] = await budgetProposals(db)
    const [id, giver = ''] = [one?.id ?? '', one?.giver]
    expect(one?.status).toBe('open')
    const { cap, reserved, spent, journeys } = await standing(db, giver)
    await setCap(db, { budget: giver, cap: reserved + spent + 1000, now })
    await couponOf(db, journeys[0] ?? '', await offer(db), now)
    const takers = (await standing(db, one?.taker ?? '')).cap
    await expect(applyProposal(db, { id, now })).rejects.toMatchObject({ code: 'BUDGET_TAKEN' })
    expect(cap).toBeGreaterThan(0)
    expect((await standing(db, one?.taker ?? '')).cap).toBe(takers)
    expect((await budgetProposals(db))[0]).toMatchObject({ id, status: 'open' })
    expect(await dismissProposal(db, { id, now: now + 1 })).toMatchObject({
      changed: true,
      proposal: { status: 'dismissed' },
    })
    expect(await dismissProposal(db, { id, now: now + 2 })).toMatchObject({ changed: false })
    await expect(applyProposal(db, { id, now })).rejects.toMatchObject({ code: 'PROPOSAL_DECIDED' })
  })
})
