import { expect, it } from 'vitest'
import { formatTimeline, journeyNamed, sent, walk } from '../walk.ts'

const confirm = await journeyNamed('confirm-consent')
const begin = { ask: 'E17', topics: ['marketing'] }

it('asks once, at once, in the night as well', async () => {
  expect(formatTimeline(await walk(confirm, { begin, start: Date.UTC(2026, 10, 23, 23) }))).toMatchInlineSnapshot(`
    "+0d 00:00  Mon 23 Nov 23:00  Confirm consent begins for C1001, treated
    +0d 00:00  Mon 23 Nov 23:00  mail confirm: "Please confirm"
    +0d 00:00  Mon 23 Nov 23:00  end, completed: the story was told"
  `)
})

it('asks who has agreed to nothing yet, in their own language', async () => {
  const timeline = await walk(confirm, { begin, customer: { consent: false, locale: 'zh-CN' } })
  const [mail] = timeline.lines.filter((line) => line.what === 'message')
  expect(mail?.words?.subject).toBe('请确认您的订阅')
  expect(mail?.words?.text).toContain('https://shop.example/c/sample')
})

it('is a run for each time that somebody asked, and nobody is held out of it', async () => {
  const timeline = await walk(confirm, { begin, arm: 'drawn' })
  expect(timeline.run).toBe('confirm-consent/C1001/E17')
  expect(sent(timeline)).toEqual(['confirm'])
})

it('writes to no suppressed address', async () => {
  expect(sent(await walk(confirm, { begin, customer: { suppressed: true } }))).toEqual([])
})
