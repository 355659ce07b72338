import { afterAll, describe, expect, test } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { standingOf } from '../../store/standings.ts'
import { DAY, inboxOf, rowsOf } from '../store/given.ts'
import { expectInvariants, freshStore } from '../world.ts'

describe('the words standings, standing and reckon', async () => {
  const { db, url } = await freshStore()
  afterAll(() => expectInvariants(db))
  const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9', SHOP_ZONE: 'Asia/Shanghai' }
  const now = Date.now()

  async function perennial(...words: string[]) {
    const said = { out: '', err: '' }
    const out = (text: string): void => void (said.out += text)
    const code = await carryOut(words, { env, out, err: (text) => void (said.err += text) })
    return { code, ...said }
  }

  /** Orders of a customer so many days ago. */
  async function bought(customer: string, days: readonly number[], amount = 100_00): Promise<void> {
    const send = inboxOf(db, { now: () => now }, [])
    for (const ago of days) {
      const at = new Date(now - ago * DAY).toISOString()
      const lines = [{ id: 'a', amount, category: 'milk' }]
      await send('order.paid', customer, { at, properties: { order: `${customer}-${ago}`, amount, lines } })
    }
  }

  test('before a reckoning say so', async () => {
    await bought('C1', [100, 60, 20])
    await bought('C2', [200])
    const none = { code: 1, err: expect.stringMatching(/^RECKONING_UNKNOWN: /) }
    expect([await perennial('standings'), await perennial('standing', 'C1')]).toMatchObject([none, none])
    for (const id of ['nobody', 'no/body']) {
      expect((await perennial('standing', id)).err).toMatch(/^CUSTOMER_UNKNOWN: /)
    }
  })

  test('reckon does it now, once a day, and anew where it is asked to', async () => {
    expect((await perennial('reckon')).out).toMatch(/^2 customers reckoned\.\n\n.*Reckoning of \d{4}-\d{2}-\d{2}/)
    expect((await perennial('reckon')).out).toMatch(/^Nothing was left to reckon\./)
    await rowsOf(db, `insert into customers (id, created_at, updated_at) values ('C3', '2020-01-01', '2020-01-01')`)
    expect((await perennial('reckon')).out).toMatch(/^Nothing was left to reckon\./)
    expect((await perennial('reckon', '--anew')).out).toMatch(/^3 customers reckoned\./)
    expect(JSON.parse((await perennial('reckon', '--json')).out)).toMatchObject({
      customers: 0,
      reckoning: { stages: { prospect: 1 } },
    })
  })

  test('standings counts stages and segments, and says what was measured', async () => {
    const { out } = await perennial('standings')
    expect(out).toMatch(/Stages\n.*CUSTOMERS +SHARE\nprospect +1 +33\.3 %\nactive +2 +66\.7 %/)
    expect(out).toMatch(/Segments\n[\s\S]*loyal +1 +50\.0 %/)
    expect(out).toMatch(/F 2 to 5 from +2, 3, 5, 8 orders/)
    expect(out).toMatch(/M 1 to 4 up to +100\.00, 100\.00, 300\.00, 300\.00 yuan/)
    expect(out).toMatch(/bought again after +not known: too few came twice/)
    expect(JSON.parse((await perennial('standings', '--json')).out)).toMatchObject({
      zone: 'Asia/Shanghai',
      thresholds: { dormantGaps: 2 },
    })
  })

  test('standing says where somebody stands, and why', async () => {
    const { out } = await perennial('standing', 'C1')
    expect(out).toMatch(/^C1 {2}active\n/)
    expect(out).toMatch(/paid orders +3, 3 of them within the year for 300\.00 yuan/)
    expect(out).toMatch(/last order +.*, 20 days before/)
    expect(out).toMatch(/buys every +40 days, their own median/)
    expect(out).toMatch(/silence means +at risk after 60 days, dormant after 80 days, lost after 365 days/)
    expect(out).toMatch(/RFM +5-3-3, loyal/)
    expect(out).toMatch(/bought again +milk after 40 days/)
    expect((await perennial('standing', 'C3')).out).toMatch(/^C3 {2}prospect\n[\s\S]*paid orders +0, 0 of them/)
    const { standing, silence, rhythm } = JSON.parse((await perennial('standing', 'C2', '--json')).out) as Record<
      string,
      unknown
    >
    expect({ standing, silence, rhythm }).toEqual({
      standing: await standingOf(db, 'C2'),
      silence: 200,
      rhythm: { own: null, usual: null, cycles: {} },
    })
  })
})
