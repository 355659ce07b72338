import { describe, expect, it } from 'vitest'
import { journeyNamed, refused, walk } from '../walk.ts'

const journey = await journeyNamed('check-in')
const begin = { day: '2026-11-23' }

const points = (lines: Awaited<ReturnType<typeof walk>>['lines']): string[] =>
  lines.filter(({ what }) => what === 'points').map(({ text }) => text)

describe('check-in', () => {
  it('gives five points for the day at once, and is over', async () => {
    const { run, lines, end } = await walk(journey, { begin })
    expect([run, points(lines), end.status]).toEqual([
      'check-in/C1001/2026-11-23',
      ['points check-in: 5 points'],
      'completed',
    ])
  })

  it('is a run for each day, and never two for one', async () => {
    const events = ['2026-11-23', '2026-11-24'].map((day) => ({
      type: 'customer.checked-in',
      after: '1 day' as const,
      properties: { day },
    }))
    const { lines } = await walk(journey, {
      begin,
      events: [...events, { type: 'customer.checked-in', after: '2 days' }],
    })
    expect(
      lines.filter(({ what }) => what === 'event').map(({ text }) => text.split(': ').slice(1).join(': ')),
    ).toEqual(['no entry: ALREADY_ENTERED', 'begins another run, 2026-11-24', 'no entry: OCCASION_MISSING'])
  })

  it('asks no consent, as nothing is sent, and gives nothing to the control arm', async () => {
    const { lines } = await walk(journey, { begin, customer: { consent: false } })
    expect(points(lines)).toHaveLength(1)
    expect(refused(await walk(journey, { begin, arm: 'holdout' }))).toEqual(['check-in: HOLDOUT'])
  })

  it('says its cap in the rule', () => {
    expect(journey.plan.points['check-in']?.atMost).toEqual({ points: 5, per: 'day' })
  })
})
