import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Almost the next tier',
    begins: { every: 'day', at: '10:00', audience: 'tier-near-miss' },
    goal: { on: 'tier.upgraded', within: '30 days' },
    holdout: 10,
    copy: {
      near: {
        en: 'Almost {{ title }}\n\nOnly {{ needed }} more growth value, and you are {{ title }}.',
        'zh-CN': '离 {{ title }} 只差一点\n\n再积累 {{ needed }} 成长值，您就升为 {{ title }} 了。',
      },
    },
  },
  async ({ send, customer }) => {
    const { tier } = await customer()
    if (tier?.next && tier.next.needed > 0) await send('near', { ...tier.next })
  },
)
