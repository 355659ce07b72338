import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Order rewards',
    begins: { on: 'order.paid' },
    occasion: 'order',
    exit: { on: 'order.refunded', sameOccasion: true, whole: true },
    points: {
      order: {
        title: 'A point a yuan',
        earn: { perYuan: 1 },
        // Member day: points count double.
        bonuses: { 'member-day': { times: 2, on: { day: 15 } } },
        tier: true,
        pending: true,
        validDays: 365,
      },
      growth: { title: 'Growth value', unit: 'growth', earn: { perYuan: 1 }, pending: true },
    },
    copy: {},
  },
  async ({ wait, awardPoints, settlePoints }) => {
    await awardPoints('order')
    await awardPoints('growth')
    // The time in which the order may be returned.
    await wait('15 days')
    await settlePoints()
    // A refund out of goodwill can still come, and takes back what is there.
    await wait('75 days')
  },
  ({ takeBackPoints }) => takeBackPoints(),
)
