import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Keep your tier',
    begins: { every: 'day', at: '10:00', audience: 'tier-ending' },
    goal: { on: 'tier.kept', within: '60 days' },
    exit: [{ on: 'tier.upgraded' }, { on: 'tier.downgraded' }],
    copy: {
      month: {
        subject: '{{ title }} until {{ until }}',
        text: 'You are {{ title }} until {{ until }}.\n\n{{ needed }} more growth value until then, and you stay it for another term.',
      },
      week: {
        subject: 'A last week as {{ title }}?',
        text: '{{ needed }} more growth value by {{ until }}, and you stay {{ title }}.',
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
