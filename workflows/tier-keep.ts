import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Keep your tier',
    begins: { every: 'day', at: '10:00', audience: 'tier-ending' },
    goal: { on: 'tier.kept', within: '60 days' },
    exit: [{ on: 'tier.upgraded' }, { on: 'tier.downgraded' }],
    copy: {
      month: {
        en: '{{ title }} until {{ until }}\n\nYou are {{ title }} until {{ until }}.\n\n{{ needed }} more growth value until then, and you stay it for another term.',
        'zh-CN':
          '您的 {{ title }} 等级有效至 {{ until }}\n\n您的 {{ title }} 等级有效至 {{ until }}。\n\n在此之前再积累 {{ needed }} 成长值，即可续期。',
      },
      week: {
        en: 'A last week as {{ title }}?\n\n{{ needed }} more growth value by {{ until }}, and you stay {{ title }}.',
        'zh-CN':
          '您的 {{ title }} 等级即将到期\n\n{{ until }} 前再积累 {{ needed }} 成长值，您就可以继续保留 {{ title }} 等级。',
      },
    },
  },
  async ({ send, wait, customer }) => {
    const { tier } = await customer()
    if (!tier?.keep || tier.keep.needed === 0) return
    const { keep, title } = tier
    if (keep.daysLeft > 7) {
      await send('month', { title, ...keep })
      await wait({ days: keep.daysLeft - 7, at: '10:00' })
    }
    const later = (await customer()).tier
    if (later?.keep && later.keep.needed > 0) await send('week', { title: later.title, ...later.keep })
  },
)
