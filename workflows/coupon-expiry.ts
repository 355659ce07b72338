import { journey } from './kit/index.ts'

const LIST = '{% for one in coupons.coupons %}{{ one.title }}: {{ one.code }}, until {{ one.expires }}\n{% endfor %}'

export default journey(
  {
    title: 'Coupons expire',
    begins: { every: 'day', at: '10:00', audience: 'coupons-expiring', worth: 1 },
    reentry: { when: 'after-exit' },
    copy: {
      month: {
        subject: 'Yours until {{ coupons.last }}',
        text: `Hello {{ name }},\n\nthis is still yours:\n\n${LIST}`,
      },
      week: {
        subject: 'A week left, then it is gone',
        text: `Hello {{ name }},\n\nthis ends within days:\n\n${LIST}`,
      },
      day: {
        subject: 'It ends on {{ coupons.first }}',
        text: `Hello {{ name }},\n\nthe last reminder of what is yours:\n\n${LIST}`,
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
