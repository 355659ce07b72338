import { journey } from './kit/index.ts'

const LIST = '{% for one in coupons.coupons %}{{ one.title }}: {{ one.code }}, until {{ one.expires }}\n{% endfor %}'
const LIST_ZH = '{% for one in coupons.coupons %}{{ one.title }}：{{ one.code }}，{{ one.expires }} 到期\n{% endfor %}'

export default journey(
  {
    title: 'Coupons expire',
    begins: { every: 'day', at: '10:00', audience: 'coupons-expiring', worth: 1 },
    reentry: { when: 'after-exit' },
    copy: {
      month: {
        en: `Yours until {{ coupons.last }}\n\n{% render 'header' %}\n\nthis is still yours:\n\n${LIST}`,
        'zh-CN': `您的券可用到 {{ coupons.last }}\n\n{% render 'header' %}\n\n这些券还在您的账户里：\n\n${LIST_ZH}`,
      },
      week: {
        en: `A week left, then it is gone\n\n{% render 'header' %}\n\nthis ends within days:\n\n${LIST}`,
        'zh-CN': `您有券即将到期\n\n{% render 'header' %}\n\n这些券几天后就要到期了：\n\n${LIST_ZH}`,
      },
      day: {
        en: `It ends on {{ coupons.first }}\n\n{% render 'header' %}\n\nthe last reminder of what is yours:\n\n${LIST}`,
        'zh-CN': `您的券 {{ coupons.first }} 到期\n\n{% render 'header' %}\n\n再提醒您一次，之后不再打扰：\n\n${LIST_ZH}`,
      },
    },
  },
  async ({ expiring, send }) => {
    for (const [daysBefore, message] of [
      [30, 'month'],
      [7, 'week'],
      [1, 'day'],
    ] as const) {
      const coupons = await expiring('coupons', { daysBefore })
      if (coupons) await send(message, { coupons }, coupons)
    }
  },
)
