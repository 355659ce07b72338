import { afterAll, describe, expect, test } from 'vitest'
import { PLAIN } from '../../domain/delivery.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { approveWording, wordings } from '../../store/wordings.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { NOON, behindLock, planFacts, wakesOf } from '../store/given.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const says = (name: string, text: string, more: object = {}) =>
  planFacts(name, { copy: { hello: { subject: 'Hello', text } }, ...more })

describe('the wording check', () => {
  test('skips what the law forbids, on the words as they are read', async () => {
    const shop = await openShop(db, [says('plain', '{{ name }}'), says('best', '国\u200b家 级好货')])
    await shop.event('customer.registered', person('W1', { name: '国家级' }))
    expect(await shop.send('best', 'W1')).toEqual({ is: 'skipped', code: 'WORDING_BLOCKED' })
    expect(await shop.send('plain', 'W1')).toEqual({ is: 'skipped', code: 'WORDING_BLOCKED' })
    expect((await shop.row('best', 'W1'))?.detail).toContain('国家级')
    expect((await decisionsOf(db, 'W1')).at(-1)?.detail).toContain('国家级')
    expect(shop.channel.calls).toEqual([])
  })

  test('lets false friends pass, and what is transactional', async () => {
    const receipt = says('receipt', '国家级', { class: 'transactional', begins: { on: 'order.paid' } })
    const shop = await openShop(db, [says('friends', '最近上新，第一时间告诉你'), receipt])
    await shop.event('customer.registered', person('W2'))
    await shop.event('order.paid', 'W2')
    expect(await shop.send('friends', 'W2')).toEqual({ is: 'sent' })
    expect(await shop.send('receipt', 'W2')).toEqual({ is: 'sent' })
  })
})

const { review, evidence } = await terms()

/** A term of each kind, out of the list as it is. */
async function terms(): Promise<{ review: string; evidence: string }> {
  const { TERMS } = await import('../../domain/wording-terms.ts')
  const of = (severity: string): string => TERMS.find((one) => one.severity === severity)?.term ?? ''
  return { review: of('review'), evidence: of('evidence') }
}

describe('words that a person has to agree to', () => {
  test('are held until somebody does, and then go out to everybody', async () => {
    const shop = await openShop(db, [says('asked', `Hello, ${review}`)])
    for (const id of ['R1', 'R2']) {
      await shop.event('customer.registered', person(id))
      expect(await shop.send('asked', id)).toEqual({ is: 'held', code: 'WORDING_REVIEW', until: null })
    }
    const [line] = (await wordings(db)).filter((one) => one.journey === 'asked')
    expect(line).toMatchObject({ message: 'hello', held: 2, approved_at: null, words: { text: `Hello, ${review}` } })
    expect(line?.terms.map((one) => one.term)).toEqual([review])
    const yes = { hash: line?.hash ?? '', by: 'Eve', now: NOON }
    expect(await approveWording(db, yes)).toEqual({ journey: 'asked', message: 'hello', woken: 2 })
    expect(await approveWording(db, yes)).toMatchObject({ woken: 0 })
    expect((await wakesOf(db)).filter((run) => run.startsWith('asked/')).sort()).toEqual(['asked/R1', 'asked/R2'])
    for (const id of ['R1', 'R2']) expect(await shop.send('asked', id)).toEqual({ is: 'sent' })
    expect(await shop.verdictsOf('R1')).toEqual(['held WORDING_REVIEW', 'sent'])
    expect(await approveWording(db, { ...yes, hash: 'nothing' })).toBeUndefined()
  })

  test('a yes is to exactly these words, and to the terms that were seen', async () => {
    const first = await openShop(db, [says('exact', `Hello, ${review}`)])
    await first.event('customer.registered', person('R3'))
    await first.send('exact', 'R3')
    const [line] = (await wordings(db)).filter((one) => one.journey === 'exact')
    await approveWording(db, { hash: line?.hash ?? '', by: 'Eve', now: NOON })
    const changed = await openShop(db, [says('exact', `Hello again, ${review}`)])
    expect(await changed.send('exact', 'R3')).toMatchObject({ code: 'WORDING_REVIEW' })
    expect(await first.send('exact', 'R3')).toEqual({ is: 'sent' })
  })

  test('a yes that is given while the gate asks is not missed', async () => {
    const shop = await openShop(db, [says('raced', `Hello, ${review}`)])
    for (const id of ['R4', 'R5']) await shop.event('customer.registered', person(id))
    await shop.send('raced', 'R4')
    const [line] = (await wordings(db)).filter((one) => one.journey === 'raced')
    const answer = await behindLock(db, 'R5', {
      work: () => shop.send('raced', 'R5'),
      meanwhile: () => approveWording(db, { hash: line?.hash ?? '', by: 'Eve', now: NOON }),
    })
    expect(answer).toEqual({ is: 'sent' })
  })

  test('a term that needs proof passes with the evidence of the plan or of the message, and is put to a person without', async () => {
    const copy = { hello: { subject: 'Hello', text: `Hello ${evidence}` } }
    const bare = planFacts('bare', { copy })
    const proven = planFacts('proven', { copy, delivery: { ...PLAIN, evidence: [evidence] } })
    const once = planFacts('once', { copy, delivery: { ...PLAIN, messages: { hello: { evidence: [evidence] } } } })
    const shop = await openShop(db, [bare, proven, once])
    await shop.event('customer.registered', person('R6'))
    expect((await shop.send('bare', 'R6')).is).toBe('held')
    expect((await shop.send('proven', 'R6')).is).toBe('sent')
    expect((await shop.send('once', 'R6')).is).toBe('sent')
  })
})
