import { describe, expect, it } from 'vitest'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const reactivation = await journeyNamed('reactivation')
const begin = { topic: 'marketing' }
const customer = { consent: false, withdrawnFor: 'silence' }
const confirmed = { type: 'consent.confirmed', after: '2 days', properties: begin } as const

describe('reactivation', () => {
  it('asks once, and says welcome to whom confirms within seven days', async () => {
    const timeline = await walk(reactivation, { begin, customer, events: [confirmed] })
    expect([sent(timeline), sentAfter(timeline, 'welcome')]).toEqual([['ask', 'welcome'], '2 days'])
    expect(timeline.lines.find(({ name }) => name === 'ask')?.words?.text).toContain('https://shop.example/c/sample')
  })

  it('says nothing more to whom does not', async () => {
    const silent = await walk(reactivation, { begin, customer })
    expect([sent(silent), silent.lines.at(-1)?.after]).toEqual([['ask'], '7 days'])
    const late = await walk(reactivation, { begin, customer, events: [{ ...confirmed, after: '8 days' }] })
    expect(sent(late)).toEqual(['ask'])
    const other = { ...confirmed, properties: { topic: 'news' } }
    expect(sent(await walk(reactivation, { begin, customer, events: [other] }))).toEqual(['ask'])
  })

  it.each([
    ['agrees already', { consent: true }, 'CONSENT_GIVEN'],
    ['said no themselves, or never agreed', { consent: false }, 'NO_CONSENT'],
  ])('asks nobody who %s', async (_what, who, code) => {
    const timeline = await walk(reactivation, { begin, customer: who })
    expect([sent(timeline), refused(timeline)]).toEqual([[], [`consent to marketing: ${code}`]])
  })

  it('asks at most once in 180 days, and begins for the topic of its mails alone', async () => {
    const again = { type: 'silence.broken', after: '100 days', properties: begin } as const
    const events = [
      again,
      { ...again, after: '181 days' } as const,
      { ...again, after: '182 days', properties: { topic: 'news' } } as const,
    ]
    const { lines } = await walk(reactivation, { begin, customer, events })
    expect(
      lines.filter(({ what }) => what === 'event').map(({ text }) => text.replace('event silence.broken: ', '')),
    ).toEqual(['no entry: REENTRY_TOO_SOON', 'begins another run, 2', 'kept, nothing waits for it'])
  })

  it('asks a day late at most: their visit is what it answers', async () => {
    const paused = { after: 0, for: '2 days' } as const
    const timeline = await walk(reactivation, { begin, customer, paused })
    expect(sent(timeline)).not.toContain('welcome')
  })

  it('goes out at night, as an answer does, and in Chinese', async () => {
    const night = { begin, customer: { ...customer, locale: 'zh-CN' }, start: Date.UTC(2026, 10, 23, 23) }
    expect(formatTimeline(await walk(reactivation, night))).toContain('mail ask: "是否恢复邮件订阅？"')
  })
})
