import { campaign } from './kit/index.ts'

export default campaign(
  {
    title: 'Before a festival',
    begins: {
      every: 'festival',
      festivals: ['spring-festival', 'dragon-boat', 'mid-autumn', '520', '618', 'double-eleven', 'double-twelve'],
      at: '10:00',
    },
    ahead: '14 days',
    audience: { consent: 'marketing' },
    holdout: 10,
    goal: { on: 'order.paid', within: '21 days' },
    tags: ['promotion'],
    hours: { from: '09:00', to: '20:00' },
    copy: {
      first: {
        en: "In two weeks\n\n{% render 'header' %}\n\nthe festival is two weeks away. What we have for it can be seen now, and set aside.",
        'zh-CN': "还有两周\n\n{% render 'header' %}\n\n节日还有两周，节日好物已经上架，可以先收藏。",
      },
      week: {
        en: "A week to go\n\n{% render 'header' %}\n\na week to go: what is ordered now is there in time.",
        'zh-CN': "还有一周\n\n{% render 'header' %}\n\n还有一周，现在下单可在节前送达。",
      },
      last: {
        en: "Two days to go\n\n{% render 'header' %}\n\ntwo days to go. Orders until this evening leave today.",
        'zh-CN': "还有两天\n\n{% render 'header' %}\n\n还有两天，今晚前下单今天发货。",
      },
    },
  },
  async ({ wave }) => {
    const known = { stage: ['new', 'active', 'high-value', 'reactivated', 'at-risk'] } as const
    await wave('first', { days: -14, at: '10:00', to: { stage: ['active', 'high-value'] }, send: 'first' })
    await wave('week', { days: -7, at: '10:00', to: known, send: 'week' })
    await wave('last', { days: -2, at: '10:00', send: 'last' })
  },
)
