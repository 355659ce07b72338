import { describe, expect, it } from 'vitest'
import { journeyNamed, refused, walk } from '../walk.ts'

const journey = await journeyNamed('review')
const begin = { review: 'O17-tea-1', order: 'O17' }

describe('review', () => {
  it('gives twenty points for a review at once, and is over', async () => {
    const { run, lines, end } = await walk(journey, { begin })
    expect([run, end.status]).toEqual(['review/C1001/O17-tea-1', 'completed'])
    expect(lines.filter(({ what }) => what === 'points').map(({ text }) => text)).toEqual(['points review: 20 points'])
  })

  it('is once a review, however often it is published', async () => {
    const events = [
      { type: 'review.published', after: '1 day', properties: begin },
      { type: 'review.published', after: '2 days', properties: { review: 'O17-cup-4', order: 'O17' } },
    ] as const
    const { lines } = await walk(journey, { begin, events })
    expect(lines.filter(({ what }) => what === 'event').map(({ text }) => text)).toEqual([
      'event review.published: no entry: ALREADY_ENTERED',
      'event review.published: begins another run, O17-cup-4',
    ])
  })

  it('gives nothing to the control arm', async () => {
    expect(refused(await walk(journey, { begin, arm: 'holdout' }))).toEqual(['review: HOLDOUT'])
  })

  it('says its caps in the rule', () => {
    expect(journey.plan.points['review']?.atMost).toEqual([
      { points: 60, per: 'order' },
      { points: 100, per: 'day' },
    ])
  })
})
