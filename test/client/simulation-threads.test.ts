/** A population over several threads comes to what it comes to in one. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CatalogueEntry, readCatalogue } from '../../client/catalogue.ts'
import { type Turn, SHOP } from '../../client/simulation/clock.ts'
import { Commons, Overtaken, newBoard } from '../../client/simulation/commons.ts'
import { FIRST_BUDGET } from '../../client/simulation/budgets.ts'
import { Crew } from '../../client/simulation/crew.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import { LETTERS } from '../../client/simulation/made-up-habits.ts'
import { type Member, partsOf } from '../../client/simulation/members.ts'
import { MorningPlaces } from '../../client/simulation/morning.ts'
import { type SimulationReport, reportOf } from '../../client/simulation/report.ts'
import { play } from '../../client/simulation/simulate.ts'

const DAY = 86_400_000
const FROM = Date.UTC(2026, 10, 23)
const DAYS = 30
const PACED = new URL('../fixtures/paced/', import.meta.url)
const TIGHT = new URL('../fixtures/tight/', import.meta.url)

const bytesOf = (report: SimulationReport): string => createHash('sha256').update(JSON.stringify(report)).digest('hex')

describe('over threads', () => {
  const crews: Crew[] = []
  const crewOf = (threads: number, folder?: URL): Crew => {
    const crew = new Crew(threads, folder)
    crews.push(crew)
    return crew
  }
  afterAll(() => Promise.all(crews.map((crew) => crew.close())))

  const reported = async (crew: Crew, entries: CatalogueEntry[], members: Member[]) => {
    const rules = { doubleOptIn: [LETTERS], switchedOn: ['share'] }
    const outcome = await crew.simulate({ entries, members, from: FROM, days: DAYS, rules })
    return reportOf({ entries, customers: members.length, from: FROM, days: DAYS, seed: 7, pointCost: 1, outcome })
  }

  it('all journeys and campaigns come to the same bytes', { timeout: 60_000 }, async () => {
    const crew = crewOf(3)
    const entries = [...(await readCatalogue()).values()]
    const members = generatedMembers({ customers: 500, seed: 7, from: FROM, days: DAYS })
    const alone = await reported(crewOf(1), entries, members)
    expect(alone.coupons.offers).toContainEqual(expect.objectContaining({ offer: 'member-day-half', issued: 100 }))
    expect(alone.quietHours.held).toBeGreaterThan(100)
    expect(alone.journeys).toContainEqual(
      expect.objectContaining({ journey: 'confirm-consent', sent: expect.toSatisfy((sent) => sent > 10) }),
    )
    expect(bytesOf(await reported(crew, entries, members))).toBe(bytesOf(alone))
  })

  it('a campaign goes at one rate, and each wave waits for the one before', { timeout: 60_000 }, async () => {
    const entries = [...(await readCatalogue(PACED)).values()]
    const members = generatedMembers({ customers: 200, seed: 7, from: FROM, days: DAYS })
    const alone = await reported(crewOf(1), entries, members)
    expect(alone.coupons.offers).toContainEqual(expect.objectContaining({ offer: 'some', issued: 40 }))
    // Each zone tells of its own first wave whether there is a third.
    expect(alone.dead).toEqual([])
    expect(bytesOf(await reported(crewOf(3, PACED), entries, members))).toBe(bytesOf(alone))
  })

  it('a budget and a quota that end, end at the same customer', { timeout: 60_000 }, async () => {
    const crew = crewOf(2, TIGHT)
    const entries = [...(await readCatalogue(TIGHT)).values()]
    const members = generatedMembers({ customers: 300, seed: 7, from: FROM, days: DAYS })
    const alone = await reported(crewOf(1), entries, members)
    expect(alone.budgets).toContainEqual(expect.objectContaining({ id: 'little', exhausted: expect.any(String) }))
    expect(alone.coupons.offers).toContainEqual(expect.objectContaining({ offer: 'few', issued: 30 }))
    expect(bytesOf(await reported(crew, entries, members))).toBe(bytesOf(alone))
  })

  it('a rush on a budget, which is seen too late, is played once more in one', { timeout: 60_000 }, async () => {
    const crew = crewOf(2, TIGHT)
    const entries = [...(await readCatalogue(TIGHT)).values()]
    const members = rush(200)
    const asked = { entries, members, from: FROM, days: DAYS }
    const alone = await reported(crewOf(1), entries, members)
    expect(alone.coupons.offers).toContainEqual(expect.objectContaining({ offer: 'five', issued: 20 }))
    const [part] = partsOf(members, 2)
    const board = newBoard(2)
    // The other thread is at its end already, and took more than this one will know of.
    const other = new Commons({ start: FROM, turn: () => ({ at: FROM + DAY / 2, of: 0 }), nth: 1, board })
    other.took(FIRST_BUDGET, 0, 76_00)
    other.leave()
    await expect(play({ ...asked, part, board })).rejects.toThrow(Overtaken)
    expect(bytesOf(await reported(crew, entries, members))).toBe(bytesOf(alone))
  })
})

/** All of them look at a page within a minute. */
const rush = (customers: number): Member[] =>
  Array.from({ length: customers }, (_, nth) => ({
    id: `R${nth}`,
    suppressed: false,
    acts: [{ id: `R${nth}-1`, at: FROM + DAY / 2 + nth * 200, type: 'page.viewed', properties: { page: `P${nth}` } }],
  }))

describe('people shared out', () => {
  const came = (id: string, advocate?: string): Member => ({
    id,
    suppressed: false,
    acts: [
      {
        id: `${id}-1`,
        at: FROM,
        type: 'customer.registered',
        properties: advocate === undefined ? {} : { referral: `@${advocate}` },
      },
    ],
  })

  it('are each in one part, with whom they came by, and know their place by id', () => {
    const members = [came('f', 'd'), came('a'), came('c', 'a'), came('d'), came('b'), came('e', 'c')]
    const parts = partsOf(members, 3)
    const places = new Map(parts.flatMap((part) => part.members.map(({ id }, nth) => [id, part.places[nth]])))
    expect(places).toEqual(new Map(['a', 'b', 'c', 'd', 'e', 'f'].map((id, place) => [id, place])))
    const together = parts.map((part) =>
      part.members
        .map(({ id }) => id)
        .sort()
        .join(''),
    )
    expect(together.sort()).toEqual(['ace', 'b', 'df'])
  })
})

/** Two threads' views of what all share, each at a turn that the test sets. */
function two() {
  const board = newBoard(2)
  return [0, 1].map((nth) => {
    const turn = { at: FROM, of: SHOP }
    const commons = new Commons({ start: FROM, turn: () => turn, nth, board })
    const come = (next: Turn): void => {
      Object.assign(turn, next)
      commons.came(next.at, next.of)
    }
    return { commons, come }
  }) as [View, View]
}
interface View {
  commons: Commons
  come: (turn: Turn) => void
}

describe('what all take from', () => {
  const HUNDRED = { most: 100, lasting: false }
  let [one, other] = two()
  beforeAll(() => void ([one, other] = two()))

  it('is known until the turn of whoever asks, and no further', () => {
    const [mine, theirs] = [one.commons.share(0, 0, HUNDRED), other.commons.share(0, 0, HUNDRED)]
    other.come({ at: FROM + 10, of: 3 })
    other.commons.took(0, 0, 80)
    other.come({ at: FROM + 10, of: 5 })
    other.commons.took(0, 0, 10)
    other.come({ at: FROM + 20, of: 3 })
    one.come({ at: FROM + 10, of: 4 })
    // 20 are less than anybody gives without a look.
    expect(one.commons.left(mine, 20, 1)).toBe(20 - 80)
    one.come({ at: FROM + 10, of: 6 })
    expect(one.commons.left(mine, 20, 1)).toBe(20 - 90)
    one.come({ at: FROM + 30, of: 0 })
    expect(other.commons.left(theirs, 10, 1)).toBe(10)
  })

  it.each([
    { taken: 59, isOvertaken: false },
    { taken: 60, isOvertaken: true },
  ])('given without a look where $taken were taken: overtaken, $isOvertaken', ({ taken, isOvertaken }) => {
    const [giver, taker] = two()
    const share = giver.commons.share(0, 0, HUNDRED)
    giver.come({ at: FROM + 10, of: 0 })
    // One of sixty: 59 are left over.
    expect(giver.commons.left(share, 60, 1)).toBe(60)
    taker.come({ at: FROM + 5, of: 1 })
    taker.commons.took(0, 0, taken)
    taker.commons.leave()
    const end = (): void => giver.commons.end()
    if (isOvertaken) expect(end).toThrow(Overtaken)
    else {
      end()
      expect(share.others).toBe(taken)
    }
  })

  it('gives the places of a morning in the order in which they were asked for, whoever asked', () => {
    const views = two()
    const [left, right] = views.map(({ commons }) => new MorningPlaces({ messages: 1, windowMs: 1_000 }, commons)) as [
      MorningPlaces,
      MorningPlaces,
    ]
    const [first, second] = views
    const opensAt = FROM + DAY
    const asked = { channel: 'email', opensAt } as const
    first.come({ at: FROM + 1, of: 0 })
    const a = left.ask({ ...asked, key: 'a' })
    first.come({ at: FROM + 3, of: 2 })
    const c = left.ask({ ...asked, key: 'c' })
    second.come({ at: FROM + 2, of: 1 })
    const b = right.ask({ ...asked, key: 'b' })
    first.come({ at: opensAt, of: 0 })
    second.come({ at: opensAt, of: 1 })
    const slots = [left.placeOf(a), right.placeOf(b), left.placeOf(c)].map((at) => Math.floor((at - opensAt) / 1_000))
    expect(slots).toEqual([0, 1, 2])
  })
})
