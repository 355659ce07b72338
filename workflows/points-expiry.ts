import { journey } from './kit/index.ts'

const LIST = '{% for one in points.by %}{{ one.amount }} until {{ one.date }}\n{% endfor %}'

export default journey(
  {
    title: 'Points expire',
    begins: { every: 'day', at: '10:00', audience: 'points-expiring', worth: 100 },
    reentry: { when: 'after-exit' },
    copy: {
      month: {
        subject: '{{ points.total }} points are yours until {{ points.last }}',
        text: `Hello {{ name }},\n\nso many of your points can be used only so long:\n\n${LIST}\nThere is time to find something you like.`,
      },
      week: {
        subject: '{{ points.total }} points expire within days',
        text: `Hello {{ name }},\n\nthese points expire soon:\n\n${LIST}`,
      },
      day: {
        subject: 'Your points expire: the first on {{ points.first }}',
        text: `Hello {{ name }},\n\nthe last reminder of these points:\n\n${LIST}`,
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
