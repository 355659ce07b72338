/** What every file in workflows/ is held to, beside what the catalogue refuses. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCatalogue } from '../client/catalogue.ts'
import { PLAN_LOCALE } from '../domain/locale.ts'
import { flawsOfPlan } from '../domain/ready-words.ts'
import { type Copy, variablesOf } from '../domain/template.ts'
import { ROOT } from './sources.ts'

const CHINESE = 'zh-CN'
const plans = [...(await readCatalogue()).values()].map(({ plan }) => [plan.name, plan] as const)
const inBoth = (copy: Copy) => [copy, copy.locales?.[CHINESE]] as const

describe.each(plans)('workflows/%s.ts', (name, plan) => {
  it('is under 60 lines', () => {
    expect(readFileSync(join(ROOT, 'workflows', `${name}.ts`), 'utf8').split('\n').length - 1).toBeLessThan(60)
  })

  it('has every message in English and in Chinese, with the same variables', () => {
    for (const [message, copy] of Object.entries(plan.copy)) {
      expect([copy.locale ?? PLAN_LOCALE, ...Object.keys(copy.locales ?? {})], message).toEqual([PLAN_LOCALE, CHINESE])
      const [english, chinese] = inBoth(copy)
      if (chinese) expect([...variablesOf(chinese)].sort(), message).toEqual([...variablesOf(english)].sort())
      expect(english.subject + english.text, message).not.toMatch(/\p{Script=Han}/u)
      expect(chinese?.subject, message).toMatch(/\p{Script=Han}/u)
    }
  })

  it('has words that nobody need approve or prove', () => {
    expect(flawsOfPlan(plan).filter(({ severity }) => severity !== 'note')).toEqual([])
  })
})

it('there are plans', () => {
  expect(plans.length).toBeGreaterThan(10)
})
