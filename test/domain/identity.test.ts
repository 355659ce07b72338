import { describe, expect, test } from 'vitest'
import { identitiesOf, normalEmail, readPhone } from '../../domain/identity.ts'

const hashOf = (known: Parameters<typeof identitiesOf>[0], key = 'key'): string[] =>
  identitiesOf(known, key).map((one) => one.hash)

describe('a phone', () => {
  test.each([
    ['+86 139 1234 5678', '+8613912345678'],
    ['139-1234-5678', '+8613912345678'],
    ['0044 (20) 7946 0958', '+442079460958'],
  ])('%s is %s', (text, phone) => expect(readPhone(text)).toBe(phone))

  test.each(['12345', '+0123456789', 'ada', '+1234567890123456', '23912345678'])('%s is none', (text) =>
    expect(readPhone(text)).toBeUndefined(),
  )
})

describe('a mail address', () => {
  test.each([
    ['Ada.L+shop@GMail.com', 'adal@gmail.com'],
    ['a.d.a.l@googlemail.com', 'adal@gmail.com'],
    ['Ada.L+shop@mail.example', 'ada.l@mail.example'],
  ])('%s is %s', (text, email) => expect(normalEmail(text)).toBe(email))
})

describe('identities', () => {
  test('are the same for what is the same, written in another way', () => {
    expect(hashOf({ address: '3号楼, 中山路 12' })).toEqual(hashOf({ address: '3号楼　中山路１２' }))
    expect(hashOf({ phone: '13912345678' })).toEqual(hashOf({ phone: '+86 139 1234 5678' }))
    expect(hashOf({ email: 'A+1@mail.example' })).toEqual(hashOf({ email: 'a@mail.example' }))
  })

  test('of another kind, or under another key, have nothing in common', () => {
    expect(hashOf({ device: 'x' })).not.toEqual(hashOf({ payment: 'x' }))
    expect(hashOf({ device: 'x' }, 'one')).not.toEqual(hashOf({ device: 'x' }, 'two'))
  })

  test('of nothing are none', () => expect(identitiesOf({ email: null, address: ' - ' }, 'key')).toEqual([]))
})
