import { type ChildProcess, execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { nearest } from '../../client/cli/problems.ts'
import { carryOut } from '../../client/cli/program.ts'
import { readSettings } from '../../client/cli/settings.ts'
import { listPage } from '../../client/cli/pages.ts'
import { planInWords } from '../../client/plan-in-words.ts'
import { addOffers } from '../../store/coupons.ts'
import { acceptEvent } from '../../store/events.ts'
import { awardPoints, settlePoints } from '../../store/points.ts'
import { NOON, asEvent, freshStore, person } from '../world.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TSX = join(ROOT, 'node_modules/tsx/dist/cli.mjs')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Said {
  code: number | null
  out: string
  err: string
}

const NOWHERE = (): Record<string, string> => ({ PERENNIAL_HOME: join(folder, 'nowhere') })

/** The command line as a person types it, with no settings but those given. */
function typed(words: string[], env: Record<string, string> = {}): Promise<Said> {
  const { PATH = '' } = process.env
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: { PATH, ...NOWHERE(), ...env } }
    const line = [TSX, 'client/cli/main.ts', ...words]
    const child: ChildProcess = execFile(process.execPath, line, options, (_error, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    )
  })
}

/** The same within this process, which is quicker. */
async function perennial(words: string[], env: Record<string, string> = {}): Promise<Said> {
  const said = { out: '', err: '' }
  const code = await carryOut(words, {
    env: { ...NOWHERE(), ...env },
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  })
  return { code, ...said }
}

describe('without a server', () => {
  test('--help teaches: words, examples, exit codes', async () => {
    const all = await typed(['--help'])
    expect(all).toMatchObject({ code: 0, err: '' })
    for (const word of 'list show start stop pause resume preview why balance ledger check rejected'.split(' ')) {
      expect(all.out).toMatch(new RegExp(`^  ${word} `, 'm'))
    }
    expect(all.out).toMatch(/Exit codes:\n {2}0 /)
    const one = await perennial(['preview', '--help'])
    expect(one.out).toContain('perennial preview first-order --event order.paid@2d')
    expect(one.out).toContain('--json')
  })

  test('a word that is none is a usage error, with the nearest one', async () => {
    const said = await typed(['lst'])
    expect(said).toMatchObject({ code: 2, out: '' })
    expect(said.err).toMatch(
      /^COMMAND_INVALID: unknown command 'lst' \(Did you mean list\?\)\nWhat to do: See `perennial --help`/,
    )
  })

  test('a journey that is none is refused, with the nearest one', async () => {
    const said = await perennial(['preview', 'frist-order', '--json'])
    expect(said).toMatchObject({ code: 1, out: '' })
    expect(JSON.parse(said.err)).toMatchObject({
      code: 'JOURNEY_UNKNOWN',
      message: "no journey 'frist-order'; did you mean first-order?",
      todo: expect.stringContaining('perennial list'),
    })
  })

  test('preview prints what would happen, with the words filled in', async () => {
    const words = ['preview', 'first-order', '--event', 'order.paid@2d', '--name', 'Grace']
    const said = await typed(words)
    expect(said).toMatchObject({ code: 0, err: '' })
    expect(said.out).toMatch(/^First order {2}first-order\/C1001$/m)
    expect(said.out).toMatch(/^\+0d 00:00 .* mail welcome: "Ten off your first order"$/m)
    expect(said.out).toContain('    Hello Grace,')
    expect(said.out).toMatch(/^\+2d 00:00 .* end, goal: order\.paid$/m)
  })

  test('preview --json is the timeline and nothing else', async () => {
    const words = ['preview', 'first-order', '--json', '--arm', 'holdout', '--start', '2026-11-23T21:00:00+08:00']
    const timeline = JSON.parse((await perennial(words)).out) as object
    expect(timeline).toMatchObject({
      run: 'first-order/C1001',
      start: Date.UTC(2026, 10, 23, 13),
      end: { status: 'completed' },
    })
    expect(JSON.stringify(timeline)).toContain('HOLDOUT')
  })

  test('a script that cannot be read says how to write it', async () => {
    const said = await perennial(['preview', 'first-order', '--event', 'order.paid'])
    expect(said).toMatchObject({ code: 1, out: '' })
    expect(said.err).toMatch(/^SCRIPT_MALFORMED: 'order.paid' .*\nExpected: type@after.*\nWhat to do: /)
  })

  test('list shows the plans alone and says why', async () => {
    const said = await perennial(['list', '--json'])
    expect(said.code).toBe(0)
    expect(JSON.parse(said.out)).toMatchObject({
      counted: false,
      journeys: [...(await readCatalogue()).keys()].map((name) => ({ name })),
    })
    expect(JSON.parse(said.err)).toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('simulate comes to the same over two threads, prints it, and writes what it is asked to', async () => {
    const audiences = join(folder, 'audiences.json')
    await writeFile(audiences, JSON.stringify([{ name: 'buyers', filter: { spent: { atLeast: 1 } } }]))
    const words = ['simulate', 'first-order', 'welcome', '--customers', 'generated:200', '--days', '10']
    words.push('--audiences', audiences)
    const [saved, drawn] = [join(folder, 'simulation.json'), join(folder, 'simulation.html')]
    const two = await typed([...words, '--threads', '2', '--save', saved, '--html', drawn])
    expect(two).toMatchObject({ code: 0, err: '' })
    expect(two.out).toMatch(/^200 customers, 10 days from 2026-11-23, seed 7, activity 0\.2: /)
    expect(two.out).toMatch(/^welcome {2,}\d/m)
    expect(two.out).toMatch(/^Audiences\n.*\nbuyers {2,}\d/m)
    const one = await perennial([...words, '--threads', '1', '--json'])
    expect(JSON.parse(await readFile(saved, 'utf8'))).toEqual(JSON.parse(one.out))
    expect(await readFile(drawn, 'utf8')).toContain('<svg')
  })

  test.each([
    [['--customers', 'generated:0'], 'COMMAND_INVALID', 'generated:<how many>'],
    [['--customers', 'nowhere.ndjson'], 'POPULATION_INVALID', 'nowhere.ndjson'],
    [['--threads', '0'], 'COMMAND_INVALID', 'from 1 to 64'],
    [['--activity', '0'], 'COMMAND_INVALID', 'from 0.01 to 10'],
    [['--activity', '2', '--customers', 'people.ndjson'], 'COMMAND_INVALID', 'made up'],
    [['--from', 'soon'], 'TIME_MALFORMED', 'soon'],
    [['--audiences', 'nowhere.json'], 'AUDIENCE_INVALID', 'perennial audiences --json'],
  ])('simulate %j is refused and says why', async (words, code, named) => {
    const said = await perennial(['simulate', ...words])
    expect(said.out).toBe('')
    expect(said.err).toContain(code)
    expect(said.err).toContain(named)
  })

  test('any other word says where to find a server', async () => {
    const said = await perennial(['check'])
    expect(said).toMatchObject({ code: 1, out: '' })
    expect(said.err).toMatch(/^CONFIG_INVALID: DATABASE_URL is not set/)
    expect(said.err).toContain('start it with `npm start`')
  })

  test('a database that is down is STORE_UNAVAILABLE, with what to do', async () => {
    const env = { DATABASE_URL: 'postgres://perennial:x@127.0.0.1:9/perennial', TEMPORAL_ADDRESS: '127.0.0.1:9' }
    const said = await typed(['why', 'C1001'], env)
    expect(said).toMatchObject({ code: 1, out: '' })
    expect(said.err).toMatch(/^STORE_UNAVAILABLE: .*\nWhat to do: Start the database or correct DATABASE_URL/)
  })
})

describe('with a store', async () => {
  const { db, url } = await freshStore()
  const catalogue = await readCatalogue()
  const plans = plansOf(catalogue)
  const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9', SHOP_ZONE: 'Asia/Shanghai' }

  beforeAll(async () => {
    for (const { offers } of plans.values()) await addOffers(db, offers)
    const event = asEvent({ id: 'e1', type: 'customer.registered', customer: person('C1002') })
    await acceptEvent(db, event, { plans: [...plans.values()], now: () => NOON })
  })

  test('the run file of `npm start` leads there; why speaks the time of the shop', async () => {
    const home = join(folder, 'home')
    await mkdir(home, { recursive: true })
    await writeFile(join(home, 'run.json'), JSON.stringify({ env }))
    const said = await perennial(['why', 'C1002'], { PERENNIAL_HOME: home })
    expect(said).toMatchObject({ code: 0, err: '' })
    expect(said.out).toMatch(/^2026-11-23 20:00 {2}first-order\/C1002 {2}entered {2}customer\.registered e1$/m)
  })

  test('start, refused, stop: exit codes and plain words', async () => {
    const again = await perennial(['start', 'first-order', 'C1002'], env)
    expect(again).toMatchObject({ code: 1, out: '' })
    expect(again.err).toMatch(/^ENTRY_REFUSED: C1002 may not enter first-order now. ALREADY_ENTERED: /)
    const all = await perennial(['stop', '--journey', 'first-order'], env)
    expect(all).toMatchObject({ code: 2, out: '' })
    expect((await perennial(['stop', 'first-order/C1002'], env)).out).toBe('first-order/C1002 is stopped.\n')
    const over = await perennial(['stop', 'first-order/C1002', '--json'], env)
    expect(over.code).toBe(0)
    expect(JSON.parse(over.out)).toMatchObject({ stopped: false, status: 'stopped' })
  })

  test('a check that does not hold is exit code 1, and the answer is still on stdout', async () => {
    expect((await perennial(['check'], env)).out).toMatch(/All \d+ hold\./)
    await sql`update offer_buckets set issued = 7 where offer = 'birthday-20'`.execute(db)
    const said = await perennial(['check'], env)
    await sql`update offer_buckets set issued = 0 where offer = 'birthday-20'`.execute(db)
    expect(said).toMatchObject({ code: 1, err: '' })
    expect(said.out).toMatch(/BROKEN {2}issued equals the coupons there are/)
    expect(said.out).toMatch(/birthday-20 {2}issued 7, coupons 0/)
  })

  test('balance and ledger: what a customer has, and how it came to that', async () => {
    const all = { plans: [...plans.values()], now: () => NOON }
    const properties = { order: 'O1', amount: 1_299_00 }
    const paid = { id: 'paid-1', type: 'order.paid', customer: person('C1003'), properties }
    await acceptEvent(db, asEvent(paid), all)
    const run = 'order-rewards/C1003/O1'
    const terms = plans.get('order-rewards')?.points['order'] ?? { title: '', earn: { fixed: 1 } }
    const key = `${run}/points/order`
    await awardPoints(db, { key, run, rule: 'order', terms, shopZone: 'UTC', now: NOON })
    const waiting = await perennial(['balance', 'C1003'], env)
    expect(waiting).toMatchObject({ code: 0, err: '' })
    expect(waiting.out).toMatch(/^points +0 +1,299 +0\ngrowth +0 +0 +0$/m)
    expect(waiting.out).not.toContain('Expiring')
    await settlePoints(db, { run, now: NOON })
    expect((await perennial(['balance', 'C1003'], env)).out).toMatch(/Expiring\n2027-11-24 08:00 +1,299$/m)
    const ledger = await perennial(['ledger', 'C1003'], env)
    expect(ledger.out).toMatch(new RegExp(`^2026-11-23 20:00 +points +earn +\\+1,299 +${key}$`, 'm'))
    expect(ledger.out).toMatch(new RegExp(`^2026-11-23 20:00 +points +settle +\\+1,299 +−1,299 +${key}/settle$`, 'm'))
    const told = JSON.parse((await perennial(['ledger', 'C1003', '--json'], env)).out) as { lines: object[] }
    expect(told.lines).toMatchObject([
      { kind: 'earn', pending: 1299 },
      { kind: 'settle', available: 1299 },
    ])
    const why = await perennial(['why', 'C1003'], env)
    expect(why.out).toMatch(/order-rewards\/C1003\/O1 +points awarded +order: 1299 points$/m)
    expect((await perennial(['ledger', 'C1002'], env)).out).toContain('never had any points')
    for (const word of ['balance', 'ledger']) {
      const unknown = await perennial([word, 'nobody'], env)
      expect(unknown.err).toMatch(/^CUSTOMER_UNKNOWN/)
    }
  })

  test('a database without tables is told apart from one that is down', async () => {
    const empty = { ...env, DATABASE_URL: inject('storeUrl') }
    const said = await perennial(['check'], empty)
    expect(said).toMatchObject({ code: 1, out: '' })
    expect(said.err).toMatch(/^STORE_UNAVAILABLE: the database cannot be used: relation .* does not exist/)
  })
})

describe('settings', () => {
  test('name a run file that cannot be read', async () => {
    await mkdir(join(folder, 'torn'), { recursive: true })
    await writeFile(join(folder, 'torn', 'run.json'), '{"env":')
    await expect(readSettings({ PERENNIAL_HOME: join(folder, 'torn') })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/run\.json cannot be read$/),
    })
  })

  test('come whole from the environment or whole from the run file', async () => {
    await writeFile(
      join(folder, 'run.json'),
      JSON.stringify({ env: { DATABASE_URL: 'postgres://a/b', TEMPORAL_ADDRESS: 'a:1', SCALE: '0.5' } }),
    )
    expect(await readSettings({ PERENNIAL_HOME: folder, TEMPORAL_ADDRESS: 'b:2' })).toMatchObject({
      TEMPORAL_ADDRESS: 'a:1',
      SCALE: 0.5,
    })
    const own = { DATABASE_URL: 'postgres://c/d', TEMPORAL_ADDRESS: 'b:2', PERENNIAL_HOME: folder }
    expect(await readSettings(own)).toMatchObject({ TEMPORAL_ADDRESS: 'b:2', SCALE: 1 })
  })
})

test('nearest finds slips of the hand, and nothing far away', () => {
  const names = ['birthday', 'first-order', 'win-back']
  expect(['frist-order', 'Birthdy', 'winback'].map((word) => nearest(word, names))).toEqual([
    'first-order',
    'birthday',
    'win-back',
  ])
  expect(nearest('cart', names)).toBeUndefined()
})

test('the list has a column for each status that occurs, and names what is paused', async () => {
  const runs = { running: 3, completed: 0, goal: 12, exited: 0, stopped: 0, failed: 0 }
  const [first] = [...plansOf(await readCatalogue()).values()]
    .filter(({ name }) => name === 'first-order')
    .map(planInWords)
  const line = {
    ...(first as NonNullable<typeof first>),
    pausedSince: new Date(NOON),
    entered: 15,
    converted: 1_234,
    runs,
  }
  expect(listPage([line], 'UTC').split('\n')).toEqual([
    expect.stringMatching(/^JOURNEY +TITLE +BEGINS +GOAL +HELD OUT +RUNNING +GOAL +CONVERTED$/),
    expect.stringMatching(/^first-order +First order +on customer\.registered .* 10 % +3 +12 +1,234$/),
    '',
    'first-order is paused since 2026-11-23 12:00. `perennial resume first-order` lets it go on.',
  ])
})
