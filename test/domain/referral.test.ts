import { describe, expect, it } from 'vitest'
import {
  type ClaimFacts,
  claimedCode,
  rungKey,
  rungsReached,
  whyNotClaim,
  whyNotWorth,
  worthOfOrder,
} from '../../domain/referral.ts'

describe('an event claims a code', () => {
  it.each([
    ['referral.claimed', { code: 'X' }, 'X'],
    ['customer.registered', { referral: 'X' }, 'X'],
    ['customer.registered', { code: 'X' }, undefined],
    ['order.paid', { code: 'X', referral: 'X' }, undefined],
    ['referral.claimed', { code: 7 }, undefined],
    ['referral.claimed', { code: 'X'.repeat(101) }, undefined],
  ])('%s %j: %s', (type, properties, code) => {
    expect(claimedCode({ type, properties })).toBe(code)
  })
})

const FINE: ClaimFacts = {
  now: 10,
  self: false,
  known: false,
  programme: {},
  code: { startsAt: 10, endsAt: 20, claims: 4, limit: 5 },
  before: undefined,
}

describe('a claim', () => {
  it.each<[string, Partial<ClaimFacts>, string | undefined]>([
    ['is taken', {}, undefined],
    ['moves before the first order', { before: 'claimed' }, undefined],
    ['of one’s own', { self: true }, 'REFERRAL_SELF'],
    ['of a known customer', { known: true }, 'REFERRAL_KNOWN_CUSTOMER'],
    ['after the first order', { before: 'pending', known: true }, 'REFERRAL_STICKY'],
    ['after a denial', { before: 'denied' }, 'REFERRAL_STICKY'],
    ['too early', { now: 9 }, 'REFERRAL_EXPIRED'],
    ['too late', { now: 20 }, 'REFERRAL_EXPIRED'],
    ['of a programme that is over', { programme: undefined }, 'REFERRAL_EXPIRED'],
    ['of a full code', { code: { ...FINE.code, claims: 5 } }, 'REFERRAL_LIMIT_REACHED'],
  ])('%s', (_what, facts, code) => {
    expect(whyNotClaim({ ...FINE, ...facts })).toBe(code)
  })
})

describe('the worth of an order', () => {
  it.each([
    [{ amount: 150_00 }, [], 150_00],
    [{ amount: 150_00, freight: 10_00 }, [], 140_00],
    [{ amount: 150_00 }, [{ amount: 20_00 }, { amount: 30_00 }], 100_00],
    [{ amount: 150_00 }, [{}], 0],
    [{ amount: 150_00 }, [{ amount: 'all' }], 0],
    [{ amount: 5 }, [{ amount: 9 }], 0],
    [{}, [], undefined],
  ])('%j less %j is %j', (paid, refunds, worth) => {
    expect(worthOfOrder(paid, refunds)).toBe(worth)
  })

  it('counts from the minimum on, and never where nothing was paid', () => {
    expect(whyNotWorth(100, 100, false)).toBeUndefined()
    expect(whyNotWorth(99, 100, false)).toBe('REFERRAL_BELOW_MINIMUM')
    expect(whyNotWorth(99, 100, true)).toBe('REFERRAL_REFUNDED')
    expect(whyNotWorth(0, 0, false)).toBe('REFERRAL_BELOW_MINIMUM')
  })
})

it('a rung has one key for ever, and the next number where it is reached anew', () => {
  const of = { campaign: 'reward', advocate: 'A', rung: 3 }
  expect([rungKey({ ...of, nth: 1 }), rungKey({ ...of, nth: 2 })]).toEqual(['ladder/reward/A/3', 'ladder/reward/A/3#2'])
  const ladder = [1, 3, 5].map((rung) => ({ rung, reward: 'x' }))
  expect(rungsReached(ladder, 4).map(({ rung }) => rung)).toEqual([1, 3])
})
