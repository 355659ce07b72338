import { describe, expect, it } from 'vitest'
import { checkCampaign } from '../../domain/contracts/campaign.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { PLAIN } from '../../domain/delivery.ts'

const DAY = 86_400_000
const good = { title: 'Test', copy: { hello: { subject: 'Hello', text: 'Hello {{ name }}' } } }

describe('a good plan', () => {
  it('is filled in, with spans in ms', () => {
    expect(checkPlan('test', good)).toEqual({
      name: 'test',
      title: 'Test',
      begins: undefined,
      goal: undefined,
      exits: [],
      holdout: 0,
      occasion: undefined,
      reentry: { when: 'never', gap: 0, atMost: Infinity },
      class: 'marketing',
      topic: 'marketing',
      delivery: PLAIN,
      copy: good.copy,
      offers: {},
      points: {},
      rewards: {},
      sweep: undefined,
    })
  })

  it('says how its messages go out', () => {
    const plan = checkPlan('test', {
      ...good,
      purpose: 'profiling',
      priority: 10,
      tags: ['promotion'],
      channels: ['push', 'sms', 'email'],
      evidence: ['first'],
      messages: { hello: { channels: ['sms'], tags: ['short'] } },
    })
    expect(plan.delivery).toEqual({
      purpose: 'profiling',
      priority: 10,
      tags: ['promotion'],
      channels: ['push', 'sms', 'email'],
      evidence: ['first'],
      messages: { hello: { channels: ['sms'], tags: ['short'] } },
    })
  })

  it.each([
    ['channels', { channels: [] }],
    ['channels.0', { channels: ['pigeon'] }],
    ['channels', { channels: ['sms', 'sms'] }],
    ['priority', { priority: 0.5 }],
    ['tags.0', { tags: ['Two words'] }],
    ['messages.bye', { messages: { bye: { channels: ['sms'] } } }],
  ])('may not say wrong what %s are', (field, more) => {
    expect(() => checkPlan('test', { ...good, ...more })).toThrow(
      expect.objectContaining({ code: 'JOURNEY_INVALID', field }),
    )
  })

  it('says all that it may say', () => {
    const plan = checkPlan('cart-2', {
      ...good,
      begins: { on: 'cart.added', where: { channel: 'web' }, unless: { import: true } },
      goal: { on: 'order.paid', within: '14 days', shares: 'cart' },
      exit: [{ on: 'cart.emptied', sameOccasion: true }, { on: 'customer.deleted' }],
      points: { order: { title: 'A point a yuan', earn: { perYuan: 1 }, bonuses: { festival: 2 } } },
      holdout: 7.5,
      occasion: 'cart',
      reentry: { when: 'after-exit', gap: '1 day', atMost: 3 },
      class: 'service',
      topic: 'carts',
      offers: { ten: { title: 'Ten off', quota: 0, perMember: 1 } },
    })
    expect(plan.begins).toEqual({ on: 'cart.added', where: { channel: 'web' }, unless: { import: true } })
    expect(plan.goal).toEqual({ on: 'order.paid', within: 14 * DAY, shares: 'cart' })
    expect(plan.exits).toEqual([{ on: 'cart.emptied', sameOccasion: true }, { on: 'customer.deleted' }])
    expect(plan.points).toEqual({ order: { title: 'A point a yuan', earn: { perYuan: 1 }, bonuses: { festival: 2 } } })
    expect(plan.reentry).toEqual({ when: 'after-exit', gap: DAY, atMost: 3 })
  })

  it('says what an occasion may give of an offer where its runs are of one', () => {
    const ten = { title: 'Ten off', quota: 100, perMember: 1, perOccasion: 10 }
    const more = { ...good, offers: { ten } }
    const begins = { every: 'day', at: '09:30', audience: 'birthday' }
    for (const plan of [
      checkPlan('test', { ...more, occasion: 'cart' }),
      checkPlan('test', { ...more, begins }),
      checkCampaign('test', { ...more, audience: 'everybody' }),
    ])
      expect(plan.offers['ten']).toEqual(ten)
  })

  it('has one exit or many, a goal with an end or without, a day or an event', () => {
    expect(checkPlan('test', { ...good, exit: { on: 'a.b' } }).exits).toEqual([{ on: 'a.b' }])
    expect(checkPlan('test', { ...good, goal: { on: 'a.b' } }).goal).toEqual({ on: 'a.b', within: null })
    const swept = checkPlan('test', { ...good, begins: { every: 'day', at: '09:30', audience: 'birthday' } })
    expect(swept.begins).toBeUndefined()
    expect(swept.sweep).toEqual({ audience: 'birthday', at: '09:30' })
  })
})

describe('words as letters', () => {
  const copyOf = (letters: object) => checkPlan('test', { ...good, copy: { hello: letters } }).copy['hello']

  it('have the subject in the first line, and the first language is the plan’s own', () => {
    const english = 'Ten off\n\nHello {{ name }},\n\nten off.\n'
    expect(copyOf({ en: english })).toEqual({ locale: 'en', subject: 'Ten off', text: 'Hello {{ name }},\n\nten off.' })
    expect(copyOf({ 'zh-CN': ' 九折 \n \n您好\n', en: english, 'de-AT': 'Zehn\n\n\nGrüß Gott' })).toEqual({
      locale: 'zh-CN',
      subject: '九折',
      text: '您好',
      locales: {
        en: { subject: 'Ten off', text: 'Hello {{ name }},\n\nten off.' },
        'de-AT': { subject: 'Zehn', text: 'Grüß Gott' },
      },
    })
  })

  it('may stand beside words that are written field by field', () => {
    const letters = { en: 'Hello\n\nHello {{ name }}' }
    const { copy } = checkPlan('test', { ...good, copy: { ...good.copy, bye: letters } })
    expect(copy).toEqual({ ...good.copy, bye: { ...good.copy.hello, locale: 'en' } })
  })

  it.each([
    ['copy.hello.en', { en: 'Hello {{ name }}' }, /the subject in the first line/],
    ['copy.hello.en', { en: 'Hello\nHello {{ name }}' }, /then an empty line/],
    ['copy.hello.en', { en: '\n\nHello {{ name }}' }, /the subject in the first line/],
    ['copy.hello.en', { en: 'Hello\n\n \n' }, /then the text/],
    ['copy.hello.zh-CN', { en: 'Hello\n\nHello', 'zh-CN': '' }, /the subject/],
    ['copy.hello.en', { en: { subject: 'Hello', text: 'Hello' } }, /a letter/],
    ['copy.hello.zh_CN', { zh_CN: '您好\n\n您好' }, /letters by language/],
    ['copy.hello', {}, /at least one letter/],
    ['copy.hello', 'Hello\n\nHello', /expected/],
    ['copy.hello.subject', { subject: '', text: 'Hello' }, /1/],
    ['copy.hello.locales.zh-CN.text', { ...good.copy.hello, locales: { 'zh-CN': { subject: '您好' } } }, /text/],
  ])('name %s: %j', (field, hello, message) => {
    const check = (): unknown => checkPlan('test', { ...good, copy: { hello } })
    expect(check).toThrow(expect.objectContaining({ code: 'JOURNEY_INVALID', field }))
    expect(check).toThrow(message)
  })

  it('are held to what a plan’s own words name, as all words are', () => {
    expect(() => copyOf({ en: 'Hello\n\nHello', 'zh-CN': '您好\n\n{{ coupon.code }}' })).toThrow(/VARIABLE_UNKNOWN/)
    expect(() => copyOf({ en: 'Hello {{ name\n\nHello' })).toThrow(
      expect.objectContaining({ code: 'TEMPLATE_SYNTAX', field: 'test.copy.hello.subject' }),
    )
  })
})

describe('a bad plan', () => {
  it.each([
    ['title', { title: '' }, /title/],
    ['plan', { nonsense: 1 }, /"nonsense"/],
    ['begins.on', { begins: { on: 'Order Paid' } }, /noun\.past/],
    ['begins', { begins: 'order.paid' }, /expected \{ on: 'order\.paid' \}/],
    ['begins', { begins: { every: 'week', at: '09:30', audience: 'birthday' } }, /every: 'day'/],
    ['goal.within', { goal: { on: 'order.paid', within: '2 dayz' } }, /'2 dayz' is not a duration/],
    ['goal', { goal: { on: 'order.paid', when: 'soon' } }, /"when"/],
    ['exit.on', { exit: { on: 'left' } }, /noun\.past/],
    ['exit.shares', { exit: { on: 'order.paid', shares: '' } }, /1/],
    ['holdout', { holdout: 60 }, /50/],
    ['reentry.when', { reentry: { when: 'always' } }, /"after-exit"/],
    ['reentry.gap', { reentry: { when: 'any', gap: 'a while' } }, /'a while' is not a duration/],
    ['reentry.atMost', { reentry: { when: 'any', atMost: 0 } }, /1/],
    ['class', { class: 'spam' }, /"marketing"/],
    ['copy', { copy: undefined }, /copy/],
    ['copy.hello.text', { copy: { hello: { subject: 'Hello' } } }, /text/],
    ['offers.ten.quota', { offers: { ten: { title: 'Ten', quota: -1, perMember: 1 } } }, /quota/],
    ['offers.ten.buckets', { offers: { ten: { title: 'Ten', quota: 1, perMember: 1, buckets: 65 } } }, /64/],
    ['offers.ten.limitBy.0', { offers: { ten: { title: 'Ten', quota: 1, perMember: 1, limitBy: ['shoe'] } } }, /phone/],
    [
      'offers.ten.perOccasion',
      { occasion: 'cart', offers: { ten: { title: 'Ten', quota: 1, perMember: 1, perOccasion: 0 } } },
      /1/,
    ],
    [
      'offers.ten.perOccasion',
      { offers: { ten: { title: 'Ten', quota: 1, perMember: 1, perOccasion: 1 } } },
      /knows no occasions/,
    ],
    [
      'offers.ten.gives.percent',
      { offers: { ten: { title: 'Ten', quota: 1, perMember: 1, gives: { percent: 101 } } } },
      /100/,
    ],
    [
      'offers.ten.gives',
      { offers: { ten: { title: 'Ten', quota: 1, perMember: 1, gives: { amount: 0.5 } } } },
      /gives/,
    ],
    [
      'offers.ten.onRefund',
      { offers: { ten: { title: 'Ten', quota: 1, perMember: 1, onRefund: { reissue: 'soon' } } } },
      /onRefund/,
    ],
    ['offers.ten.perMember', { offers: { ten: { title: 'Ten', quota: 1, perMember: 0.5 } } }, /perMember/],
    ['occasion', { exit: { on: 'order.refunded', sameOccasion: true } }, /sameOccasion needs one/],
    ['occasion', { goal: { on: 'order.paid', sameOccasion: true } }, /sameOccasion needs one/],
    ['points.order.earn', { points: { order: { title: 'Order', earn: { perCent: 1 } } } }, /expected \{ perYuan: 1 \}/],
    ['points.order.earn', { points: { order: { title: 'Order', earn: { fixed: 0.5 } } } }, /perYuan/],
    [
      'points.order.validDays',
      { points: { order: { title: 'Order', earn: { fixed: 1 }, validDays: -1 } } },
      /validDays/,
    ],
    [
      'points.order.atMost',
      { points: { order: { title: 'Order', earn: { fixed: 1 }, atMost: { points: 5, per: 'week' } } } },
      /expected \{ points: 50, per: 'day' \}/,
    ],
    [
      'points.order.bonuses.gold',
      { points: { order: { title: 'Order', earn: { fixed: 1 }, bonuses: { gold: { times: 2, on: 'sunday' } } } } },
      /on: 'birthday'/,
    ],
    ['exit', { exit: { on: 'order.refunded', whole: true } }, /only the refund of an order/],
    [
      'exit',
      { occasion: 'cart', exit: { on: 'order.refunded', sameOccasion: true, whole: true } },
      /occasion: 'order'|only/,
    ],
    ['begins.worth', { begins: { every: 'day', at: '10:00', audience: 'points-expiring', worth: 0 } }, /begins/],
    ['points.order', { points: { order: { title: 'Order', earn: { fixed: 1 }, tier: true } } }, /perYuan/],
    [
      'points.order',
      { points: { order: { title: 'O', unit: 'growth', earn: { perYuan: 1 }, tier: true } } },
      /unit points/,
    ],
    [
      'points.order',
      { points: { order: { title: 'O', earn: { perYuan: 1 }, tier: true, bonuses: { tier: 2 } } } },
      /bonus/,
    ],
    ['points.Order', { points: { Order: { title: 'Order', earn: { fixed: 1 } } } }, /points\.Order/],
  ])('names the file and %s: %j', (field, change, message) => {
    const check = (): unknown => checkPlan('test', { ...good, ...change })
    expect(check).toThrow(expect.objectContaining({ code: 'JOURNEY_INVALID', field }))
    expect(check).toThrow(/workflows\/test\.ts/)
    expect(check).toThrow(message)
  })

  it.each([undefined, null, 'plan', []])('is no plan at all: %j', (plan) => {
    expect(() => checkPlan('test', plan)).toThrow(expect.objectContaining({ code: 'JOURNEY_INVALID', field: 'plan' }))
  })

  it.each(['First', 'first_order', '1st', 'first order', 'sweep', ''])('has the name %j', (name) => {
    expect(() => checkPlan(name, good)).toThrow(expect.objectContaining({ code: 'JOURNEY_INVALID' }))
  })

  it('has words that cannot be read', () => {
    const copy = { hello: { subject: 'Hello', text: 'one\n{{ name' } }
    expect(() => checkPlan('test', { ...good, copy })).toThrow(
      expect.objectContaining({ code: 'TEMPLATE_SYNTAX', field: 'test.copy.hello.text' }),
    )
  })
})
