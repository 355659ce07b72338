/** What operators do with words, from the client down to the store. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sql } from 'kysely'
import { type Catalogue, readCatalogue } from '../../client/catalogue.ts'
import { carryOut } from '../../client/cli/program.ts'
import { type Operator, operatorOf } from '../../client/operator.ts'
import { checkPlansWords } from '../../client/words.ts'
import { publishWords } from '../../store/words.ts'
import { NOON, freshStore, person } from '../world.ts'
import { handClock, inboxOf, routing } from '../store/given.ts'

const { db, url } = await freshStore()
const clock = handClock()
let catalogue: Catalogue
let perennial: Operator

beforeAll(async () => {
  catalogue = await readCatalogue()
  perennial = operatorOf({ db, catalogue, clock, shopZone: 'UTC' })
})
beforeEach(async () => void (await sql`truncate word_versions, wording_terms`.execute(db)))

const of = { journey: 'first-order', message: 'welcome', by: 'Ann' }
const set = (change: object, more: object = {}) => perennial.words.set({ ...of, change, ...more })

async function cli(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9' }
  const code = await carryOut(words, {
    env,
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  })
  return { code, ...said }
}

describe('publishing', () => {
  test('changes what is named and keeps the rest, version by version', async () => {
    expect(await set({ subject: 'Ten off, {{ name }}' })).toMatchObject({ locale: 'en', version: 1, notes: [] })
    expect(await set({ text: '{{ coupon.code }}' }, { note: 'shorter' })).toMatchObject({ version: 2 })
    const [shown] = await perennial.words.show({ journey: 'first-order', message: 'welcome', locale: 'en' })
    expect(shown).toMatchObject({
      version: 2,
      words: { subject: 'Ten off, {{ name }}', text: '{{ coupon.code }}' },
      flaws: [],
    })
    const history = await perennial.words.history({ journey: 'first-order', message: 'welcome' })
    expect(history.map(({ version, by, note }) => [version, by, note])).toEqual([
      [2, 'Ann', 'shorter'],
      [1, 'Ann', null],
    ])
  })

  test.each([
    ['a variable the plan does not name', { text: '{{ copon.code }}' }, /VARIABLE_UNKNOWN, copon\.code/],
    ['what may never be said', { subject: '国-家-级' }, /WORDING_BLOCKED, 国家级/],
    ['what nobody approved', { subject: 'Last chance' }, /WORDING_REVIEW, last chance/],
    ['what has no proof', { subject: '销量第一' }, /WORDING_EVIDENCE, 第一/],
    ['a link that leads nowhere', { html: '<a href="#">x</a>' }, /LINK_DEAD/],
    ['a partial there is not', { text: "{% render 'foot' %}" }, /PARTIAL_UNKNOWN, foot/],
    ['an end that is hidden', { html: '<p>x<!--' }, /UNSUBSCRIBE_HIDDEN/],
  ])('refuses %s, and nothing takes effect', async (_, change, message) => {
    await expect(set(change)).rejects.toMatchObject({
      code: 'WORDS_REFUSED',
      message: expect.stringMatching(message) as string,
    })
    expect(await perennial.words.history({ journey: 'first-order', message: 'welcome' })).toEqual([])
  })

  test('refuses what cannot be read, by its own code', async () => {
    await expect(set({ text: '{{ name' })).rejects.toMatchObject({ code: 'TEMPLATE_SYNTAX' })
    await expect(set({ mjml: '<mjml><mj-body><mj-txt/></mj-body></mjml>' })).rejects.toMatchObject({
      code: 'MJML_INVALID',
    })
    await expect(set({ text: 'x' }, { message: 'welcom' })).rejects.toMatchObject({ code: 'WORDS_UNKNOWN' })
    await expect(set({ text: 'x' }, { journey: 'nothing' })).rejects.toMatchObject({ code: 'JOURNEY_UNKNOWN' })
    await expect(set({ text: 'x' }, { locale: 'Chinese' })).rejects.toMatchObject({ code: 'COMMAND_INVALID' })
    await expect(set({ text: 'x' }, { locale: 'de' })).rejects.toThrow(/subject/)
  })

  test('takes a yes and a proof, and keeps both with the version', async () => {
    const leave = { approved: ['last chance'], evidence: { 第一: 'survey of 2026' } }
    await set({ subject: 'Last chance, 销量第一' }, leave)
    const [line] = await perennial.words.history({ journey: 'first-order', message: 'welcome' })
    expect(line?.leave).toEqual(leave)
    expect((await perennial.words.check('first-order')).flaws).toEqual([])
  })

  test('compiles MJML at once, and replaces it by what comes after', async () => {
    const mjml =
      '<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ name }}</mj-text></mj-column></mj-section></mj-body></mjml>'
    await set({ mjml })
    const [one] = await perennial.words.show({ journey: 'first-order', message: 'welcome', locale: 'en' })
    expect(one?.words).toMatchObject({ text: 'Hi {{ name }}', mjml, html: expect.stringContaining('<body') as string })
    await set({ html: '<p>Hello {{ name }}</p>' })
    const [two] = await perennial.words.show({ journey: 'first-order', message: 'welcome', locale: 'en' })
    expect(two?.words).toEqual({
      subject: 'Ten off your first order',
      text: 'Hello {{ name }}',
      html: '<p>Hello {{ name }}</p>',
    })
  })

  test('of an older version is a new one, and 0 is the plan', async () => {
    await set({ subject: 'One' })
    await set({ subject: 'Two' })
    expect(await perennial.words.revert({ ...of, to: 1 })).toMatchObject({ version: 3 })
    expect(await perennial.words.revert({ ...of, to: 0 })).toMatchObject({ version: 4 })
    const [shown] = await perennial.words.show({ journey: 'first-order', message: 'welcome', locale: 'en' })
    expect(shown).toMatchObject({ version: null, words: { subject: 'Ten off your first order' } })
    await expect(perennial.words.revert({ ...of, to: 9 })).rejects.toMatchObject({ code: 'WORDS_UNKNOWN' })
    await expect(perennial.words.revert({ ...of, to: 4 })).rejects.toMatchObject({ code: 'WORDS_UNKNOWN' })
  })

  test('of a partial reaches all that hold it, in its own language', async () => {
    await perennial.words.set({ journey: 'partials', message: 'footer', by: 'Ann', change: { text: 'Write to us.' } })
    const shown = await perennial.words.show({ journey: 'partials', message: 'footer' })
    expect(shown.map(({ locale, version }) => [locale, version])).toEqual([
      ['en', 1],
      ['zh-CN', null],
    ])
    const nested = { journey: 'partials', message: 'footer', by: 'Ann', change: { text: "{% render 'header' %}" } }
    await expect(perennial.words.set(nested)).rejects.toThrow(/PARTIAL_NESTED/)
  })
})

describe('the words of the house', () => {
  test('have no flaw', () => expect(checkPlansWords(catalogue)).toEqual({ ok: true, flaws: [] }))

  test('stored past the lint are found by the check', async () => {
    const words = { subject: '国家级', text: '{{ nobody }}' }
    await publishWords(db, { ...of, locale: 'en', words, now: NOON })
    const { ok, flaws } = await perennial.words.check()
    expect([ok, flaws.map(({ code }) => code).sort()]).toEqual([false, ['VARIABLE_UNKNOWN', 'WORDING_BLOCKED']])
  })
})

describe('the command line', () => {
  test('sets, shows, tells the history and goes back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'perennial-words-'))
    afterAll(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'welcome.txt')
    await writeFile(file, '{{ name }}，{{ coupon.code }} 在此')
    const words = ['words', 'set', 'first-order', 'welcome', '--locale', 'zh-CN', '--text-file', file, '--by', 'Ben']
    expect((await cli(...words)).out).toContain('first-order welcome in zh-CN is at version 1')
    expect((await cli('words', 'show', 'first-order')).out).toMatch(/welcome +zh-CN +version 1 .*首单九折/)
    expect((await cli('words', 'history', 'first-order', 'welcome')).out).toMatch(/zh-CN +1 +Ben/)
    const back = await cli(
      'words',
      'revert',
      'first-order',
      'welcome',
      '--to',
      '0',
      '--locale',
      'zh-CN',
      '--by',
      'Ben',
      '--json',
    )
    expect(JSON.parse(back.out)).toMatchObject({ locale: 'zh-CN', version: 2 })
  })

  test('refuses with the code, and says what to do', async () => {
    const refused = await cli('words', 'set', 'first-order', 'welcome', '--subject', 'Act now', '--by', 'Ben')
    expect([refused.code, refused.out]).toEqual([1, ''])
    expect(refused.err).toMatch(/^WORDS_REFUSED: .*WORDING_REVIEW, act now/)
    expect((await cli('words', 'set', 'first-order', 'welcome')).code).toBe(2)
    expect((await cli('words', 'check', '--plans')).code).toBe(0)
    await publishWords(db, { ...of, locale: 'en', words: { subject: '国家级', text: 'x' }, now: NOON })
    expect((await cli('words', 'check')).code).toBe(1)
  })

  test('previews with a real customer’s facts and the published words', async () => {
    await inboxOf(db, clock, [routing('story')])(
      'a.b',
      person('P1', { name: '小明', locale: 'zh-CN', zone: 'Asia/Shanghai' }),
    )
    await set({ subject: '{{ name }}，首单九折' }, { locale: 'zh-CN' })
    const { out, code } = await cli('preview', 'first-order', '--as', 'P1')
    expect([code, out.includes('广告：小明，首单九折')]).toEqual([0, true])
    expect((await cli('preview', 'first-order', '--as', 'P9')).err).toMatch(/^CUSTOMER_UNKNOWN/)
    expect((await cli('preview', 'first-order', '--locale', 'zh-CN')).out).toContain('首单九折，请查收')
  })

  test('keeps the shop’s terms and holidays', async () => {
    await cli('wording', 'set', '神价', '--severity', 'block', '--by', 'Ben')
    const found = await cli('wording', 'check', '神·价')
    expect([found.code, found.out.includes('神价')]).toEqual([1, true])
    expect((await cli('wording', 'terms')).out).toContain('神价')
    expect((await cli('wording', 'remove', '神价')).out).toContain('is gone')
    const folder = await mkdtemp(join(tmpdir(), 'perennial-days-'))
    afterAll(() => rm(folder, { recursive: true, force: true }))
    await writeFile(
      join(folder, 'cn.csv'),
      '2026-02-16,holiday,春节\n2026-02-14,workday,春节\n2027-01-01,holiday,元旦\n',
    )
    expect((await cli('holidays', '--file', join(folder, 'cn.csv'))).out).toMatch(
      /CN 2026: 1 holiday, 1 worked weekend/,
    )
    expect(await perennial.holidays.isWorkday('CN', '2026-02-14')).toBe(true)
    expect(await perennial.holidays.isWorkday('CN', '2028-02-14')).toBe('unknown')
    expect((await cli('holidays')).out).toMatch(/CN +2027 +1 +0/)
    expect((await perennial.holidays.years()).missing).toEqual([])
    await sql`delete from holiday_years where year = 2027`.execute(db)
    expect((await cli('holidays')).out).toContain('Warning: CN 2027 is not known yet')
  })
})
