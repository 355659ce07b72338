import { afterAll, describe, expect, test } from 'vitest'
import type { EventInput } from '../../domain/contracts/event.ts'
import { birthdayOf, customer } from '../../store/customers.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { enrolments } from '../../store/enrolments.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, HOUR, handClock, inboxOf, routing } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const greeting = routing('greeting', {
  begins: undefined,
  sweep: { audience: 'birthday', at: '09:30' },
  reentry: { when: 'never', gap: 300 * DAY, atMost: Infinity },
})
const expiry = routing('expiry', { begins: undefined, sweep: { audience: 'points-expiring', at: '09:30' } })
const off = routing('off', { begins: undefined, sweep: { audience: 'birthday', at: '09:30' }, off: true })
const clock = handClock()
const send = inboxOf(db, clock, [greeting, expiry, off])

type Told = NonNullable<Exclude<EventInput['customer'], string>['birthday']>

/** A birthday is told at a time; answers the runs that began, and when their stories do. */
async function told(id: string, birthday: Told | null, { at, zone }: { at: string; zone?: string }): Promise<string[]> {
  clock.set(Date.parse(`${at}Z`))
  await send('profile.changed', { id, birthday, ...(zone !== undefined && { zone }) })
  return runsOf(id)
}

async function runsOf(id: string): Promise<string[]> {
  const runs = await enrolments(db, { customer: id }, 10)
  return runs.map((run) => `${run.id} ${run.starts_at.toISOString().slice(0, 16)}`).sort()
}

describe('a birthday is kept as it is told', () => {
  test.each<[string, Told, object]>([
    ['by our calendar', '1990-02-29', { month: 2, day: 29, calendar: 'solar' }],
    ['by the moon', { lunar: '08-30' }, { month: 8, day: 30, calendar: 'lunar' }],
    ['in a leap month', { lunar: '06-01', leap: true }, { month: 6, day: 1, calendar: 'lunar-leap' }],
  ])('%s', async (name, birthday, kept) => {
    const id = name.replaceAll(' ', '-')
    await told(id, birthday, { at: '2026-03-20T12:00' })
    await send('page.seen', { id, name: 'Ann' })
    const person = await customer(db, id)
    expect(person && birthdayOf(person)).toEqual(kept)
  })

  test('and one by the moon gives way to another, or to none', async () => {
    await told('changed', { lunar: '08-15' }, { at: '2026-03-20T12:00' })
    await told('changed', '08-15', { at: '2026-03-20T12:00' })
    expect(birthdayOf((await customer(db, 'changed'))!)).toEqual({ month: 8, day: 15, calendar: 'solar' })
    await told('changed', null, { at: '2026-03-20T12:00' })
    expect(birthdayOf((await customer(db, 'changed'))!)).toBeUndefined()
  })
})

describe('a birthday that is told after its sweep has gone', () => {
  test.each([
    ['in the early morning of the day: at its hour', 'early', 'UTC', '2026-05-06T06:00', '2026-05-06T09:30'],
    ['in the afternoon: at once', 'late', 'UTC', '2026-05-06T15:00', '2026-05-06T15:00'],
    [
      'on the eve, east of Greenwich, where the day is swept: at its hour',
      'east',
      'Asia/Tokyo',
      '2026-05-05T23:59',
      '2026-05-06T00:30',
    ],
    [
      'in the evening far west, when the day is over in Greenwich: at once',
      'west',
      'Pacific/Pago_Pago',
      '2026-05-07T08:00',
      '2026-05-07T08:00',
    ],
  ])('%s', async (_, id, zone, at, starts) => {
    const runs = await told(id, '05-06', { at, zone })
    // A second before UTC's midnight the sweep that covers Tokyo's morning is still to come.
    expect(runs).toEqual(id === 'east' ? [] : [`greeting/${id}/2026 ${starts}`])
    if (id === 'east')
      expect(await told(id, '05-06', { at: '2026-05-06T00:01', zone })).toEqual([`greeting/east/2026 ${starts}`])
  })

  test.each([
    ['the day before, with the sweep still to come', '05-07', '2026-05-06T23:59'],
    ['the day after: no gift comes late', '05-05', '2026-05-06T00:01'],
    ['a week ahead', '05-13', '2026-05-06T12:00'],
  ])('is nothing of ours %s', async (name, birthday, at) => {
    expect(await told(name.replaceAll(/[ :,]/g, '-'), birthday, { at, zone: 'UTC' })).toEqual([])
  })

  test('counts by the moon too, and on the 28th for a 29 February', async () => {
    // The 15th of the eighth lunar month.
    expect(await told('moon', { lunar: '08-15' }, { at: '2026-09-25T06:00', zone: 'UTC' })).toEqual([
      'greeting/moon/2026 2026-09-25T09:30',
    ])
    expect(await told('leapling', '02-29', { at: '2027-02-28T10:00', zone: 'UTC' })).toEqual([
      'greeting/leapling/2027 2027-02-28T10:00',
    ])
  })

  test('goes by the zone that is known, else by the shop’s', async () => {
    await told('zoned', null, { at: '2026-05-05T12:00', zone: 'Asia/Tokyo' })
    expect(await told('zoned', '05-06', { at: '2026-05-06T00:10' })).toEqual(['greeting/zoned/2026 2026-05-06T00:30'])
  })

  test('told again and again begins one run', async () => {
    for (const minute of ['10', '11', '12'])
      await told('again', '05-06', { at: `2026-05-06T06:${minute}`, zone: 'UTC' })
    expect(await runsOf('again')).toEqual(['greeting/again/2026 2026-05-06T09:30'])
  })
})

describe('another birthday in the same year', () => {
  test('brings no second gift', async () => {
    await told('twice', '05-06', { at: '2026-05-06T06:00', zone: 'UTC' })
    expect(await told('twice', '08-09', { at: '2026-08-09T06:00' })).toHaveLength(1)
  })

  test('nor early in the next one, which is told of', async () => {
    await told('soon', '12-30', { at: '2026-12-30T06:00', zone: 'UTC' })
    expect(await told('soon', '01-02', { at: '2027-01-02T06:00' })).toHaveLength(1)
    const refused = (await decisionsOf(db, 'soon')).filter(
      (one) => one.journey === 'greeting' && one.verdict === 'refused',
    )
    expect(refused).toMatchObject([{ code: 'REENTRY_TOO_SOON', detail: 'occasion 2027' }])
    // A year on all is well.
    expect(await told('soon', '01-02', { at: '2028-01-02T06:00' })).toHaveLength(2)
  })
})

test('a journey that is off keeps nobody’s late birthday, and says so once', async () => {
  await told('nobody', '05-06', { at: '2026-05-06T06:00', zone: 'UTC' })
  clock.pass(HOUR)
  await send('profile.changed', { id: 'nobody', birthday: '05-06' })
  const refused = (await decisionsOf(db, 'nobody')).filter((one) => one.journey === 'off')
  expect(refused).toMatchObject([{ verdict: 'refused', code: 'SWITCHED_OFF' }])
})
