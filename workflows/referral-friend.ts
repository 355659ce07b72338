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
        subject: 'A friend sends you ten off',
        text: 'Hello {{ name }},\n\na friend of yours sent you to us: {{ coupon.code }} takes ten off your first order until {{ coupon.expires }}.',
      },
      last: {
        subject: 'Your friend’s gift ends soon',
        text: 'Hello {{ name }},\n\n{{ coupon.code }} takes ten off your first order until {{ coupon.expires }}. After that it is gone.',
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
