/** Audiences by name over a population: they begin and end journeys, campaigns are for them, and threads come to the same. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type CatalogueEntry, readCatalogue } from '../../client/catalogue.ts'
import { Crew } from '../../client/simulation/crew.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import type { Member } from '../../client/simulation/members.ts'
import { reportOf } from '../../client/simulation/report.ts'
import { simulate } from '../../client/simulation/simulate.ts'
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { readAudienceList } from '../../domain/contracts/audience.ts'
import { checkCampaign } from '../../domain/contracts/campaign.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { PerennialError } from '../../domain/errors.ts'
import { campaign, journey } from '../../workflows/kit/index.ts'
import { memberJourney } from '../../workflows/kit/member.ts'

const HOUR = 3_600_000
const FROM = Date.UTC(2026, 10, 1)
const copy = { hello: { en: 'Hello\n\nHello.' }, gift: { en: 'A gift\n\nFor you.' } }

const named = (of: Record<string, AudienceFilter>) => new Map(Object.entries(of))
const refusal = (code: string) => expect.objectContaining({ code })

function entryOf(name: string, of: ReturnType<typeof journey>): CatalogueEntry {
  return { plan: checkPlan(name, of.plan), journey: of, file: new URL(`file:///${name}.ts`) }
}

const doing = (id: string, acts: readonly [number, string, object?][]): Member => ({
  id,
  suppressed: false,
  acts: acts.map(([hours, type, customer = {}], nth) => ({
    id: `${id}-${nth}`,
    at: FROM + hours * HOUR,
    type,
    properties: {},
    customer: nth === 0 ? { email: `${id}@mail.example`, consent: { marketing: true }, ...customer } : customer,
  })),
})

const greeting = entryOf(
  'greeting',
  journey(
    {
      title: 'A word to whoever comes in',
      begins: { on: 'audience.entered', where: { audience: 'vips' } },
      occasion: 'entry',
      exit: { on: 'audience.left', where: { audience: 'vips' } },
      copy,
    },
    async ({ wait, send }) => {
      await send('hello')
      await wait('2 days')
      await send('gift')
    },
  ),
)
const giving = entryOf(
  'giving',
  journey({ title: 'Gives a tag', begins: { on: 'cart.added' }, copy: {} }, async ({ tag, untag, wait }) => {
    await tag('vip')
    await wait('1 day')
    await untag('vip')
  }),
)

async function toldOf(entries: CatalogueEntry[], members: Member[], audiences: ReadonlyMap<string, AudienceFilter>) {
  const { tally, shop } = await simulate({ entries, members, from: FROM, days: 20, each: true, rules: { audiences } })
  expect([...tally.failures]).toEqual([])
  const told = [...tally.messages.values()].sort((one, other) => one.at - other.at)
  return { shop, told: told.map((one) => `${(one.at - FROM) / HOUR} ${one.customer} ${one.message} ${one.status}`) }
}

describe('whoever comes in and falls out', () => {
  it('is in the journey of it meanwhile, each time anew', async () => {
    const ada = doing('Ada', [
      [10, 'profile.changed', { tags: ['vip'] }],
      [20, 'profile.changed', { tags: [] }],
      [40, 'profile.changed', { tags: ['vip'] }],
    ])
    const { told, shop } = await toldOf([greeting], [ada], named({ vips: { tag: 'vip' } }))
    expect(told).toEqual(['10 Ada hello sent', '40 Ada hello sent', '88 Ada gift sent'])
    expect(shop.audiences.moves.get('vips')).toEqual({ entered: 2, left: 1 })
  })

  it('does so at once by a tag that a journey gives or takes', async () => {
    const ada = doing('Ada', [[10, 'cart.added']])
    const { told, shop } = await toldOf([greeting, giving], [ada], named({ vips: { tag: 'vip' } }))
    expect(told).toEqual(['10 Ada hello sent'])
    const events = shop.people.get('Ada')?.events.filter(({ type }) => type.startsWith('audience.'))
    expect(events?.map(({ at, type }) => `${(Date.parse(at) - FROM) / HOUR} ${type}`)).toEqual([
      '10 audience.entered',
      '34 audience.left',
    ])
  })

  it('does so in the night in which the reckoning says so', async () => {
    const members = generatedMembers({ customers: 200, seed: 7, from: FROM, days: 60 })
    const audiences = named({ fading: { stage: ['at-risk', 'dormant'] } })
    const { shop, outcome } = await simulate({ entries: [], members, from: FROM, days: 60, rules: { audiences } })
    const stages = [...shop.people.values()].map((person) => shop.standings.standingOf(person)?.stage)
    const { entered = 0, left = 0 } = outcome.audiences.get('fading') ?? {}
    expect(left).toBeGreaterThan(5)
    expect(entered - left).toBe(stages.filter((one) => one === 'at-risk' || one === 'dormant').length)
  })
})

describe('a campaign for an audience by name', () => {
  const one = campaign(
    { title: 'For some', begins: { every: 'month', day: 15, at: '09:00' }, audience: 'vips', copy },
    async ({ wave }) => void (await wave('only', { days: 0, at: '10:00', send: 'hello' })),
  )
  const file = new URL('file:///some.ts')
  const entry: CatalogueEntry = {
    plan: checkCampaign('some', one.plan),
    journey: memberJourney(one),
    campaign: one,
    file,
  }
  const members = [doing('Ada', [[1, 'profile.changed', { tags: ['vip'] }]]), doing('Bob', [[1, 'profile.changed']])]

  it('is for those who are in it', async () => {
    const { told } = await toldOf([entry], members, named({ vips: { tag: 'vip' } }))
    expect(told).toEqual([`${14 * 24 + 10} Ada hello sent`])
  })

  it('is not played where nobody said whom that takes in', async () => {
    const playing = { entries: [entry], members, from: FROM, days: 20 }
    await expect(simulate(playing)).rejects.toEqual(refusal('AUDIENCE_UNKNOWN'))
  })
})

describe('over threads', () => {
  it('audiences come to the same bytes', { timeout: 60_000 }, async () => {
    const entries = [...(await readCatalogue()).values()]
    const members = generatedMembers({ customers: 300, seed: 7, from: FROM, days: 30 })
    const audiences = named({
      buyers: { spent: { within: '10 days', atLeast: 10_000 } },
      'yet-to-buy': { stage: 'prospect' },
      lookers: { event: 'cart.added', within: '5 days', atLeast: 2 },
    })
    const crews = [new Crew(1), new Crew(2)]
    const [alone, both] = await Promise.all(
      crews.map(async (crew) => {
        const outcome = await crew.simulate({ entries, members, from: FROM, days: 30, rules: { audiences } })
        return reportOf({ entries, customers: 300, from: FROM, days: 30, seed: 7, pointCost: 1, outcome })
      }),
    )
    await Promise.all(crews.map((crew) => crew.close()))
    for (const { entered, left } of alone?.audiences ?? []) expect(Math.min(entered, left)).toBeGreaterThan(5)
    expect(alone?.audiences).toHaveLength(3)
    const hashes = [alone, both].map((report) => createHash('sha256').update(JSON.stringify(report)).digest('hex'))
    expect(hashes[1]).toBe(hashes[0])
  })
})

describe('a list of audiences', () => {
  const read = (list: unknown) => () => readAudienceList(list)

  it('is what the command line prints: removed ones are left out, the others in the order of names', () => {
    const list = [
      { name: 'tea', version: 2, filter: { tag: 'tea' }, members: 3 },
      { name: 'gone', version: 3, filter: null },
      { name: 'adults', version: 1, filter: { audience: 'tea' } },
    ]
    expect([...readAudienceList(list)]).toEqual([
      ['adults', { audience: 'tea' }],
      ['tea', { tag: 'tea' }],
    ])
  })

  it.each([
    ['is no list', {}, 'AUDIENCE_INVALID'],
    ['has a name that is none', [{ name: 'Tea', filter: { tag: 'tea' } }], 'AUDIENCE_INVALID'],
    ['has a filter that is none', [{ name: 'tea', filter: { teg: 'tea' } }], 'AUDIENCE_INVALID'],
    ['has one twice', [1, 2].map(() => ({ name: 'tea', filter: { tag: 'tea' } })), 'AUDIENCE_INVALID'],
    ['names one that is not there', [{ name: 'tea', filter: { audience: 'all' } }], 'AUDIENCE_UNKNOWN'],
    ['has one that hangs on itself', [{ name: 'tea', filter: { not: { audience: 'tea' } } }], 'AUDIENCE_CIRCULAR'],
  ])('is refused where it %s', (_, list, code) => {
    expect(read(list)).toThrow(PerennialError)
    expect(read(list)).toThrow(refusal(code))
  })
})
