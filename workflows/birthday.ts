import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Birthday',
    begins: { every: 'day', at: '09:30', audience: 'birthday' },
    // Whoever tells another birthday has no second gift for it within the year.
    reentry: { when: 'never', gap: '300 days' },
    goal: { on: 'order.paid', within: '14 days' },
    holdout: 5,
    offers: {
      'birthday-20': { title: 'Twenty off, for your birthday', quota: 10_000, perMember: 20, gives: { percent: 20 } },
      // The packs of levels that have one.
      'birthday-25': {
        title: 'Twenty-five off, for your birthday',
        quota: 10_000,
        perMember: 20,
        gives: { percent: 25 },
      },
      'birthday-30': { title: 'Thirty off, for your birthday', quota: 2_000, perMember: 20, gives: { percent: 30 } },
    },
    copy: {
      greeting: {
        en: 'Happy birthday{% if name %}, {{ name }}{% endif %}\n\nHappy birthday{% if name %}, {{ name }}{% endif %}!\n\n{{ coupon.title }}: {{ coupon.code }}, until {{ coupon.expires }}. Treat yourself.',
        'zh-CN':
          '{% if name %}{{ name }}，{% endif %}生日快乐\n\n{% if name %}{{ name }}，{% endif %}生日快乐！\n\n送您一份生日礼「{{ coupon.title }}」：{{ coupon.code }}，{{ coupon.expires }} 前有效。',
      },
    },
  },
  async ({ send, issueCoupon }) => {
    const coupon = await issueCoupon('birthday-20', { valid: '14 days', pack: 'birthday' })
    await send('greeting', { coupon })
  },
)
