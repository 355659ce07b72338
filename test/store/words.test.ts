import { describe, expect, test } from 'vitest'
import { readHolidays, isWorkday } from '../../domain/holiday.ts'
import { checkWording } from '../../domain/wording.ts'
import { inTransaction } from '../../store/db.ts'
import { holidayYears, holidaysOf, setHolidays } from '../../store/holidays.ts'
import { newestWords, publishWords, wordHistory, wordsFor } from '../../store/words.ts'
import { removeTerm, setTerm, termsInForce } from '../../store/wording-terms.ts'
import { NOON, freshStore, person } from '../world.ts'
import { handClock, inboxOf, routing, rowsOf } from './given.ts'

const { db } = await freshStore()
const event = inboxOf(db, handClock(), [routing('story')])
const COPY = {
  subject: 'Hello',
  text: "Hello {% render 'footer' %}",
  locales: { 'zh-CN': { subject: '您好', text: '您好' } },
}
const of = { journey: 'story', message: 'hello' }
const publish = (locale: string, subject: string | null, more: object = {}) => {
  const words = subject === null ? null : { subject, text: subject }
  return publishWords(db, { ...of, locale, words, by: 'Ann', now: NOON, ...more })
}
const found = (customer: string, shopLocale?: string) =>
  inTransaction(db, (tx) => wordsFor(tx, { ...of, copy: COPY, customer, shopLocale }))

describe('the words of a message', () => {
  test('are the plan’s in the customer’s language, with the partials of that language', async () => {
    await event('a.b', person('P1', { locale: 'zh-TW' }))
    await event('a.b', person('P2'))
    expect(await found('P1')).toMatchObject({
      locale: 'zh-CN',
      version: null,
      words: { subject: '您好' },
      china: false,
    })
    const own = await found('P2')
    expect(own).toMatchObject({ locale: 'en', version: null })
    expect(own.words.text).toMatch(/^Hello Questions\?/)
    expect(await found('P2', 'zh-CN')).toMatchObject({ locale: 'zh-CN' })
  })

  test('are the newest that was published, and the plan’s again once that is taken back', async () => {
    await event('a.b', person('P3', { phone: '+8613912345678' }))
    expect(await publish('en', 'First')).toBe(1)
    expect(await publish('en', 'Second', { leave: { approved: ['first'] } })).toBe(2)
    const now = await found('P3')
    expect(now).toMatchObject({ version: 2, words: { subject: 'Second' }, leave: { approved: ['first'] }, china: true })
    expect(await publish('en', null)).toBe(3)
    expect(await found('P3')).toMatchObject({ version: null, words: { subject: 'Hello' } })
    const history = await wordHistory(db, of)
    expect(history.map(({ version, by, words }) => [version, by, words?.subject])).toEqual([
      [3, 'Ann', undefined],
      [2, 'Ann', 'Second'],
      [1, 'Ann', 'First'],
    ])
  })

  test('may be in a language that the plan does not have', async () => {
    await event('a.b', person('P4', { locale: 'de-DE' }))
    await publish('de', 'Hallo')
    expect(await found('P4')).toMatchObject({ locale: 'de', version: 1, words: { subject: 'Hallo' } })
  })

  test('of a partial are read with those of the message', async () => {
    await event('a.b', person('P5'))
    const words = { subject: '', text: 'Write to us.' }
    await publishWords(db, { journey: 'partials', message: 'footer', locale: 'en', words, by: 'Ann', now: NOON })
    expect((await found('P5')).words.text).toBe('Hello Write to us.')
  })

  test('published by many at once are versions in a row, none lost', async () => {
    const versions = await Promise.all(Array.from({ length: 12 }, (_, i) => publish('fr', `${i}`)))
    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    expect((await newestWords(db, of)).find((one) => one.locale === 'fr')?.version).toBe(12)
  })

  test('are of nobody where there is no such customer', async () => {
    await expect(found('P9')).rejects.toMatchObject({ code: 'CUSTOMER_UNKNOWN' })
  })

  test('have somebody who published them', async () => {
    await expect(publish('it', 'x', { by: '' })).rejects.toThrow(/check/)
  })
})

describe('the shop’s own terms', () => {
  const term = {
    category: 'promise',
    basis: 'the shop',
    suggestion: 'otherwise',
    except_in: [],
    by: 'Ann',
    now: NOON,
  } as const
  const check = async (text: string) => checkWording(text, { terms: await termsInForce(db) }).map((one) => one.term)

  test('are looked for beside ours, disguised as well, and lift one of ours', async () => {
    expect(await check('神价 国家级 首选')).toEqual(['国家级', '首选'])
    await setTerm(db, { ...term, term: '神价', severity: 'block', except_in: ['神价格'] })
    await setTerm(db, { ...term, term: '首选', severity: 'allow' })
    expect(await check('神 价 国家级 首选')).toEqual(['神价', '国家级'])
    expect(await check('神价格')).toEqual([])
    expect(await removeTerm(db, '首选')).toBe(true)
    expect(await removeTerm(db, '首选')).toBe(false)
    expect(await check('首选')).toEqual(['首选'])
  })

  test('are the same list while nothing changes, so that it is made ready once', async () => {
    expect(await termsInForce(db)).toBe(await termsInForce(db))
  })
})

describe('public holidays', () => {
  test('of a year take the place of what was known of it, and of it alone', async () => {
    const take = (year: number, text: string) =>
      setHolidays(db, { region: 'CN', year, days: readHolidays(text), by: 'Ann', now: NOON })
    await take(2026, '2026-01-01,holiday,元旦\n2026-01-04,workday,元旦')
    await take(2027, '2027-01-01,holiday,元旦')
    const before = await holidaysOf(db, 'CN')
    expect(['2026-01-01', '2026-01-04', '2026-01-05', '2028-01-03'].map((date) => isWorkday(date, before))).toEqual([
      false,
      true,
      true,
      'unknown',
    ])
    await take(2026, '2026-01-02,holiday,元旦')
    const after = await holidaysOf(db, 'CN')
    expect(['2026-01-01', '2026-01-04', '2027-01-01'].map((date) => isWorkday(date, after))).toEqual([
      true,
      false,
      false,
    ])
    expect(isWorkday('2026-01-01', await holidaysOf(db, 'US'))).toBe('unknown')
    expect((await holidayYears(db)).map(({ year, holidays, workdays, by }) => [year, holidays, workdays, by])).toEqual([
      [2026, 1, 0, 'Ann'],
      [2027, 1, 0, 'Ann'],
    ])
  })

  test('are days of their own year', async () => {
    await expect(rowsOf(db, `insert into holidays values ('CN', '2026-05-01', 2027, 'holiday', 'x')`)).rejects.toThrow(
      /check/,
    )
  })
})
