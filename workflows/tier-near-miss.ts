import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Almost the next tier',
    begins: { every: 'day', at: '10:00', audience: 'tier-near-miss' },
    goal: { on: 'tier.upgraded', within: '30 days' },
    holdout: 10,
    copy: {
      near: {
        subject: 'Almost {{ title }}',
        text: 'Only {{ needed }} more growth value, and you are {{ title }}.',
      },
    },
  },
  async ({ send, customer }) => {
    const { tier } = await customer()
    if (tier?.next && tier.next.needed > 0) await send('near', { ...tier.next })
  },
)
