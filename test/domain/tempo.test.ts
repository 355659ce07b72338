import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REAL_TEMPO, clockOf, machineSpan, shopTime } from '../../domain/tempo.ts'

const DAY = 86_400_000
const origin = Date.UTC(2026, 10, 23)
const dayASecond = { scale: 1 / 86_400, origin }

describe('tempo', () => {
  it('is the machine’s time in production', () => {
    expect(shopTime(REAL_TEMPO, origin)).toBe(origin)
    expect(machineSpan(REAL_TEMPO, DAY)).toBe(DAY)
  })

  it('makes a day a second in a demonstration', () => {
    expect(shopTime(dayASecond, origin)).toBe(origin)
    expect(shopTime(dayASecond, origin + 1000)).toBe(origin + DAY)
    expect(machineSpan(dayASecond, 7 * DAY)).toBe(7000)
  })

  it('never waits less than nothing', () => expect(machineSpan(dayASecond, -DAY)).toBe(0))

  it('reads the clock when it is asked, not when it is made', () => {
    let machine = origin
    const clock = clockOf(dayASecond, () => machine)
    machine += 2000
    expect(clock.now()).toBe(origin + 2 * DAY)
  })

  it('never wakes anybody before their time', () => {
    const scale = fc.constantFrom(1, 1 / 2, 1 / 60, 1 / 1000, 1 / 86_400)
    const passed = fc.integer({ min: 0, max: 10_000_000 })
    const ahead = fc.integer({ min: 0, max: 90 * DAY })
    fc.assert(
      fc.property(scale, passed, ahead, (scale, passed, ahead) => {
        const tempo = { scale, origin }
        const until = shopTime(tempo, origin + passed) + ahead
        return shopTime(tempo, origin + passed + machineSpan(tempo, ahead)) >= until
      }),
      { seed: 1, numRuns: 2_000 },
    )
  })

  it('never runs backwards', () => {
    const machine = fc.integer({ min: origin, max: origin + 10_000_000 })
    fc.assert(
      fc.property(machine, (now) => shopTime(dayASecond, now) <= shopTime(dayASecond, now + 1)),
      { seed: 1 },
    )
  })
})
