import { describe, expect, it } from 'vitest'
import { readProgramme } from '../../domain/contracts/programme.ts'
import { PROGRAMMES } from '../../domain/programmes.ts'
import {
  type Counting,
  countedAt,
  isNear,
  lastingFrom,
  levelAt,
  rankAfterTerm,
  rankFor,
  rankUnder,
  tierFacts,
} from '../../domain/tier.ts'
import type { Term } from '../../domain/calendar.ts'
import { programme } from '../store/given-tiers.ts'

const SHANGHAI = 'Asia/Shanghai'
const BERLIN = 'Europe/Berlin'
const iso = (instant: number): string => new Date(instant).toISOString()
const end = (term: Term, from: string, zone = 'UTC', follows = false, graceDays = 0): string => {
  const { end: over, due } = lastingFrom({ term, graceDays }, { from: Date.parse(from), zone, follows })
  return graceDays === 0 ? iso(over) : iso(due)
}

describe('a level', () => {
  it('is the highest that the growth value carries', () => {
    expect([0, 99, 100, 999, 1_000, 5_000].map((growth) => rankFor(programme(), growth))).toEqual([0, 0, 1, 1, 2, 2])
  })

  it('of an earlier version is found by its word, else by what it took', () => {
    expect(rankUnder(programme(), { id: 'mid', from: 5_000 })).toBe(1)
    expect(rankUnder(programme(), { id: 'gone', from: 700 })).toBe(1)
    expect(() => levelAt(programme(), 3)).toThrow('none of rank 3')
  })

  it('after a term is kept, one lower, or what the growth value carries', () => {
    const levels = (growth: number): number[] =>
      (['one-down', 'balance-based'] as const).map((downgrade) => rankAfterTerm(programme({ downgrade }), 2, growth))
    expect([levels(1_000), levels(999), levels(99), levels(9_999)]).toEqual([
      [2, 2],
      [1, 1],
      [1, 0],
      [2, 2],
    ])
  })

  it('is almost reached in the band, edges included', () => {
    const next = levelAt(programme(), 2)
    expect([799, 800, 900, 901].map((growth) => isNear(programme(), growth, next))).toEqual([false, true, true, false])
  })
})

describe('a term', () => {
  it.each<[Term, string, string, string]>([
    [{ months: 12 }, '2026-11-23T12:00:00Z', 'UTC', '2027-11-24T00:00:00.000Z'],
    // 29 February ends with the 28th.
    [{ months: 12 }, '2028-02-29T12:00:00Z', 'UTC', '2029-03-01T00:00:00.000Z'],
    [{ months: 1 }, '2027-01-31T12:00:00Z', 'UTC', '2027-03-01T00:00:00.000Z'],
    [{ days: 365 }, '2026-11-23T12:00:00Z', SHANGHAI, '2027-11-23T16:00:00.000Z'],
    // Late in the evening in London is the next day in Shanghai.
    [{ days: 1 }, '2026-11-23T20:00:00Z', SHANGHAI, '2026-11-25T16:00:00.000Z'],
    [{ calendarYears: 1 }, '2026-12-31T20:00:00Z', SHANGHAI, '2027-12-31T16:00:00.000Z'],
    [{ calendarYears: 1 }, '2026-12-31T20:00:00Z', 'UTC', '2027-01-01T00:00:00.000Z'],
    [{ calendarYears: 2 }, '2026-03-01T12:00:00Z', BERLIN, '2027-12-31T23:00:00.000Z'],
    // Over both clock changes.
    [{ days: 127 }, '2026-11-23T12:00:00Z', BERLIN, '2027-03-30T22:00:00.000Z'],
  ])('of %j from %s in %s ends at the end of its last day, %s', (term, from, zone, expected) => {
    expect(end(term, from, zone)).toBe(expected)
  })

  it.each<[Term, string, string, string]>([
    [{ months: 12 }, '2027-11-24T00:00:00Z', 'UTC', '2028-11-24T00:00:00.000Z'],
    [{ months: 12 }, '2029-03-01T00:00:00Z', 'UTC', '2030-03-01T00:00:00.000Z'],
    [{ days: 30 }, '2027-03-27T23:00:00Z', BERLIN, '2027-04-26T22:00:00.000Z'],
    [{ calendarYears: 1 }, '2027-12-31T16:00:00Z', SHANGHAI, '2028-12-31T16:00:00.000Z'],
    // Moved to London since: the old midnight is still 2027 there.
    [{ calendarYears: 1 }, '2027-12-31T16:00:00Z', 'UTC', '2029-01-01T00:00:00.000Z'],
  ])('of %j that follows the one which ended at %s in %s ends at %s', (term, from, zone, expected) => {
    expect(end(term, from, zone, true)).toBe(expected)
  })

  it('has its days of grace after it, to the end of the last', () => {
    expect(end({ months: 12 }, '2026-11-23T12:00:00Z', SHANGHAI, false, 7)).toBe('2027-11-30T16:00:00.000Z')
  })
})

describe('what counts', () => {
  const at = Date.parse('2027-01-01T01:00:00Z')
  const joined = Date.parse('2026-05-05T00:00:00Z')
  const opened = { since: joined, after: 17 }
  const counted = (window: Counting, zone: string): string => {
    const { since, after } = countedAt({ window }, { at, zone, joined, opened })
    return `${iso(since)} after ${after}`
  }
  it.each<[Counting, string, string]>([
    ['calendar-year', 'UTC', '2027-01-01T00:00:00.000Z after 0'],
    ['calendar-year', SHANGHAI, '2026-12-31T16:00:00.000Z after 0'],
    ['calendar-year', 'America/New_York', '2026-01-01T05:00:00.000Z after 0'],
    [{ days: 365 }, 'UTC', '2026-01-02T00:00:00.000Z after 0'],
    [{ days: 365 }, 'America/New_York', '2026-01-01T05:00:00.000Z after 0'],
    ['join', 'UTC', '2026-05-05T00:00:00.000Z after 0'],
    ['tier-start', 'UTC', '2026-05-05T00:00:00.000Z after 17'],
  ])('by %j in %s begins at %s', (window, zone, expected) => {
    expect(counted(window, zone)).toBe(expected)
  })
})

describe('how a customer stands', () => {
  const now = Date.parse('2026-11-23T12:00:00Z')
  const keeping = { growth: 40, end: Date.parse('2026-12-23T16:00:00Z') }
  const facts = (rank: number, growth: number, zone = SHANGHAI) =>
    tierFacts({
      programme: programme(),
      level: levelAt(programme(), rank),
      growth,
      keeping: rank ? keeping : null,
      now,
      zone,
    })

  it('says what is missing, and until when on their own calendar', () => {
    expect(facts(1, 300)).toEqual({
      level: 'mid',
      title: 'Middle',
      discount: 2,
      multiplier: 1.5,
      services: [],
      growth: 300,
      next: { level: 'top', title: 'Top', needed: 700 },
      keep: { needed: 60, until: '2026-12-23', daysLeft: 30 },
    })
  })

  it('has nothing to keep on the lowest level, and none above the highest', () => {
    expect(facts(0, 20)).toMatchObject({ discount: 0, multiplier: 1, next: { needed: 80 }, keep: null })
    expect(facts(2, 5_000)).toMatchObject({ next: null, services: ['Tea'] })
  })
})

describe('a programme', () => {
  it.each(Object.entries(PROGRAMMES))('that comes with the house is one: %s', (_name, one) => {
    expect(readProgramme(structuredClone(one))).toEqual(one)
    expect([3, 5]).toContain(one.levels.length)
  })

  const [base, mid] = programme().levels
  it.each<[object, string]>([
    [{ levels: [base] }, 'levels'],
    [{ levels: [{ ...base, from: 1 }, mid] }, 'levels.0.from'],
    [{ levels: [base, mid, { ...mid, id: 'other' }] }, 'levels.2.from'],
    [{ levels: [base, { ...mid, id: 'base' }] }, 'levels.1.id'],
    [{ levels: [base, { ...mid, id: 'Mid' }] }, 'levels.1.id'],
    [{ levels: [base, { ...mid, gift: { valid: '3 days' } }] }, 'levels.1.gift'],
    [{ levels: [base, { ...mid, gift: { offer: 'x', valid: 'soon' } }] }, 'levels.1.gift.valid'],
    [{ levels: [base, { ...mid, multiplier: 0.5 }] }, 'levels.1.multiplier'],
    [{ window: 'ever' }, 'window'],
    [{ term: { years: 1 } }, 'term'],
    [{ nearMiss: { from: 90, to: 80 } }, 'nearMiss'],
    [{ extra: true }, 'programme'],
  ])('with %j is refused at %s', (change, field) => {
    const code = 'PROGRAMME_INVALID'
    expect(() => readProgramme({ ...programme(), ...change })).toThrow(expect.objectContaining({ code, field }))
  })
})
