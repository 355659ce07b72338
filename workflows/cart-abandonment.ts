import { journey } from './kit/index.ts'

/** Below a sentence what can be had of the cart, at the price that the shop told last. */
const list = (colon: string, stop: string): string =>
  `{% if cart.items %}${colon}\n{% for one in cart.items %}{% unless one.stock == 0 %}\n{{ one.title }}{% if one.amount %}  ¥{{ one.amount | divided_by: 100.0 }}{% endif %}{% endunless %}{% endfor %}{% else %}${stop}{% endif %}`
const [LIST, LIST_ZH] = [list(':', '.'), list('：', '。')]
const CHANGES = ['cart.added', 'cart.changed']
const sameOccasion = true
const needs = { minimum: 50_00 }

/** Whether nothing of a cart can be had any more. */
const isGone = (items: unknown): boolean =>
  Array.isArray(items) && items.length > 0 && items.every((one: { stock?: unknown }) => one.stock === 0)

export default journey(
  {
    title: 'Cart abandonment',
    begins: { on: 'cart.added' },
    occasion: 'cart',
    goal: { on: 'order.paid', within: '7 days', shares: 'cart' },
    exit: ['checkout.started', 'cart.emptied', 'order.paid'].map((on) => ({ on, sameOccasion })),
    holdout: 10,
    priority: 40,
    tags: ['cart'],
    budget: { name: 'carts', cap: 100_000_00 },
    offers: {
      'cart-5': { title: 'Five off', quota: 20_000, perMember: 2, gives: { percent: 5, atMost: 30_00 }, needs },
    },
    copy: {
      waiting: {
        en: `Your cart is kept\n\n{% render 'header' %}\n\nwe have kept what you chose${LIST}\n\nIt is where you left it.`,
        'zh-CN': `购物车替您留着\n\n{% render 'header' %}\n\n您挑选的都还在${LIST_ZH}\n\n随时回来，都在原处。`,
      },
      questions: {
        en: `Anything unclear?\n\n{% render 'header' %}\n\nthis is still in your cart, as it is today${LIST}\n\nIf something kept you, a size or the delivery, answer this mail and a person reads it.`,
        'zh-CN': `还有什么不确定的吗？\n\n{% render 'header' %}\n\n购物车里还有这些，价格以今天为准${LIST_ZH}\n\n尺码、配送，有拿不准的请直接回复，我们会有人阅读。`,
      },
      last: {
        en: `A last word about your cart\n\n{% render 'header' %}\n\nwe will not write of this cart again${LIST}{% if coupon.issued %}\n\n{{ coupon.code }} takes five percent off until {{ coupon.expires }}.{% endif %}`,
        'zh-CN': `关于购物车，再提醒您一次\n\n{% render 'header' %}\n\n这是关于它的最后一封信${LIST_ZH}{% if coupon.issued %}\n\n{{ coupon.code }} 可享九五折，有效期至 {{ coupon.expires }}。{% endif %}`,
      },
    },
  },
  async ({ beginning, newest, waitForEvent, issueCoupon, send }) => {
    const { cart, amount } = await beginning()
    // A small basket is decided soon, a large one is slept on.
    const first = Number(amount) < 200_00 ? 0.5 : Number(amount) > 1_000_00 ? 4 : 1
    const hours = { waiting: first, questions: 24 - first, last: 48 }
    for (const message of ['waiting', 'questions', 'last'] as const) {
      await waitForEvent('order.paid', { within: `${hours[message]} hours`, match: { cart }, restart: CHANGES })
      const now = (await newest(CHANGES, { match: { cart } }))?.properties ?? {}
      if (isGone(now.items)) return
      const saves = message === 'last' && Number(now.amount) >= needs.minimum
      const coupon = saves && (await issueCoupon('cart-5', { valid: '3 days' }))
      await send(message, { cart: now, coupon }, { within: '3 days' })
    }
  },
)
