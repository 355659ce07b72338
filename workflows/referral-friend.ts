import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Brought by a friend',
    begins: { on: 'referral.accepted' },
    goal: { on: 'order.paid', within: '30 days' },
    offers: {
      'referral-friend-10': {
        title: 'Ten off, from a friend',
        quota: 10_000,
        perMember: 1,
        gives: { percent: 10 },
        needs: { firstOrder: true },
        onRefund: 'lost',
      },
    },
    copy: {
      welcome: {
        en: "A friend sends you ten off\n\n{% render 'header' %}\n\na friend of yours sent you to us: {{ coupon.code }} takes ten off your first order until {{ coupon.expires }}.",
        'zh-CN':
          "朋友送您一张九折券\n\n{% render 'header' %}\n\n您的朋友把我们介绍给了您。首单可用 {{ coupon.code }} 享九折，有效期至 {{ coupon.expires }}。",
      },
      last: {
        en: "Your friend’s gift ends soon\n\n{% render 'header' %}\n\n{{ coupon.code }} takes ten off your first order until {{ coupon.expires }}. After that it is gone.",
        'zh-CN':
          "朋友送您的券即将到期\n\n{% render 'header' %}\n\n{{ coupon.code }} 的首单九折到 {{ coupon.expires }} 为止，过期作废。",
      },
    },
  },
  async ({ wait, issueCoupon, send }) => {
    const coupon = await issueCoupon('referral-friend-10', { valid: '30 days' })
    await send('welcome', { coupon })
    await wait('25 days')
    await send('last', { coupon })
  },
)
