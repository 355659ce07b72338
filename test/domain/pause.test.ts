import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Pause, type Rest, afterPauses, dueAfter, previewResume } from '../../domain/pause.ts'

const pauseOf = (
  from: number,
  to: number | null,
  rule: Pause['rule'] = 'shift',
  stale: number | null = null,
): Pause => ({
  from,
  to,
  rule: to === null ? null : rule,
  stale,
})

/** Pauses one after another, from 0 on, as gaps and lengths. */
const pauses = (rule: fc.Arbitrary<Pause['rule']>): fc.Arbitrary<Pause[]> =>
  fc
    .array(fc.record({ gap: fc.integer({ min: 0, max: 50 }), lasts: fc.integer({ min: 0, max: 50 }), rule }), {
      maxLength: 6,
    })
    .map((drawn) => {
      let now = 0
      return drawn.map((one) => {
        const from = now + one.gap
        now = from + one.lasts
        return pauseOf(from, now, one.rule, one.rule === 'skip' ? 10 : null)
      })
    })
const shifts = pauses(fc.constant('shift'))
const any = pauses(fc.constantFrom('fire', 'shift', 'skip'))
const rest: fc.Arbitrary<Rest> = fc
  .record({ since: fc.integer({ min: 0, max: 300 }), lasts: fc.integer({ min: 0, max: 100 }) })
  .map(({ since, lasts }) => ({ since, due: since + lasts }))

/** Of the ticks in [from, to) those in which no pause is on: counted one by one, which the rule does not do. */
const unpaused = (from: number, to: number, all: readonly Pause[]): number =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index).filter(
    (tick) => !all.some((one) => one.from <= tick && (one.to === null || tick < one.to)),
  ).length

describe('shift', () => {
  it('lets a wait last as long as its plan says, the pauses not counted', () => {
    fc.assert(
      fc.property(rest, shifts, (one, all) => {
        const due = dueAfter(one, all)
        expect(unpaused(one.since, due, all)).toBe(one.due - one.since)
      }),
    )
  })

  it('keeps the order of what was due, and makes nothing earlier', () => {
    fc.assert(
      fc.property(rest, fc.nat(50), shifts, (one, later, all) => {
        expect(dueAfter(one, all)).toBeGreaterThanOrEqual(one.due)
        expect(dueAfter({ ...one, due: one.due + later }, all)).toBeGreaterThanOrEqual(dueAfter(one, all))
      }),
    )
  })

  it('comes to the same however often a story asks on the way', () => {
    fc.assert(
      fc.property(rest, fc.nat(100), shifts, (one, when, all) => {
        const now = one.since + when
        if (now > one.due || all.some(({ from, to }) => from <= now && to !== null && now < to)) return
        const known = all.filter(({ to }) => to !== null && to <= now)
        const halfway = { since: now, due: dueAfter(one, known), moved: true } as const
        expect(dueAfter(halfway, all)).toBe(dueAfter(one, all))
      }),
    )
  })
})

describe('fire and skip', () => {
  it('move no wait', () => {
    fc.assert(
      fc.property(rest, pauses(fc.constantFrom('fire', 'skip')), (one, all) => {
        expect(dueAfter(one, all)).toBe(one.due)
      }),
    )
  })

  it('leave out what was due longer before the resume than may be, to the millisecond', () => {
    const skip = pauseOf(100, 200, 'skip', 50)
    const at = (due: number): unknown => afterPauses({ since: 0, due }, [skip], 200)
    expect(at(149)).toEqual({ is: 'over', stale: true })
    expect(at(150)).toEqual({ is: 'over', stale: false })
    expect(afterPauses({ since: 0, due: 120 }, [pauseOf(100, 200, 'fire')], 200)).toEqual({ is: 'over', stale: false })
  })

  it('say nothing of a pause that was over before the story began to rest', () => {
    expect(afterPauses({ since: 200, due: 200 }, [pauseOf(100, 200, 'skip', 0)], 300)).toEqual({
      is: 'over',
      stale: false,
    })
  })
})

describe('a story that asks', () => {
  it('is held while a pause lasts, whatever its rule will be, and never longer than its wait was moved', () => {
    fc.assert(
      fc.property(rest, any, fc.nat(400), (one, all, later) => {
        const now = one.due + later
        const told = all
          .filter(({ from }) => from <= now)
          .map((p) => (p.to !== null && p.to <= now ? p : pauseOf(p.from, null)))
        const after = afterPauses(one, told, now)
        if (told.some(({ to }) => to === null)) expect(after).toEqual({ is: 'held', until: null })
        else if (dueAfter(one, told) > now) expect(after).toEqual({ is: 'held', until: dueAfter(one, told) })
        else expect(after.is).toBe('over')
      }),
    )
  })

  it('rests on where it asks early after its wait was moved, and only then', () => {
    expect(afterPauses({ since: 0, due: 10, moved: true }, [], 5)).toEqual({ is: 'held', until: 10 })
    expect(afterPauses({ since: 0, due: 10 }, [], 5)).toEqual({ is: 'over', stale: false })
  })
})

it('previews a resume by step, the fullest first', () => {
  const holds = [
    { step: 'send last', due: 10 },
    { step: 'send welcome', due: 90 },
    { step: 'send welcome', due: 20 },
  ]
  const asked = { now: 100, rule: 'skip', stale: 50 } as const
  expect(previewResume(holds, asked)).toEqual([
    { step: 'send welcome', runs: 2, stale: 1 },
    { step: 'send last', runs: 1, stale: 1 },
  ])
  expect(previewResume(holds, { ...asked, rule: 'fire', stale: null }).map((one) => one.stale)).toEqual([0, 0])
})
