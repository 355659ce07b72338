import { campaign } from '../../../workflows/kit/index.ts'

export default campaign(
  {
    title: 'One message to everybody',
    audience: 'everybody',
    goal: { on: 'order.paid', within: '7 days' },
    channels: ['log'],
    copy: {
      hello: {
        en: 'The day of members\n\nHello {{ name }}, today everything that carries the sign of the day is half price. {{ links.preferences }}',
        'zh-CN': '会员日\n\n{{ name }}您好，今天带有会员日标记的商品全部半价。{{ links.preferences }}',
      },
    },
  },
  async ({ wave }) => {
    await wave('day', { days: 0, at: '00:00', send: 'hello', late: 'now' })
  },
)
