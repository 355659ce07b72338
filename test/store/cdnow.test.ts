/**
 * A reckoning against a reference: the orders of CDNOW, which `lifetimes` carries, as it summarises them. The data's own licence is
 * not stated, so the file is taken out of the package and only totals are kept here.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dayNumber } from '../../domain/reckoning.ts'
import { type Order, visitsOf } from '../../domain/rhythm.ts'
import { tellEvent } from '../../store/events.ts'
import { reckonNow } from '../../store/reckonings.ts'
import { capture, exists, renameUnlessThere } from '../../workers/local/machine.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { rowsOf } from './given.ts'

const PACKAGES = ['lifetimes==0.11.3', 'pandas==3.1.1']
const CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'perennial')
const END = '1998-06-30'
const TODAY = dayNumber(END)
const INSTALLED_WITHIN = 240

interface Reference {
  duplicates: number
  /** R and M at the quintiles of who bought within the window: days and cents. */
  edges: [number[], number[]]
  /** Frequency, recency, T and monetary value of a customer as `lifetimes` has them: without the first day. */
  ever: Record<string, [number, number, number, number]>
  /** Days since the last order, rows of the file, and what was paid, within the window that ends with END. */
  window: Record<string, [number, number, number]>
}

interface Line {
  customer: string
  date: string
  cents: number
}

const { db } = await freshStore()
afterAll(() => expectInvariants(db))
const got: { missing?: string; reference?: Reference; lines: Line[] } = { lines: [] }

/** Installs the packages where they are kept from run to run; answers why not. */
async function install(kept: string): Promise<string | undefined> {
  if (await exists(kept)) return undefined
  await mkdir(CACHE, { recursive: true })
  const draft = await mkdtemp(`${kept}.`)
  const args = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', '--target', draft]
  const { code, output } = await capture('python3', [...args, ...PACKAGES], { seconds: INSTALLED_WITHIN })
  if (code === 0) await renameUnlessThere(draft, kept)
  else await rm(draft, { recursive: true, force: true })
  return code === 0 ? undefined : `pip cannot bring ${PACKAGES.join(' and ')}: ${output.trim().split('\n').at(-1)}`
}

beforeAll(
  async () => {
    const site = join(CACHE, PACKAGES.join('-').replaceAll('==', '-'))
    const missing = await install(site)
    if (missing !== undefined) return void (got.missing = missing)
    const script = join(dirname(fileURLToPath(import.meta.url)), 'cdnow.py')
    const folder = await mkdtemp(join(tmpdir(), 'perennial-cdnow-'))
    try {
      const answer = join(folder, 'reference.json')
      const env = { ...process.env, PYTHONPATH: site }
      const { code, output } = await capture('python3', [script, END, answer], { env, seconds: 120 })
      if (code !== 0) throw new Error(`lifetimes does not run: ${output.trim()}`)
      got.reference = JSON.parse(await readFile(answer, 'utf8')) as Reference
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    got.lines = linesOf(await readFile(join(site, 'lifetimes/datasets/CDNOW_master.txt'), 'utf8'))
  },
  (INSTALLED_WITHIN + 150) * 1000,
)

/** A customer, a date, a number of CDs and what was paid, the duplicates and what cost nothing among them. */
function linesOf(text: string): Line[] {
  const [, ...lines] = text.trimEnd().split(/\r?\n/)
  return lines.map((line) => {
    const [customer = '', date = '', , dollars = ''] = line.trim().split(/\s+/)
    const iso = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`
    return { customer, date: iso, cents: Math.round(Number(dollars) * 100) }
  })
}

const orderOf = ({ date, cents }: Line): Order => ({
  day: dayNumber(date),
  at: Date.parse(date),
  net: cents,
  categories: [],
})

/** By customer: orders of one day are one visit, as they are one purchase of `lifetimes`. */
function summaryOf(orders: readonly Order[]): [number, number, number, number] {
  const visits = visitsOf(orders)
  const [first = 0, last = 0] = [visits[0], visits.at(-1)]
  const repeat = orders.filter(({ day }) => day > first).reduce((sum, { net }) => sum + net, 0)
  const frequency = visits.length - 1
  return [frequency, last - first, TODAY - first, frequency === 0 ? 0 : repeat / 100 / frequency]
}

/** Every line of the file is an order of its own, also where two are alike. */
async function tellAll(lines: readonly Line[]): Promise<void> {
  const orders = lines.map((line, n) => ({ ...line, id: `L${n}` }))
  await sql`insert into customers (id, created_at, updated_at)
    select distinct customer, timestamptz '1997-01-01', timestamptz '1997-01-01'
    from json_to_recordset(${JSON.stringify(orders)}) as o (customer text)`.execute(db)
  await sql`insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
    select id, customer, 'order.paid', jsonb_build_object('order', id, 'amount', cents), '', date + interval '12 hours', date
    from json_to_recordset(${JSON.stringify(orders)}) as o (id text, customer text, date timestamptz, cents int)`.execute(
    db,
  )
  await sql`analyze`.execute(db)
}

interface Stands {
  customer: string
  days: number
  orders: number
  spent: number
  r: number | null
}

test('R, F and M of every customer of CDNOW are what lifetimes says', async ({ skip }) => {
  const { reference, lines, missing } = got
  if (reference === undefined) return skip(missing)
  expect([lines.length, reference.duplicates, lines.filter(({ cents }) => cents === 0).length]).toEqual([
    69_659, 255, 80,
  ])
  const byCustomer = new Map<string, Line[]>()
  for (const line of lines) byCustomer.set(line.customer, [...(byCustomer.get(line.customer) ?? []), line])
  expect([byCustomer.size, Object.keys(reference.ever).length]).toEqual([23_570, 23_570])
  const wrong = [...byCustomer].filter(([customer, of]) => {
    const [frequency, recency, age, value] = summaryOf(of.map(orderOf))
    const [theirs, days, T, money = NaN] = reference.ever[customer] ?? []
    return !(frequency === theirs && recency === days && age === T && Math.abs(value - money) < 1e-6)
  })
  expect(wrong).toEqual([])

  await tellAll(lines)
  const now = Date.parse(`${END}T23:00:00Z`)
  const { customers, reckoning } = await reckonNow(db, { plans: [], shopZone: 'UTC', tell: tellEvent, now })
  expect(customers).toBe(23_570)
  expect([reckoning?.r_edges, reckoning?.m_edges]).toEqual(reference.edges)
  const stands = await rowsOf<Stands>(
    db,
    `select customer, date '${END}' - last_paid_at::date as days, year_orders as orders, year_spent as spent, r from standings`,
  )
  const differs = stands.filter(({ customer, days, orders, spent, r }) => {
    const [since, rows, paid] = reference.window[customer] ?? []
    if (since === undefined || paid === undefined) return orders !== 0 || spent !== 0 || r !== null || days < 365
    return !(days === since && orders === rows && spent === Math.round(paid * 100))
  })
  expect(differs).toEqual([])
  const counted = stands.filter(({ r }) => r !== null)
  expect(counted).toHaveLength(Object.keys(reference.window).length)
  expect({ stages: reckoning?.stages, segments: reckoning?.segments, gap: reckoning?.gap }).toMatchInlineSnapshot(`
    {
      "gap": 34,
      "segments": {
        "about-to-sleep": 1005,
        "cannot-lose": 120,
        "champions": 1251,
        "gone": 1542,
        "growing": 574,
        "hibernating": 1255,
        "loyal": 971,
        "need-attention": 667,
        "newcomers": 209,
        "promising": 332,
        "slipping": 406,
      },
      "stages": {
        "active": 4082,
        "at-risk": 900,
        "dormant": 3004,
        "high-value": 2,
        "lost": 14921,
        "reactivated": 661,
      },
    }
  `)
  expect(await spread('r')).toEqual([1651, 1672, 1672, 1665, 1672])
  expect(await spread('f')).toEqual([3169, 1748, 1730, 963, 722])
  expect(await spread('m')).toEqual([1696, 1638, 1666, 1666, 1666])
}, 120_000)

/** How many have each score, from 1 to 5. */
const spread = async (axis: string): Promise<number[]> =>
  (
    await rowsOf<{ n: number }>(
      db,
      `select count(*) as n from standings where ${axis} is not null group by ${axis} order by ${axis}`,
    )
  ).map(({ n }) => n)
