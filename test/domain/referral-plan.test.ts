import { describe, expect, it } from 'vitest'
import { readRequest, readReviewId } from '../../domain/contracts/referral.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'

const plan = {
  title: 'Reward',
  begins: { on: 'referral.qualified' },
  occasion: 'friend',
  copy: {},
  offers: { five: { title: 'Five', quota: 1, perMember: 1 } },
  points: { friend: { title: 'Friend', earn: { fixed: 500 } } },
  rewards: { advocate: { points: 'friend' }, five: { coupon: 'five', valid: '90 days' } },
  referral: {
    friend: 'ten',
    advocate: 'advocate',
    returns: '15 days',
    attribution: '30 days',
    codes: { limit: 9, valid: '1 week' },
    ladder: { 10: 'five', 3: 'advocate' },
    atMost: 20,
  },
}
const DAY = 86_400_000

describe('a programme in a plan', () => {
  it('is read with its rewards, spans in ms and the ladder from below', () => {
    expect(checkPlan('reward', plan).referral).toEqual({
      friend: 'ten',
      advocate: 'advocate',
      minimum: 0,
      returns: 15 * DAY,
      attribution: 30 * DAY,
      codes: { limit: 9, valid: 7 * DAY },
      ladder: [
        { rung: 3, reward: 'advocate' },
        { rung: 10, reward: 'five' },
      ],
      atMost: 20,
      onVoid: 'claw-back',
      rewards: {
        advocate: { is: 'points', rule: 'friend', terms: { title: 'Friend', earn: { fixed: 500 } } },
        five: { is: 'coupon', offer: 'five', valid: '90 days' },
      },
    })
    expect(checkPlan('plain', { title: 'Plain', copy: {} })).toMatchObject({ rewards: {}, referral: undefined })
  })

  it.each<[string, object, RegExp]>([
    [
      'a rule that is none',
      { rewards: { advocate: { points: 'x' } } },
      /rewards\.advocate: there is no rule of points 'x'/,
    ],
    ['an offer that is none', { rewards: { ...plan.rewards, five: { coupon: 'x', valid: '1 day' } } }, /no offer 'x'/],
    ['a reward that is none', { referral: { ...plan.referral, advocate: 'x' } }, /no reward 'x'/],
    ['a rung without a reward', { referral: { ...plan.referral, ladder: { 3: 'x' } } }, /no reward 'x'/],
    ['half a rung', { referral: { ...plan.referral, ladder: { 1.5: 'five' } } }, /referral\.ladder\.1\.5/],
    ['a window that cannot be read', { referral: { ...plan.referral, returns: 'long' } }, /referral\.returns/],
    ['a word nobody knows', { referral: { ...plan.referral, chains: 2 } }, /chains/],
    ['no cap', { referral: { ...plan.referral, atMost: 0 } }, /referral\.atMost/],
    ['a reward that is both', { rewards: { advocate: { points: 'friend', coupon: 'five' } } }, /rewards\.advocate/],
  ])('is refused with %s', (_what, change, why) => {
    expect(() => checkPlan('reward', { ...plan, ...change })).toThrow(why)
  })
})

describe('a request', () => {
  it('is read with its defaults', () => {
    expect(readRequest('review', { decision: 'deny', by: 'ada' })).toEqual({
      decision: 'deny',
      by: 'ada',
      reason: '',
      remember: false,
    })
    expect(readReviewId('17')).toBe(17)
  })

  it.each<['claim' | 'review', unknown, string]>([
    ['claim', undefined, 'body'],
    ['claim', { customer: 'a/b' }, 'customer'],
    ['claim', { customer: '\u0000' }, 'customer'],
    ['review', { decision: 'approve' }, 'by'],
    ['review', { decision: 'approve', by: 'ada', reason: 'two\nlines' }, 'reason'],
  ])('of a %s is refused: %j', (action, body, field) => {
    expect(() => readRequest(action, body)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID', field }))
  })

  it.each(['0', '-1', '1e3', '', '1234567890123456'])('for the review %j is for none', (id) => {
    expect(() => readReviewId(id)).toThrow(expect.objectContaining({ code: 'REVIEW_UNKNOWN' }))
  })
})
