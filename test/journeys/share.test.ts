import { describe, expect, it } from 'vitest'
import { journeyNamed, refused, walk } from '../walk.ts'

const journey = await journeyNamed('share')
const begin = { share: 'S1' }

describe('share', () => {
  it('is off: what its plan says until an operator switches it on', () => {
    expect(journey.plan.off).toBe(true)
  })

  it('would give two points for a share, once, four a day at most', async () => {
    const { run, lines, end } = await walk(journey, { begin })
    expect([run, end.status]).toEqual(['share/C1001/S1', 'completed'])
    expect(lines.filter(({ what }) => what === 'points').map(({ text }) => text)).toEqual(['points share: 2 points'])
    expect(journey.plan.points['share']?.atMost).toEqual({ points: 4, per: 'day' })
    expect(refused(await walk(journey, { begin, arm: 'holdout' }))).toEqual(['share: HOLDOUT'])
  })
})
