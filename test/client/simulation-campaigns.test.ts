/** Waves over a population: hours, rate and lateness bind, each wave asks who is a member then, and waits for the one before. */
import { describe, expect, it } from 'vitest'
import { type CatalogueEntry, readCatalogue } from '../../client/catalogue.ts'
import type { Member } from '../../client/simulation/members.ts'
import { type Simulated, simulate } from '../../client/simulation/simulate.ts'
import type { MessageEnd } from '../../client/simulation/tally.ts'
import { localTime } from '../../domain/calendar.ts'
import { checkCampaign } from '../../domain/contracts/campaign.ts'
import { campaign } from '../../workflows/kit/index.ts'
import { memberJourney } from '../../workflows/kit/member.ts'
import type { CampaignPlan, CampaignStory, WaveWords } from '../../workflows/kit/campaign-plan.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const FROM = Date.UTC(2026, 10, 1)
/** A midnight, on which the campaigns of these tests come round at nine. */
const DUE = Date.UTC(2026, 10, 15)
const copy = { hello: { en: 'Hello\n\nHello.' }, again: { en: 'Again\n\nAgain.' } }

type Words = WaveWords<string, string>

function made(plan: Partial<CampaignPlan>, waves: CampaignStory<string, string>): CatalogueEntry {
  const one = campaign(
    { title: 'Made', begins: { every: 'month', day: 15, at: '09:00' }, audience: 'everybody', copy, ...plan },
    waves,
  )
  const file = new URL('file:///made.ts')
  return { plan: checkCampaign('made', one.plan), journey: memberJourney(one), campaign: one, file }
}

const comes = (id: string, at = FROM + HOUR, more: object = {}): Member => ({
  id,
  suppressed: false,
  acts: [
    {
      id: `${id}-1`,
      at,
      type: 'profile.changed',
      properties: {},
      customer: { email: `${id}@mail.example`, zone: 'Europe/London', consent: { marketing: true }, ...more },
    },
  ],
})
const crowd = (count: number): Member[] =>
  Array.from({ length: count }, (_, nth) => comes(`M${String(nth).padStart(3, '0')}`))

async function live(entry: CatalogueEntry, members: Member[], more: Partial<Parameters<typeof simulate>[0]> = {}) {
  const simulated = await simulate({ entries: [entry], members, from: FROM, days: 20, each: true, ...more })
  expect([...simulated.tally.failures]).toEqual([])
  return { ...simulated, told: toldBy(simulated) }
}
const toldBy = ({ tally }: Simulated): MessageEnd[] =>
  [...tally.messages.values()].sort((one, other) => one.at - other.at || (one.customer < other.customer ? -1 : 1))
const clock = ({ at, customer, message, status, code }: MessageEnd): string =>
  [localTime(at, 'Europe/London'), customer, message, code ?? status].join(' ')

describe('a rate', () => {
  const wave = { days: 0, at: '10:00', send: 'hello' } as const
  const rate = { messages: 3, every: '1 hour' } as const

  it('lets so many out in each span, in the order of ids; who is skipped takes nothing of it', async () => {
    const silent = comes('M004', undefined, { consent: { marketing: false } })
    const members = [...crowd(8).filter(({ id }) => id !== 'M004'), silent]
    const { told } = await live(
      made({ rate }, async (steps) => void (await steps.wave('one', wave))),
      members,
    )
    expect(told.map(clock).map((line) => line.slice(11))).toEqual([
      '10:00 M000 hello sent',
      '10:00 M001 hello sent',
      '10:00 M002 hello sent',
      '11:00 M003 hello sent',
      '11:00 M004 hello NO_CONSENT',
      '11:00 M005 hello sent',
      '11:00 M006 hello sent',
      '12:00 M007 hello sent',
    ])
  })

  it('is one for all zones', async () => {
    const members = crowd(4).map((one, nth) =>
      nth % 2 === 0 ? one : comes(one.id, undefined, { zone: 'Africa/Accra' }),
    )
    const { told } = await live(
      made({ rate }, async (steps) => void (await steps.wave('one', wave))),
      members,
    )
    expect(told.map(({ at }) => new Date(at).getUTCHours())).toEqual([10, 10, 10, 11])
  })

  it('makes those wait who may have left for another zone by then', async () => {
    const members = crowd(5)
    const customer = { zone: 'Asia/Tokyo' }
    members[3]?.acts.push({ id: 'M003-2', at: DUE + 10.5 * HOUR, type: 'profile.changed', properties: {}, customer })
    const { told } = await live(
      made({ rate }, async (steps) => void (await steps.wave('one', wave))),
      members,
    )
    expect(told.map(({ customer: who }) => who)).toEqual(['M000', 'M001', 'M002', 'M004'])
  })

  it('is stopped by the hours, and what is no news the next day is left out unless it may be late', async () => {
    const hours = { from: '09:00', to: '12:00' } as const
    const plan = { rate, hours, audience: { consent: 'marketing' } } as const
    const play = async (late?: 'now') =>
      live(
        made(plan, async (steps) => void (await steps.wave('one', { ...wave, ...(late && { late }) }))),
        crowd(9),
      )
    expect((await play()).told.map(clock).slice(5)).toEqual([
      '2026-11-15 11:00 M005 hello sent',
      '2026-11-16 09:00 M006 hello NEWS_OVER',
      '2026-11-16 09:00 M007 hello NEWS_OVER',
      '2026-11-16 09:00 M008 hello NEWS_OVER',
    ])
    expect((await play('now')).told.map(clock).slice(5)).toEqual([
      '2026-11-15 11:00 M005 hello sent',
      '2026-11-16 09:00 M006 hello sent',
      '2026-11-16 09:00 M007 hello sent',
      '2026-11-16 09:00 M008 hello sent',
    ])
  })
})

describe('a wave whose hour has passed', () => {
  it.each<[string, Pick<Words, 'days' | 'at' | 'late'>, string[]]>([
    ['goes within its day', { days: 0, at: '07:00' }, ['2026-11-15 09:00 M000 hello sent']],
    ['does not where it is to be skipped', { days: 0, at: '07:00', late: 'skip' }, []],
    ['is not late for an hour', { days: 0, at: '08:30', late: 'skip' }, ['2026-11-15 09:00 M000 hello sent']],
    ['is over on the next day', { days: -1, at: '10:00' }, []],
    [
      'goes on any day where it may be late',
      { days: -1, at: '10:00', late: 'now' },
      ['2026-11-15 09:00 M000 hello sent'],
    ],
  ])('%s', async (_what, words, expected) => {
    let went: boolean | undefined
    const story: CampaignStory<string, string> = async ({ wave }) => {
      ;({ went } = await wave('one', { send: 'hello', ...words }))
      await wave('two', { days: 1, at: '10:00', send: 'again' })
    }
    const { told } = await live(made({}, story), crowd(1))
    expect(told.map(clock)).toEqual([...expected, '2026-11-16 10:00 M000 again sent'])
    expect(went).toBe(expected.length > 0)
  })
})

describe('members', () => {
  const two: CampaignStory<string, string> = async ({ wave }) => {
    await wave('one', { days: 0, at: '10:00', send: 'hello' })
    await wave('two', { days: 2, at: '10:00', send: 'again' })
  }

  it('who come later are of the later waves, in with the first that is for them', async () => {
    const later = comes('later', DUE + DAY)
    const { told, shop } = await live(made({ ahead: '1 day' }, two), [comes('early'), later])
    expect(told.map(clock)).toEqual([
      '2026-11-15 10:00 early hello sent',
      '2026-11-17 10:00 early again sent',
      '2026-11-17 10:00 later again sent',
    ])
    const runs = [...shop.people.values()].flatMap((person) => person.runs.get('made') ?? [])
    expect(runs.map(({ enteredAt, status }) => [localTime(enteredAt, 'Europe/London'), status])).toEqual([
      ['2026-11-15 10:00', 'completed'],
      ['2026-11-17 10:00', 'completed'],
    ])
  })

  it('who came to the goal, or live in another zone by then, are in no later wave', async () => {
    const paid = { id: 'buyer-2', at: DUE + DAY, type: 'order.paid', properties: { order: 'O1', amount: 1_00 } }
    const buyer = comes('buyer')
    const gone = comes('gone')
    const moved = {
      id: 'gone-2',
      at: DUE + DAY,
      type: 'profile.changed',
      properties: {},
      customer: { zone: 'Asia/Tokyo' },
    }
    buyer.acts.push(paid)
    gone.acts.push(moved)
    const { told, shop } = await live(made({ goal: { on: 'order.paid', within: '9 days' } }, two), [buyer, gone])
    expect(told.map(({ customer, message }) => `${customer} ${message}`)).toEqual(['buyer hello', 'gone hello'])
    expect(shop.people.get('buyer')?.runs.get('made')?.[0]?.status).toBe('goal')
  })

  it('who agree later are of the waves after that', async () => {
    const late = comes('late', FROM + HOUR, { consent: { marketing: false } })
    late.acts.push({
      ...(late.acts[0] ?? expect.fail()),
      id: 'late-2',
      at: DUE + DAY,
      customer: { consent: { marketing: true } },
    })
    const { told } = await live(made({ audience: { consent: 'marketing' } }, two), [late])
    expect(told.map(clock)).toEqual(['2026-11-17 10:00 late again sent'])
  })

  it('get a message once, whichever wave sends it', async () => {
    const same: CampaignStory<string, string> = async ({ wave }) => {
      await wave('one', { days: 0, at: '10:00', send: 'hello' })
      await wave('two', { days: 1, at: '10:00', send: 'hello' })
    }
    expect((await live(made({}, same), crowd(2))).told).toHaveLength(2)
  })
})

describe('a story of waves', () => {
  it('goes on when nobody of a wave is held any more, with what became of it', async () => {
    const seen: object[] = []
    const story: CampaignStory<string, string> = async ({ wave }) => {
      const late = 'now'
      seen.push(await wave('one', { days: 0, at: '22:00', send: 'hello', late }))
      seen.push(await wave('two', { days: 1, at: '08:00', send: 'again', late }))
    }
    const refuses = comes('M002', undefined, { consent: { marketing: false } })
    const { told } = await live(made({ holdout: 0 }, story), [...crowd(2), refuses])
    // Held over the night, so that the second wave waits for the places of the morning.
    expect(
      told
        .filter(({ status }) => status === 'sent')
        .map(clock)
        .sort(),
    ).toEqual([
      '2026-11-16 09:00 M000 hello sent',
      '2026-11-16 09:00 M001 hello sent',
      '2026-11-16 09:01 M000 again sent',
      '2026-11-16 09:01 M001 again sent',
    ])
    const counts = { went: true, members: 3, sent: 2, skipped: 1, reasons: { NO_CONSENT: 1 } }
    expect(seen).toEqual([expect.objectContaining(counts), expect.objectContaining(counts)])
  })

  it('that throws ends its members, and is counted for each', async () => {
    const story: CampaignStory<string, string> = async ({ wave }) => {
      await wave('one', { days: 0, at: '10:00', send: 'hello' })
      throw new Error('no')
    }
    const { shop, tally } = await simulate({ entries: [made({}, story)], members: crowd(2), from: FROM, days: 20 })
    expect(tally.failures.get('made')).toEqual({ count: 2, message: 'no' })
    const runs = [...shop.people.values()].flatMap((person) => person.runs.get('made') ?? [])
    expect(runs.map(({ status }) => status)).toEqual(['failed', 'failed'])
  })

  it('gives coupons to those alone whom the message reaches, and says the other words to the rest', async () => {
    const paced = (await readCatalogue(new URL('../fixtures/paced/', import.meta.url))).get('paced') ?? expect.fail()
    const deaf = comes('M001', undefined, { email: null })
    const members = [...crowd(60).filter(({ id }) => id !== 'M001'), deaf]
    const { told, shop } = await live(paced, members)
    const second = told.filter(({ message }) => message !== 'first')
    const got = second.filter(({ message }) => message === 'coupon')
    expect(got.filter(({ status }) => status === 'sent')).toHaveLength(40)
    expect(got.filter(({ status }) => status !== 'sent').map(({ customer, code }) => [customer, code])).toEqual([
      ['M001', 'NO_ADDRESS'],
    ])
    expect(second.filter(({ message }) => message === 'none')).toHaveLength(19)
    expect(shop.coupons.stocks.get('some')?.all.issued).toBe(40)
    expect([...(shop.people.get('M001')?.coupons.values() ?? [])]).toEqual([])
  })
})
