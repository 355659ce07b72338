import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CHECKS,
  type ChannelFacts,
  type MessageClass,
  type SendFacts,
  type Verdict,
  gate,
} from '../../domain/sending.ts'

const CLASSES: readonly MessageClass[] = ['marketing', 'service', 'transactional']
const NOON = Date.UTC(2026, 10, 23, 12)
const MORNING = Date.UTC(2026, 10, 24, 9)

const mail: ChannelFacts = {
  name: 'email',
  consented: true,
  suppressed: false,
  address: 'ada@shop.example',
  ready: true,
  carries: true,
  render: () => undefined,
  wording: () => undefined,
  contest: () => ({ is: 'go' }),
  affords: () => true,
}
const good: SendFacts = { now: NOON, run: 'running', paused: false, arm: 'treated', opensAt: NOON, channels: [mail] }

const by = (...channels: [Partial<ChannelFacts>, ...Partial<ChannelFacts>[]]): Pick<SendFacts, 'channels'> => {
  const [first, ...others] = channels
  return { channels: [{ ...mail, ...first }, ...others.map((one) => ({ ...mail, ...one }))] }
}

/** What makes each check object, and nothing else: of the run, or of a channel. */
const OF_RUN: Record<string, Partial<SendFacts>> = {
  'still in': { run: 'goal' },
  'still news': { until: NOON },
  'had before': { had: true },
  paused: { paused: true },
  'wait lengthened': { restsUntil: MORNING },
  stale: { stale: true },
  'quiet hours': { opensAt: MORNING },
  holdout: { arm: 'holdout' },
}
const OF_CHANNEL: Record<string, Partial<ChannelFacts>> = {
  consent: { consented: false },
  suppression: { suppressed: true },
  words: { render: () => 'TEMPLATE_VARIABLE_MISSING' },
  'wording: forbidden': { wording: () => 'block' },
  'wording: to be approved': { wording: () => 'review' },
  'frequency cap': { contest: () => ({ is: 'full' }) },
  auction: { contest: () => ({ is: 'wait', since: NOON, until: NOON + 60_000 }) },
  budget: { affords: () => false },
  'channel: may carry it': { carries: false },
  'channel: is set up': { ready: false },
  'channel: address': { address: null },
}

/** The facts with some things wrong; a later one of a channel does not hide an earlier one that another function tells. */
function wrong(titles: readonly string[]): SendFacts {
  const run = Object.assign({}, good, ...titles.map((title) => OF_RUN[title] ?? {})) as SendFacts
  const channel = Object.assign({}, ...titles.toReversed().map((title) => OF_CHANNEL[title] ?? {})) as ChannelFacts
  return { ...run, ...by(channel) }
}

const said = (verdict: Verdict): string => (verdict.do === 'send' ? 'send' : `${verdict.do} ${verdict.code}`)
const titles = CHECKS.map((check) => check.title)

describe('the gate', () => {
  it('has these checks, in this order, with these answers', () => {
    const rows = titles.map((title) => {
      const answers = CLASSES.map((one) => said(gate(one, wrong([title]))))
      return [title.padEnd(23), ...answers.map((answer) => answer.padEnd(31))].join(' ').trimEnd()
    })
    const head = ['check'.padEnd(23), ...CLASSES.map((one) => one.padEnd(31))].join(' ').trimEnd()
    expect([head, ...rows].join('\n')).toMatchInlineSnapshot(`
      "check                   marketing                       service                         transactional
      still in                skip LEFT_JOURNEY               skip LEFT_JOURNEY               skip LEFT_JOURNEY
      still news              skip NEWS_OVER                  skip NEWS_OVER                  skip NEWS_OVER
      had before              skip HAD_BEFORE                 skip HAD_BEFORE                 skip HAD_BEFORE
      paused                  hold PAUSED                     hold PAUSED                     hold PAUSED
      wait lengthened         hold WAIT_SHIFTED               hold WAIT_SHIFTED               hold WAIT_SHIFTED
      stale                   skip STALE_SKIPPED              skip STALE_SKIPPED              send
      consent                 skip NO_CONSENT                 send                            send
      suppression             skip SUPPRESSED                 skip SUPPRESSED                 skip SUPPRESSED
      words                   skip TEMPLATE_VARIABLE_MISSING  skip TEMPLATE_VARIABLE_MISSING  skip TEMPLATE_VARIABLE_MISSING
      wording: forbidden      skip WORDING_BLOCKED            skip WORDING_BLOCKED            send
      wording: to be approved hold WORDING_REVIEW             hold WORDING_REVIEW             send
      quiet hours             hold QUIET_HOURS                hold QUIET_HOURS                send
      frequency cap           skip FREQUENCY_CAP              send                            send
      auction                 hold AUCTION                    send                            send
      budget                  skip BUDGET_EXHAUSTED           skip BUDGET_EXHAUSTED           send
      channel: may carry it   skip CHANNEL_UNFIT              skip CHANNEL_UNFIT              skip CHANNEL_UNFIT
      channel: is set up      skip CHANNEL_NOT_READY          skip CHANNEL_NOT_READY          skip CHANNEL_NOT_READY
      channel: address        skip NO_ADDRESS                 skip NO_ADDRESS                 skip NO_ADDRESS
      holdout                 skip HOLDOUT                    skip HOLDOUT                    send"
    `)
  })

  it.each(CLASSES)('lets a %s message pass where nothing objects', (one) => {
    expect(gate(one, good)).toEqual({ do: 'send', channel: 'email', passed: [], exposed: true })
  })

  it.each(['completed', 'goal', 'exited', 'stopped', 'failed'] as const)('sends nothing in a run that is %s', (run) => {
    for (const one of CLASSES) expect(said(gate(one, { ...good, run }))).toBe('skip LEFT_JOURNEY')
  })

  it('holds until the quiet hours end, and until somebody resumes', () => {
    const night = { ...good, opensAt: MORNING }
    expect(gate('marketing', night)).toMatchObject({ do: 'hold', code: 'QUIET_HOURS', until: MORNING })
    expect(gate('marketing', { ...night, paused: true })).toMatchObject({ do: 'hold', code: 'PAUSED', until: null })
  })

  it('answers by the first check that objects, whatever else is wrong', () => {
    const some = fc.subarray(titles, { minLength: 1 }).filter((all) => {
      // Two that one function tells cannot be wrong at once, and the control arm is not asked for words.
      const apart = (...of: string[]): boolean => of.filter((title) => all.includes(title)).length < 2
      return (
        apart('wording: forbidden', 'wording: to be approved') &&
        apart('frequency cap', 'auction') &&
        !all.includes('holdout')
      )
    })
    fc.assert(
      fc.property(fc.constantFrom(...CLASSES), some, (one, all) => {
        const first = CHECKS.find((check) => check.does[one] !== 'pass' && all.includes(check.title))
        expect(said(gate(one, wrong(all)))).toBe(first === undefined ? 'send' : said(gate(one, wrong([first.title]))))
      }),
      { seed: 1, numRuns: 1_000 },
    )
  })

  it('does not render words for somebody who may not have them', () => {
    let rendered = 0
    const render = (): undefined => void rendered++
    gate('marketing', { ...good, ...by({ consented: false, render }) })
    expect(rendered).toBe(0)
    gate('marketing', { ...good, ...by({ render }) })
    expect(rendered).toBe(1)
  })
})

describe('of several channels', () => {
  it('the best that nothing objects to is taken, and why the others were passed over is told', () => {
    const facts = by({ name: 'push', address: null }, { name: 'sms', consented: false }, {})
    expect(gate('marketing', { ...good, ...facts })).toEqual({
      do: 'send',
      channel: 'email',
      passed: [
        { channel: 'sms', code: 'NO_CONSENT' },
        { channel: 'push', code: 'NO_ADDRESS' },
      ],
      exposed: true,
    })
  })

  it('the check that leaves none decides, by the best of those it was asked about', () => {
    const facts = by({ name: 'push', consented: false }, { name: 'sms', suppressed: true }, { address: null })
    expect(gate('marketing', { ...good, ...facts })).toMatchObject({
      do: 'skip',
      code: 'NO_ADDRESS',
      channel: 'email',
      passed: [
        { channel: 'push', code: 'NO_CONSENT' },
        { channel: 'sms', code: 'SUPPRESSED' },
      ],
    })
    expect(gate('transactional', { ...good, ...facts })).toMatchObject({ do: 'send', channel: 'push' })
  })

  it('a cap of one channel leaves the others', () => {
    const facts = by({ name: 'sms', contest: () => ({ is: 'full' }) }, {})
    expect(gate('marketing', { ...good, ...facts })).toMatchObject({ do: 'send', channel: 'email' })
  })
})

describe('who is exposed', () => {
  const control = (facts: Partial<SendFacts>): Verdict => gate('marketing', { ...good, ...facts, arm: 'holdout' })
  const treated = (facts: Partial<SendFacts>): Verdict => gate('marketing', { ...good, ...facts })

  it.each(titles.filter((title) => title !== 'holdout' && !title.startsWith('word')))(
    'is the same in both arms where %s objects, and so is the reason',
    (title) => {
      expect(said(control(wrong([title])))).toBe(said(treated(wrong([title]))))
      expect(control(wrong([title])).exposed).toBe(false)
      expect(treated(wrong([title])).exposed).toBe(false)
    },
  )

  it.each(titles.filter((title) => title.startsWith('word')))('is both arms where %s objects', (title) => {
    expect(said(control(wrong([title])))).toBe('skip HOLDOUT')
    expect(control(wrong([title])).exposed).toBe(true)
    expect(treated(wrong([title])).exposed).toBe(true)
    expect(treated({ ...wrong([title]), run: 'goal' }).exposed).toBe(false)
  })

  it('is whom nothing else keeps from it', () => {
    expect(control({})).toMatchObject({ do: 'skip', code: 'HOLDOUT', exposed: true })
    expect(treated({})).toMatchObject({ do: 'send', exposed: true })
  })
})
