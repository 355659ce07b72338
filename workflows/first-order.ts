import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'First order',
    begins: { on: 'customer.registered', unless: { import: true } },
    goal: { on: 'order.paid', within: '14 days' },
    exit: { on: 'assistant.added' },
    holdout: 10,
    priority: 20,
    tags: ['newcomer'],
    budget: { name: 'new-customers', cap: 200_000_00, journeyCap: 150_000_00 },
    offers: {
      'first-order-10': {
        title: 'Ten off the first order',
        quota: 10_000,
        perMember: 1,
        gives: { percent: 10, atMost: 50_00 },
        needs: { firstOrder: true },
      },
    },
    copy: {
      welcome: {
        en: "Ten off your first order\n\n{% render 'header' %}\n\n{{ coupon.code }} takes ten off your first order. It is yours until {{ coupon.expires }}.",
        'zh-CN':
          "首单九折，请查收\n\n{% render 'header' %}\n\n首单可用 {{ coupon.code }} 享九折，有效期至 {{ coupon.expires }}。",
      },
      saving: {
        en: "Still ten off\n\n{% render 'header' %}\n\n{{ coupon.code }} still takes ten off your first order.",
        'zh-CN': "九折券还在等您\n\n{% render 'header' %}\n\n{{ coupon.code }} 仍可用于首单，享九折。",
      },
      last: {
        en: "Your ten off ends soon\n\n{% render 'header' %}\n\n{{ coupon.code }} takes ten off until {{ coupon.expires }}. After that it is gone.",
        'zh-CN':
          "您的九折券即将到期\n\n{% render 'header' %}\n\n{{ coupon.code }} 的九折优惠到 {{ coupon.expires }} 为止，过期作废。",
      },
    },
  },
  async ({ wait, waitForEvent, send, issueCoupon, split }) => {
    const coupon = await issueCoupon('first-order-10', { valid: '7 days' })
    await send('welcome', { coupon })
    if (await waitForEvent('cart.added', { within: '3 days' })) await wait('1 hour')
    await split('nudge', { saving: () => send('saving', { coupon }), silence: () => {} })
    await wait('2 days')
    await send('last', { coupon })
  },
)
