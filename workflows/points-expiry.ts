import { journey } from './kit/index.ts'

const LIST = '{% for one in points.by %}{{ one.amount }} until {{ one.date }}\n{% endfor %}'
const LIST_ZH = '{% for one in points.by %}{{ one.amount }} 分，{{ one.date }} 到期\n{% endfor %}'

export default journey(
  {
    title: 'Points expire',
    begins: { every: 'day', at: '10:00', audience: 'points-expiring', worth: 100 },
    reentry: { when: 'after-exit' },
    copy: {
      month: {
        en: `{{ points.total }} points are yours until {{ points.last }}\n\n{% render 'header' %}\n\nso many of your points can be used only so long:\n\n${LIST}\nThere is time to find something you like.`,
        'zh-CN': `您有 {{ points.total }} 积分可用到 {{ points.last }}\n\n{% render 'header' %}\n\n您的这些积分有使用期限：\n\n${LIST_ZH}\n不急，可以慢慢挑一件喜欢的。`,
      },
      week: {
        en: `{{ points.total }} points expire within days\n\n{% render 'header' %}\n\nthese points expire soon:\n\n${LIST}`,
        'zh-CN': `您有 {{ points.total }} 积分即将到期\n\n{% render 'header' %}\n\n这些积分几天后就要到期了：\n\n${LIST_ZH}`,
      },
      day: {
        en: `Your points expire: the first on {{ points.first }}\n\n{% render 'header' %}\n\nthe last reminder of these points:\n\n${LIST}`,
        'zh-CN': `您的积分 {{ points.first }} 起到期\n\n{% render 'header' %}\n\n再提醒您一次，之后不再打扰：\n\n${LIST_ZH}`,
      },
    },
  },
  async ({ expiring, send }) => {
    for (const [daysBefore, message] of [
      [30, 'month'],
      [7, 'week'],
      [1, 'day'],
    ] as const) {
      const points = await expiring('points', { daysBefore })
      if (points) await send(message, { points }, points)
    }
  },
)
