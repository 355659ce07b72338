import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSubscriptionToken, subscriptionToken } from '../../domain/token.ts'

const SECRET = 'a secret of the tests'
const ada = { customer: 'C1001', topic: 'marketing', channel: 'email' }

describe('an unsubscribe token', () => {
  it('says what it was made of, in URL-safe symbols', () => {
    const token = subscriptionToken(ada, SECRET)
    expect(token).toMatch(/^[\w.-]+$/)
    expect(readSubscriptionToken(token, SECRET)).toEqual(ada)
  })

  it('is worth nothing under another secret', () => {
    expect(readSubscriptionToken(subscriptionToken(ada, SECRET), 'another secret')).toBeUndefined()
  })

  it('is worth nothing for another customer', () => {
    const [, signature] = subscriptionToken(ada, SECRET).split('.')
    const [payload] = subscriptionToken({ ...ada, customer: 'C1002' }, SECRET).split('.')
    expect(readSubscriptionToken(`${payload}.${signature}`, SECRET)).toBeUndefined()
  })

  it('is worth nothing when it was cut, altered or made up', () => {
    const token = subscriptionToken(ada, SECRET)
    for (let end = 0; end < token.length - 1; end++) {
      expect(readSubscriptionToken(token.slice(0, end), SECRET)).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.string(), (text) => readSubscriptionToken(text, SECRET) === undefined),
      { seed: 1 },
    )
  })
})
