import { describe, expect, it } from 'vitest'
import { chooseLocale } from '../../domain/locale.ts'

describe('the language of the words', () => {
  it.each([
    ['the customer’s own', ['zh-CN', 'en'], ['en', 'zh-CN', 'de'], 'zh-CN'],
    ['whatever the capitals', ['ZH-cn'], ['en', 'zh-CN'], 'zh-CN'],
    ['its language where there is no such region', ['de-AT', null], ['en', 'de'], 'de'],
    ['a script before the language', ['zh-Hant-TW'], ['en', 'zh-CN', 'zh-Hant'], 'zh-Hant'],
    ['another region of it rather than another language', ['zh-TW'], ['en', 'zh-CN'], 'zh-CN'],
    ['a region for who told the language alone', ['zh'], ['en', 'zh-CN'], 'zh-CN'],
    ['the shop’s where the customer’s is not there', ['fr', 'zh-CN'], ['en', 'zh-CN'], 'zh-CN'],
    ['the plan’s own before the shop’s, where it is the customer’s', ['en-GB', 'zh-CN'], ['en', 'zh-CN'], 'en'],
    ['the shop’s where the customer told none', [null, 'zh-CN'], ['en', 'zh-CN'], 'zh-CN'],
    ['the plan’s own where nothing fits', ['fr', 'de'], ['en', 'zh-CN'], 'en'],
  ])('is %s', (_, wanted, there, chosen) => expect(chooseLocale(wanted, there)).toBe(chosen))
})
