import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Birthday',
    begins: { every: 'day', at: '09:30', audience: 'birthday' },
    goal: { on: 'order.paid', within: '14 days' },
    holdout: 5,
    offers: {
      'birthday-20': { title: 'Twenty off, for your birthday', quota: 10_000, perMember: 20, gives: { percent: 20 } },
    },
    copy: {
      greeting: {
        subject: 'Happy birthday, {{ name }}',
        text: 'Happy birthday, {{ name }}!\n\n{{ coupon.code }} takes twenty off until {{ coupon.expires }}. Treat yourself.',
        locales: {
          'zh-CN': {
            subject: '{{ name }}，生日快乐',
            text: '{{ name }}，生日快乐！\n\n送您八折券 {{ coupon.code }}，有效期至 {{ coupon.expires }}。',
          },
        },
      },
    },
  },
  async ({ send, issueCoupon }) => {
    const coupon = await issueCoupon('birthday-20', { valid: '14 days' })
    await send('greeting', { coupon })
  },
)
