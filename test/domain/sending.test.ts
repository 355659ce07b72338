import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHECKS, type MessageClass, type SendFacts, type Verdict, gate } from '../../domain/sending.ts'

const CLASSES: readonly MessageClass[] = ['marketing', 'service', 'transactional']
const NOON = Date.UTC(2026, 10, 23, 12)
const MORNING = Date.UTC(2026, 10, 24, 9)

const good: SendFacts = {
  now: NOON,
  run: 'running',
  paused: false,
  consented: true,
  suppressed: false,
  arm: 'treated',
  render: () => undefined,
  opensAt: NOON,
  recent: 0,
  cap: 4,
  address: 'ada@shop.example',
}

/** What makes each check object, and nothing else. */
const bad: Record<string, Partial<SendFacts>> = {
  'still in': { run: 'goal' },
  paused: { paused: true },
  consent: { consented: false },
  suppression: { suppressed: true },
  holdout: { arm: 'holdout' },
  words: { render: () => 'TEMPLATE_VARIABLE_MISSING' },
  'quiet hours': { opensAt: MORNING },
  'frequency cap': { recent: 4 },
  address: { address: null },
}

const said = (verdict: Verdict): string => (verdict.do === 'send' ? 'send' : `${verdict.do} ${verdict.code}`)
const titles = CHECKS.map((check) => check.title)

describe('the gate', () => {
  it('has these checks, in this order, with these answers', () => {
    const rows = titles.map((title) => {
      const answers = CLASSES.map((one) => said(gate(one, { ...good, ...bad[title] })))
      return [title.padEnd(14), ...answers.map((answer) => answer.padEnd(31))].join(' ').trimEnd()
    })
    const head = ['check'.padEnd(14), ...CLASSES.map((one) => one.padEnd(31))].join(' ').trimEnd()
    expect([head, ...rows].join('\n')).toMatchInlineSnapshot(`
      "check          marketing                       service                         transactional
      still in       skip LEFT_JOURNEY               skip LEFT_JOURNEY               skip LEFT_JOURNEY
      paused         hold PAUSED                     hold PAUSED                     hold PAUSED
      consent        skip NO_CONSENT                 send                            send
      suppression    skip SUPPRESSED                 skip SUPPRESSED                 skip SUPPRESSED
      holdout        skip HOLDOUT                    skip HOLDOUT                    send
      words          skip TEMPLATE_VARIABLE_MISSING  skip TEMPLATE_VARIABLE_MISSING  skip TEMPLATE_VARIABLE_MISSING
      quiet hours    hold QUIET_HOURS                hold QUIET_HOURS                send
      frequency cap  skip FREQUENCY_CAP              send                            send
      address        skip NO_ADDRESS                 skip NO_ADDRESS                 skip NO_ADDRESS"
    `)
  })

  it.each(CLASSES)('lets a %s message pass where nothing objects', (one) => {
    expect(gate(one, good)).toEqual({ do: 'send' })
  })

  it.each(['completed', 'goal', 'exited', 'stopped', 'failed'] as const)('sends nothing in a run that is %s', (run) => {
    for (const one of CLASSES) expect(gate(one, { ...good, run })).toEqual({ do: 'skip', code: 'LEFT_JOURNEY' })
  })

  it('holds until the quiet hours end, and until somebody resumes', () => {
    expect(gate('marketing', { ...good, opensAt: MORNING })).toEqual({
      do: 'hold',
      code: 'QUIET_HOURS',
      until: MORNING,
    })
    expect(gate('marketing', { ...good, paused: true, opensAt: MORNING })).toEqual({
      do: 'hold',
      code: 'PAUSED',
      until: null,
    })
  })

  it('allows as many messages as the cap, and not one more', () => {
    expect(gate('marketing', { ...good, recent: 3 })).toEqual({ do: 'send' })
    expect(gate('marketing', { ...good, recent: 4 })).toEqual({ do: 'skip', code: 'FREQUENCY_CAP' })
  })

  it('answers by the first check that objects, whatever else is wrong', () => {
    const wrong = fc.subarray(titles, { minLength: 1 })
    fc.assert(
      fc.property(fc.constantFrom(...CLASSES), wrong, (one, wrong) => {
        const facts = Object.assign({}, good, ...wrong.map((title) => bad[title])) as SendFacts
        const first = CHECKS.find((check) => check.does[one] !== 'pass' && wrong.includes(check.title))
        const alone = first === undefined ? good : { ...good, ...bad[first.title] }
        expect(said(gate(one, facts))).toBe(said(gate(one, alone)))
      }),
      { seed: 1, numRuns: 1_000 },
    )
  })

  it('does not render words for somebody who may not have them', () => {
    let rendered = 0
    const render = (): undefined => void rendered++
    gate('marketing', { ...good, consented: false, render })
    expect(rendered).toBe(0)
    gate('marketing', { ...good, render })
    expect(rendered).toBe(1)
  })
})
