import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bid, type CapRule, type Contender, type PastMessage, contest } from '../../domain/pressure.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const DAY = 86_400_000
const WINDOW = 60_000

const one: CapRule = { messages: 1, windowMs: DAY, counts: ['marketing'] }
const me = (more: Partial<Contender> = {}): Contender => ({
  key: 'me',
  priority: 0,
  channel: 'email',
  tags: [],
  bid: null,
  ...more,
})
const past = (more: Partial<PastMessage> = {}): PastMessage => ({
  at: NOW - 1,
  channel: 'email',
  tags: [],
  class: 'marketing',
  ...more,
})
const rival = (more: Partial<Bid> = {}): Bid => ({
  key: 'rival',
  priority: 5,
  channel: 'email',
  tags: [],
  at: NOW,
  until: NOW + WINDOW,
  ...more,
})
const ask = (who: Contender, facts: Partial<Parameters<typeof contest>[1]> = {}) =>
  contest(who, { rules: [one], past: [], rivals: [], highest: 0, windowMs: WINDOW, now: NOW, ...facts })

describe('caps', () => {
  it('count a message for the window to the millisecond', () => {
    expect(ask(me(), { past: [past({ at: NOW - DAY + 1 })] })).toEqual({ is: 'full' })
    expect(ask(me(), { past: [past({ at: NOW - DAY })] })).toEqual({ is: 'go' })
  })

  it('all bind: room under one is not enough', () => {
    const rules: CapRule[] = [{ ...one, messages: 3, windowMs: 7 * DAY }, one]
    expect(ask(me(), { rules, past: [past({ at: NOW - 2 * DAY }), past({ at: NOW - 3 * DAY })] })).toEqual({ is: 'go' })
    expect(ask(me(), { rules, past: [past()] })).toEqual({ is: 'full' })
    const three = [2, 3, 4].map((days) => past({ at: NOW - days * DAY }))
    expect(ask(me(), { rules, past: three })).toEqual({ is: 'full' })
  })

  it.each([
    [{ channel: 'sms' } as const, { channel: 'sms' } as const],
    [{ tag: 'promotion' }, { tags: ['news', 'promotion'] }],
  ])('of %j bind and count only what is of it', (scope, load) => {
    const rules = [{ ...one, ...scope }]
    expect(ask(me(), { rules, past: [past(load)] })).toEqual({ is: 'go' })
    expect(ask(me(load), { rules, past: [past()] })).toEqual({ is: 'go' })
    expect(ask(me(load), { rules, past: [past(load)] })).toEqual({ is: 'full' })
  })

  it('count the classes they name', () => {
    const service = [past({ class: 'service' })]
    expect(ask(me(), { past: service })).toEqual({ is: 'go' })
    expect(ask(me(), { rules: [{ ...one, counts: ['marketing', 'service'] }], past: service })).toEqual({ is: 'full' })
  })

  it('without a rule let everything pass', () => {
    expect(ask(me(), { rules: [], highest: 9, past: [past()] })).toEqual({ is: 'go' })
  })
})

describe('the auction', () => {
  const bid = { at: NOW - WINDOW, until: NOW }

  it('is for the last place alone, and only where somebody ranks higher', () => {
    expect(ask(me(), { highest: 5 })).toEqual({ is: 'wait', since: NOW, until: NOW + WINDOW })
    expect(ask(me({ priority: 5 }), { highest: 5 })).toEqual({ is: 'go' })
    expect(ask(me(), { highest: 5, rules: [{ ...one, messages: 2 }] })).toEqual({ is: 'go' })
    expect(ask(me(), { highest: 5, windowMs: 0 })).toEqual({ is: 'go' })
  })

  it('ends for all at the same time', () => {
    const open = rival({ priority: 1, until: NOW + 10 })
    expect(ask(me(), { highest: 5, rivals: [open] })).toEqual({ is: 'wait', since: NOW, until: NOW + 10 })
  })

  it('the best goes, and the others wait once more in case it does not', () => {
    const better = rival({ at: NOW - 1, until: NOW })
    expect(ask(me({ bid }), { highest: 9, rivals: [better] })).toEqual({
      is: 'wait',
      since: bid.at,
      until: NOW + WINDOW,
    })
    expect(ask(me({ bid, priority: 6 }), { highest: 9, rivals: [better] })).toEqual({ is: 'go' })
    expect(ask(me({ bid }), { highest: 9, past: [past()] })).toEqual({ is: 'outranked' })
    const later = NOW + WINDOW
    expect(ask(me({ bid }), { highest: 9, rivals: [better], now: later })).toEqual({ is: 'go' })
  })

  it('of equals the first goes, by the key where they came at once', () => {
    expect(ask(me({ bid }), { highest: 9, rivals: [rival({ priority: 0, at: bid.at - 1, until: NOW })] }).is).toBe(
      'wait',
    )
    expect(ask(me({ bid }), { highest: 9, rivals: [rival({ priority: 0, at: bid.at + 1, until: NOW })] }).is).toBe('go')
    expect(
      ask(me({ bid }), { highest: 9, rivals: [rival({ priority: 0, key: 'a', at: bid.at, until: NOW })] }).is,
    ).toBe('wait')
    expect(
      ask(me({ bid }), { highest: 9, rivals: [rival({ priority: 0, key: 'z', at: bid.at, until: NOW })] }).is,
    ).toBe('go')
  })

  it('a rival under another cap takes nothing away', () => {
    const rules = [{ ...one, channel: 'sms' as const }]
    const sms = me({ bid, channel: 'sms' })
    expect(ask(sms, { rules, highest: 9, rivals: [rival({ until: NOW })] })).toEqual({ is: 'go' })
  })

  it('in any order of asking fills the cap, with the best of those who asked in time, and loses nobody', () => {
    const asker = fc.record({
      priority: fc.integer({ min: 0, max: 3 }),
      at: fc.integer({ min: 0, max: WINDOW - 1 }),
      late: fc.integer({ min: 0, max: WINDOW / 2 }),
    })
    fc.assert(
      fc.property(fc.array(asker, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 3 }), (askers, room) => {
        const sent = play(askers, room)
        expect(sent).toHaveLength(Math.min(room, askers.length))
        const left = askers.map((_, i) => i).filter((i) => !sent.includes(i))
        // Those who got one of the places that were contested rank at least as high as all who got none.
        const last = sent.at(-1) ?? 0
        for (const loser of left) {
          if (room === 1) expect(askers[last]?.priority).toBeGreaterThanOrEqual(askers[loser]?.priority ?? 0)
        }
      }),
      { seed: 2, numRuns: 2_000 },
    )
  })
})

/** Plays messages that ask at a time and come back when told, some ms late; answers who went, in order. */
function play(askers: readonly { priority: number; at: number; late: number }[], room: number): number[] {
  const rules = [{ ...one, messages: room }]
  const bids = new Map<number, Bid>()
  const gone: PastMessage[] = []
  const sent: number[] = []
  const queue = askers.map(({ at }, who) => ({ at: NOW + at, who }))
  for (let turn = 0; queue.length > 0; turn++) {
    if (turn > 100) throw new Error('somebody waits for ever')
    queue.sort((a, b) => a.at - b.at || a.who - b.who)
    const next = queue.shift() ?? { at: 0, who: 0 }
    const { priority, late } = askers[next.who] ?? { priority: 0, late: 0 }
    const own = bids.get(next.who)
    const rivals = [...bids].filter(([who]) => who !== next.who).map(([, bid]) => bid)
    const asking = me({ key: `k${next.who}`, priority, bid: own ? { at: own.at, until: own.until } : null })
    const answer = ask(asking, { rules, past: gone, rivals, highest: 3, now: next.at })
    bids.delete(next.who)
    if (answer.is === 'go') {
      gone.push(past({ at: next.at }))
      sent.push(next.who)
    }
    if (answer.is !== 'wait') continue
    const until = own?.until ?? answer.until
    bids.set(next.who, rival({ key: `k${next.who}`, priority, at: answer.since, until }))
    queue.push({ at: answer.until + late, who: next.who })
  }
  return sent
}
