/**
 * What is true of every journey, whatever its story: it is entered once, left in the middle of any wait, silent without consent, in
 * the control arm and in a pause. What each one tells stands in the test that has its name.
 */
import { describe, expect, it } from 'vitest'
import { type CatalogueEntry, readCatalogue } from '../../client/catalogue.ts'
import type { Line, Script, Timeline } from '../../client/preview.ts'
import type { EndPattern, Properties } from '../../domain/journey.ts'
import { sent, walk } from '../walk.ts'

const ORDER = { order: 'O1', amount: 100_00 }
const WINDOW = { balanceOpens: '2026-11-24T20:00:00+08:00', balanceEnds: '2026-11-26T20:00:00+08:00' }
const STANDING = {
  stage: 'dormant',
  rfm: { r: 1, f: 3, m: 3 },
  segment: 'hibernating',
  gapDays: 40,
  cycles: { tea: 30 },
  yearSpent: 800_00,
  lastPaidAt: '2026-08-20T10:00:00.000Z',
  churnRisk: false,
} as const

/** What a journey needs in order to have something to say, where a plain day is not enough. */
const SCRIPTS: Record<string, Script> = {
  'cart-abandonment': { begin: { cart: 'K1', amount: 250_00, items: [{ id: 'A', title: 'Lamp', stock: 3 }] } },
  'checkout-abandonment': { begin: { cart: 'K1', amount: 250_00 } },
  'dormant-win-back': { customer: { standing: STANDING } },
  'festival-presale': { begin: { ...ORDER, product: 'The kettle', ...WINDOW } },
  'high-value-care': { customer: { standing: { ...STANDING, stage: 'high-value' } } },
  'presale-thanks': { begin: ORDER },
  'referral-reward': { begin: { friend: 'F1', order: 'O1' } },
  repurchase: {
    begin: { ...ORDER, lines: [{ id: 'L1', amount: 100_00, category: 'tea', title: 'Tea' }] },
    customer: { standing: { ...STANDING, stage: 'active' } },
  },
  reactivation: { begin: { topic: 'marketing' }, customer: { consent: false, withdrawnFor: 'silence' } },
  'service-recovery': { begin: { failure: 'F1', kind: 'return', order: 'O1', amount: 300_00 } },
  'tier-keep': { customer: { tier: { level: 'gold', needed: 1_200, daysLeft: 30 } } },
  'tier-near-miss': { customer: { tier: { level: 'silver', growth: 4_200 } } },
  'tier-upgrade': {
    begin: {
      level: 'gold',
      title: 'Gold',
      from: 'silver',
      period: '2026-11-23',
      reached: 'gold.2026-11-23',
      again: false,
    },
  },
}
const goods = { type: 'goods.received', after: '2 days', properties: { order: 'O1' } } as const
Object.assign(SCRIPTS['service-recovery'] ?? {}, { events: [goods] })

const catalogue = [...(await readCatalogue()).values()]
const ofMessages = ({ lines }: Timeline, after: number): Line[] =>
  lines.filter(({ what, at }) => (what === 'message' || what === 'coupon') && at > after)

/** The moments in the middle of the times in which nothing happens until the story is told: its waits, tasks and holds. */
const inEachWait = ({ lines }: Timeline): number[] => {
  const moments = [...new Set(lines.map(({ at }) => at))].sort((one, other) => one - other)
  return moments.slice(1).map((next, index) => Math.floor(((moments[index] ?? next) + next) / 2))
}

const scriptOf = ({ plan }: CatalogueEntry): Script => SCRIPTS[plan.name] ?? {}

const play = (entry: CatalogueEntry, more: Script = {}): Promise<Timeline> => {
  const script = scriptOf(entry)
  return walk(entry, { ...script, ...more, customer: { ...script.customer, ...more.customer } })
}

/** The properties of an event of this run that a pattern is about. */
const about = (entry: CatalogueEntry, pattern: EndPattern): Properties => {
  const { occasion } = entry.plan
  const { begin = {} } = scriptOf(entry)
  return { ...begin, ...(occasion && { [occasion]: begin[occasion] ?? 'sample' }), ...pattern.where }
}

const endingsOf = ({ plan }: CatalogueEntry): EndPattern[] => [...(plan.goal ? [plan.goal] : []), ...plan.exits]
const named = (entries: readonly CatalogueEntry[]) => entries.map((entry) => [entry.plan.name, entry] as const)

describe.each(named(catalogue))('%s', (_, entry) => {
  const { plan } = entry

  it('does what its plan has a word for', async () => {
    const timeline = await play(entry)
    const said = sent(timeline)
    expect(said.every((message) => message in plan.copy)).toBe(true)
    const done = timeline.lines.some(({ what }) => what === 'points' || what === 'referral')
    expect(said.length > 0 || done).toBe(true)
    expect(timeline.end.status).toBe('completed')
  })

  it('writes to nobody who did not agree, but of what they did themselves; to a dead address never', async () => {
    const said = sent(await play(entry, { customer: { consent: false } }))
    expect(plan.class === 'marketing' ? said : []).toEqual([])
    expect(sent(await play(entry, { customer: { suppressed: true } }))).toEqual([])
  })

  it('gives the control arm nothing but answers', async () => {
    const timeline = await play(entry, { arm: 'holdout' })
    expect(plan.class === 'transactional' ? [] : sent(timeline)).toEqual([])
    expect(timeline.lines.filter(({ what }) => what === 'coupon')).toEqual([])
  })

  it.each(['en', 'zh-CN'])('leaves out nobody for having no name, and greets them without one: %s', async (locale) => {
    const timeline = await play(entry, { customer: { name: null, locale } })
    expect(sent(timeline)).toEqual(sent(await play(entry, { customer: { locale } })))
    for (const { words } of timeline.lines) {
      if (words) expect(`${words.subject}\n${words.text}`).not.toMatch(/\s[,，]|^[,，]|，您好|null|Ada/)
    }
  })

  it('says nothing while it is paused', async () => {
    const quiet = await play(entry)
    for (const moment of [quiet.start, ...inEachWait(quiet)]) {
      const timeline = await play(entry, { paused: { after: moment - quiet.start } })
      expect(ofMessages(timeline, moment), new Date(moment).toISOString()).toEqual([])
    }
  })
})

describe.each(named(catalogue.filter((entry) => endingsOf(entry).length > 0)))('%s, that may end early', (_, entry) => {
  it('is over at once, in each of its waits, and says nothing after', async () => {
    const quiet = await play(entry)
    for (const ending of endingsOf(entry)) {
      for (const moment of inEachWait(quiet)) {
        const event = { type: ending.on, after: moment - quiet.start, properties: about(entry, ending) }
        const timeline = await play(entry, { events: [...(scriptOf(entry).events ?? []), event] })
        const where = `${ending.on} at ${new Date(moment).toISOString()}`
        // What is a goal and an exit at once is one thing: the goal, which is looked at first.
        expect(['goal', 'exited'], where).toContain(timeline.end.status)
        expect(timeline.end.reason, where).toBe(ending.on)
        expect(ofMessages(timeline, moment), where).toEqual([])
      }
    }
  })
})

const begun = catalogue.flatMap((entry) =>
  entry.plan.begins ? [[entry.plan.name, entry, entry.plan.begins] as const] : [],
)
describe.each(begun)('%s, that an event begins', (_, entry, begins) => {
  it('is entered once for one thing', async () => {
    const properties = { ...ORDER, ...about(entry, begins) }
    const { lines } = await play(entry, { events: [{ type: begins.on, after: '1 minute', properties }] })
    const text = lines.find(({ what, name }) => what === 'event' && name === begins.on)?.text
    expect(text).toMatch(/no entry: |an exit/)
  })
})
