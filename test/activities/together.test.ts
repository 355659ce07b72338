import { describe, expect, test, vi } from 'vitest'
import { together } from '../../activities/together.ts'
import { pending } from './given.ts'

/** Asks are words; those that begin with the same letter are apart. Remembers its pages and who was asked alone. */
function crowd(
  answers: Partial<Pick<Parameters<typeof together<string, string>>[0], 'all' | 'alone' | 'most' | 'gatherMs'>> = {},
) {
  const pages: string[][] = []
  const alone: string[] = []
  const ask = together<string, string>({
    all: async (page) => {
      pages.push([...page])
      return answers.all ? answers.all(page) : new Map(page.map((one) => [one, `${one} in a page`]))
    },
    alone: async (one) => {
      alone.push(one)
      return answers.alone ? answers.alone(one) : `${one} alone`
    },
    apartBy: (one) => one.slice(0, 1),
    ...(answers.most !== undefined && { most: answers.most }),
    ...(answers.gatherMs !== undefined && { gatherMs: answers.gatherMs }),
  })
  return { ask, pages, alone }
}

describe('calls that come together', () => {
  test('are one page, and each has its own answer', async () => {
    const { ask, pages } = crowd()
    expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['a in a page', 'b in a page', 'c in a page'])
    expect(pages).toEqual([['a', 'b', 'c']])
  })

  test('while a page is under way are the next one, however long that takes', async () => {
    const first = pending<ReadonlyMap<string, string>>()
    const { ask, pages } = crowd({
      all: (page) => (page.includes('a') ? first.answer : Promise.resolve(new Map(page.map((one) => [one, one])))),
    })
    const a = ask('a')
    await expect.poll(() => pages.length).toBe(1)
    const others = ['b', 'c'].map(ask)
    first.give(new Map([['a', 'first']]))
    expect(await Promise.all([a, ...others])).toEqual(['first', 'b', 'c'])
    expect(pages).toEqual([['a'], ['b', 'c']])
  })

  test('that must be apart are in pages one after the other, in their order', async () => {
    const { ask, pages } = crowd()
    await Promise.all(['a1', 'b1', 'a2', 'a3', 'c1'].map(ask))
    expect(pages).toEqual([['a1', 'b1', 'c1'], ['a2'], ['a3']])
  })

  test('wait for one another where somebody is waiting already, and never where nobody is', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      const first = pending<ReadonlyMap<string, string>>()
      const { ask, pages } = crowd({
        all: (page) => (page.includes('a') ? first.answer : Promise.resolve(new Map(page.map((one) => [one, one])))),
        gatherMs: 10,
      })
      const a = ask('a')
      await expect.poll(() => pages.length).toBe(1)
      const b = ask('b')
      first.give(new Map([['a', 'first']]))
      expect(await a).toBe('first')
      await vi.advanceTimersByTimeAsync(9)
      const c = ask('c')
      expect(pages).toEqual([['a']])
      await vi.advanceTimersByTimeAsync(1)
      expect(await Promise.all([b, c])).toEqual(['b', 'c'])
      expect(pages).toEqual([['a'], ['b', 'c']])
    } finally {
      vi.useRealTimers()
    }
  })

  test('are so many a page at most', async () => {
    const { ask, pages } = crowd({ most: 2 })
    await Promise.all(['a', 'b', 'c'].map(ask))
    expect(pages).toEqual([['a', 'b'], ['c']])
  })
})

describe('who is not answered in a page', () => {
  test('is asked alone, and the next page does not wait for that', async () => {
    const slow = pending<string>()
    const { ask, pages, alone } = crowd({
      all: (page) => Promise.resolve(new Map(page.filter((one) => one !== 'a').map((one) => [one, one]))),
      alone: () => slow.answer,
    })
    const a = ask('a')
    expect(await Promise.all(['b', 'c'].map(ask))).toEqual(['b', 'c'])
    expect(await ask('d')).toBe('d')
    slow.give('at last')
    expect(await a).toBe('at last')
    expect([pages, alone]).toEqual([[['a', 'b', 'c'], ['d']], ['a']])
  })

  test('and answers nothing is answered all the same', async () => {
    const { ask, alone } = crowd({ all: (page) => Promise.resolve(new Map(page.map((one) => [one, '']))) })
    expect(await ask('a')).toBe('')
    expect(alone).toEqual([])
  })
})

test('a page that fails fails nobody but whom it failed for', async () => {
  const { ask, alone } = crowd({
    all: () => Promise.reject(new Error('the page failed')),
    alone: (one) => (one === 'b' ? Promise.reject(new Error('b fails')) : Promise.resolve(one)),
  })
  const answers = await Promise.allSettled(['a', 'b', 'c'].map(ask))
  expect(answers.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
    'a',
    'Error: b fails',
    'c',
  ])
  expect(alone).toEqual(['a', 'b', 'c'])
  // The page after it is asked as if nothing had been.
  expect((await Promise.allSettled([ask('b'), ask('d')])).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
  ])
})
