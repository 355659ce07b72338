import { journey } from '../../../workflows/kit/index.ts'

export default journey(
  {
    title: 'The same message, a workflow each',
    goal: { on: 'order.paid', within: '7 days' },
    channels: ['log'],
    copy: {
      hello: {
        en: 'The day of members\n\nHello {{ name }}, today everything that carries the sign of the day is half price. {{ links.preferences }}',
        'zh-CN': '会员日\n\n{{ name }}您好，今天带有会员日标记的商品全部半价。{{ links.preferences }}',
      },
    },
  },
  async ({ send }) => {
    await send('hello')
  },
)
