/** Consent over a population: what waits to be confirmed, what a journey took back for silence, and what is told of either. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type CatalogueEntry, readCatalogue } from '../../client/catalogue.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import { LETTERS } from '../../client/simulation/made-up-habits.ts'
import type { Act, Member } from '../../client/simulation/members.ts'
import type { Person } from '../../client/simulation/person.ts'
import { simulate } from '../../client/simulation/simulate.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { journey } from '../../workflows/kit/index.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const FROM = Date.UTC(2026, 10, 23)
const DAYS = 40

let catalogue: ReadonlyMap<string, CatalogueEntry>
beforeAll(async () => void (catalogue = await readCatalogue()))
const entryOf = (name: string): CatalogueEntry => catalogue.get(name) ?? expect.fail(`no ${name}`)

/** Unsubscribes for silence whoever goes quiet. */
const quiet = journey({ title: 'Quiet', begins: { on: 'went.quiet' }, copy: {} }, ({ unsubscribe }) =>
  unsubscribe('silence'),
)
const silencing: CatalogueEntry = {
  plan: checkPlan('quiet', quiet.plan),
  journey: quiet,
  file: new URL('file:///quiet.ts'),
}

type Did = Partial<Act> & Pick<Act, 'at'>
const ada = (...did: Did[]): Member => ({
  id: 'ada',
  suppressed: false,
  acts: did.map(({ at, ...act }, nth) => ({
    id: `ada-${nth + 1}`,
    type: 'profile.changed',
    properties: {},
    ...(nth === 0 && { customer: { email: 'ada@mail.example', consent: { marketing: true } } }),
    ...act,
    at: FROM + at,
  })),
})
const yes = { customer: { consent: { letters: true } } }
const clicks = { type: 'link.clicked', confirms: true }

async function live(member: Member, doubleOptIn: string[] = ['letters']) {
  const entries = [entryOf('confirm-consent'), entryOf('reactivation'), silencing]
  const simulated = await simulate({
    entries,
    members: [member],
    from: FROM,
    days: DAYS,
    rules: { doubleOptIn },
    each: true,
  })
  expect([...simulated.tally.failures]).toEqual([])
  const person = simulated.shop.people.get('ada') ?? expect.fail('nobody came')
  const messages = [...simulated.tally.messages.values()].map(({ journey: name, message }) => `${name} ${message}`)
  return { person, messages }
}
const told = ({ events }: Person, type: string) => events.filter((one) => one.type === type)
const hours = ({ at }: { at: string }): number => (Date.parse(at) - FROM) / HOUR

describe('consent to a topic of double opt-in', () => {
  it('counts once the link of the mail is followed, and is told of then', async () => {
    const { person, messages } = await live(ada({ at: 0 }, { at: HOUR, ...yes }, { at: 5 * HOUR, ...clicks }))
    expect(told(person, 'consent.asked').map(({ properties }) => properties)).toEqual([
      { ask: 'ada-2', topics: ['letters'] },
    ])
    expect(messages).toEqual(['confirm-consent confirm'])
    const [confirmed] = told(person, 'consent.confirmed')
    expect(confirmed).toMatchObject({ properties: { topic: 'letters', channel: 'email' } })
    expect(confirmed && hours(confirmed)).toBe(5)
    expect(person.topics).toEqual(['marketing', 'letters'])
  })

  const unheard: [string, { before?: Did; click?: Did }][] = [
    ['nobody follows it', {}],
    ['the link is too old', { click: { at: HOUR + 7 * DAY + 1, ...clicks } }],
    ['there was no mail yet', { click: { at: HOUR / 2, ...clicks } }],
    [
      'the address is another by then',
      { before: { at: 2 * HOUR, customer: { email: 'other@mail.example' } }, click: { at: 3 * HOUR, ...clicks } },
    ],
  ]

  it.each(unheard)('does not count where %s', async (_why, { before, click }) => {
    const did = [{ at: HOUR, ...yes }, before, click].filter((one) => one !== undefined)
    const { person } = await live(ada({ at: 0 }, ...did.sort((one, other) => one.at - other.at)))
    expect(person.topics).toEqual(['marketing'])
    expect(told(person, 'consent.confirmed')).toEqual([])
    // What cannot be followed is nothing that they did.
    expect(told(person, 'link.clicked')).toEqual([])
    expect(told(person, 'consent.asked')).toHaveLength(1)
  })

  it('is asked for again where it is said again after the link has ended, and not before', async () => {
    const again = [2, 6.9, 8, 9].map((day) => ({ at: HOUR + day * DAY, ...yes }))
    const { person } = await live(ada({ at: 0 }, { at: HOUR, ...yes }, ...again))
    expect(told(person, 'consent.asked').map(hours)).toEqual([1, 1 + 8 * 24])
  })

  it('counts at once where the shop asks for no confirming', async () => {
    const { person, messages } = await live(ada({ at: 0 }, { at: HOUR, ...yes }, { at: 5 * HOUR, ...clicks }), [])
    expect(person.topics).toEqual(['marketing', 'letters'])
    expect(messages).toEqual([])
    expect(told(person, 'link.clicked')).toEqual([])
  })
})

describe('whom a journey unsubscribed for their silence', () => {
  const silent = [{ at: 0 }, { at: DAY, type: 'went.quiet' }] as const
  const back = { type: 'customer.returned' }

  it('is asked when they come back, and heard again once they confirm', async () => {
    const { person, messages } = await live(ada(...silent, { at: 5 * DAY, ...back }, { at: 6 * DAY, ...clicks }))
    expect(told(person, 'silence.broken').map(({ properties }) => properties)).toEqual([{ topic: 'marketing' }])
    expect(told(person, 'consent.confirmed').map(hours)).toEqual([6 * 24])
    expect(messages).toEqual(['reactivation ask', 'reactivation welcome'])
    expect(person.topics).toEqual(['marketing'])
  })

  it('stays so where they do not, and is not asked at the next visit', async () => {
    const visits = [5, 20].map((day) => ({ at: day * DAY, ...back }))
    const { person, messages } = await live(ada(...silent, ...visits))
    expect(messages).toEqual(['reactivation ask'])
    expect(told(person, 'silence.broken')).toHaveLength(1)
    expect(person.topics).toEqual([])
  })

  it('is not asked where they say yes themselves, which is no confirming before they were asked', async () => {
    const word = { at: 3 * DAY, customer: { consent: { marketing: true } } }
    const { person, messages } = await live(ada(...silent, word, { at: 5 * DAY, ...back }))
    expect(messages).toEqual([])
    expect(told(person, 'consent.confirmed')).toEqual([])
    expect(person.topics).toEqual(['marketing'])
  })

  it('is not asked where they said no themselves since', async () => {
    const word = { at: 3 * DAY, customer: { consent: { marketing: false } } }
    const { person, messages } = await live(ada(...silent, word, { at: 5 * DAY, ...back }))
    expect(messages).toEqual([])
    expect(told(person, 'silence.broken')).toEqual([])
  })

  it('confirms by a word to the shop what they were asked', async () => {
    const word = { at: 6 * DAY, customer: { consent: { marketing: true } } }
    const { person, messages } = await live(ada(...silent, { at: 5 * DAY, ...back }, word))
    expect(told(person, 'consent.confirmed').map(hours)).toEqual([6 * 24])
    expect(messages).toEqual(['reactivation ask', 'reactivation welcome'])
  })
})

describe('made-up customers', () => {
  const members = generatedMembers({ customers: 500, seed: 7, from: FROM, days: DAYS })
  const play = async (doubleOptIn: string[]) => {
    const entries = [entryOf('confirm-consent')]
    const { shop } = await simulate({ entries, members, from: FROM, days: DAYS, rules: { doubleOptIn } })
    const people = [...shop.people.values()]
    return { people, asked: people.filter((one) => told(one, 'consent.asked').length > 0) }
  }

  it('sign up for letters, and some of them confirm after hours', async () => {
    const { asked } = await play([LETTERS])
    expect(asked.length).toBeGreaterThan(20)
    const confirmed = asked.filter((one) => told(one, 'consent.confirmed').length > 0)
    expect(confirmed.length).toBeGreaterThan(asked.length * 0.3)
    expect(confirmed.length).toBeLessThan(asked.length * 0.8)
    for (const one of confirmed) expect(one.topics).toContain(LETTERS)
    for (const one of asked) if (!confirmed.includes(one)) expect(one.topics).not.toContain(LETTERS)
  })

  it('are all asked for marketing where that is of double opt-in', async () => {
    const { people, asked } = await play(['marketing'])
    expect(asked.length).toBeGreaterThan(people.length / 2)
    expect(people.filter(({ topics }) => topics.includes('marketing')).length).toBeLessThan(asked.length * 0.75)
  })
})
