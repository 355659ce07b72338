import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { type AudienceFilter, FILTER_KINDS, satisfies } from '../../domain/audience-filter.ts'
import { readAudienceFilter } from '../../domain/contracts/audience-filter.ts'
import { matching } from '../../store/audience-sql.ts'
import { freshStore } from '../world.ts'
import { NAMED, factsAbout, filter, openShop, shop } from './audience-given.ts'
import { NOON } from './given.ts'

const { db } = await freshStore()
const setting = { now: NOON, named: NAMED }

/** Who is of each of the filters. */
async function found(filters: readonly AudienceFilter[]): Promise<string[][]> {
  // Compared, so that a condition that does not hold together by itself shows.
  const answers = sql.join(filters.map((one) => sql`true = ${matching(one, setting)}`))
  const { rows } = await sql<{ id: string; of: boolean[] }>`
    select c.id, array[${answers}] as of from customers c order by c.id`.execute(db)
  return filters.map((_, n) => rows.filter(({ of }) => of[n]).map(({ id }) => id))
}

test('whatever the filter and the shop, the database and the rule take in the same customers', async () => {
  const [seen, took] = [new Set<string>(), new Map<string, number>()]
  await fc.assert(
    fc.asyncProperty(shop, fc.array(filter, { minLength: 10, maxLength: 30 }), async (people, filters) => {
      await openShop(db, people)
      const answers = await found(filters)
      for (const [n, one] of filters.entries()) {
        expect(readAudienceFilter(one)).toEqual(one)
        const expected = people.filter((person) => satisfies(one, factsAbout(person), setting)).map(({ id }) => id)
        expect(answers[n], JSON.stringify(one)).toEqual(expected)
        const kind = FILTER_KINDS.find((name) => name in one) ?? ''
        seen.add(kind)
        if (expected.length > 0 && expected.length < people.length) took.set(kind, (took.get(kind) ?? 0) + 1)
      }
    }),
    { numRuns: 120, seed: 20261128, endOnFailure: false },
  )
  // Each kind came up, and but for everybody told some customers of a shop from others.
  expect([...seen].sort()).toEqual([...FILTER_KINDS].sort())
  expect(FILTER_KINDS.filter((kind) => !took.has(kind))).toEqual(['everybody'])
})

test('what a filter is compared with is never a part of the statement', async () => {
  await openShop(db, [])
  const evil = `x'; drop table customers; --`
  for (const one of [{ tag: evil }, { trait: evil, is: evil }, { segment: evil }, { zone: evil }] as AudienceFilter[]) {
    expect(matching(one, setting).compile(db as never).sql).not.toContain('drop')
    expect(await found([one])).toEqual([[]])
  }
})

test('a named audience is read in its place; one that is not there or hangs on itself is refused', () => {
  const named = new Map<string, AudienceFilter>([
    ['a', { not: { audience: 'b' } }],
    ['b', { any: [{ audience: 'a' }] }],
  ])
  const of = (one: AudienceFilter) => () => matching(one, { now: NOON, named })
  expect(of({ audience: 'none' })).toThrow(expect.objectContaining({ code: 'AUDIENCE_UNKNOWN' }))
  expect(of({ audience: 'a' })).toThrow(expect.objectContaining({ code: 'AUDIENCE_CIRCULAR' }))
  expect(of({ audience: 'a' })).toThrow(/a > b > a/)
})
