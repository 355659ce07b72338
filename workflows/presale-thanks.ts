import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Presale thanks',
    begins: { on: 'balance.paid' },
    occasion: 'order',
    exit: { on: 'order.refunded', sameOccasion: true },
    class: 'service',
    copy: {
      thanks: {
        en: `Thank you, it is yours\n\n{% render 'header' %}\n\nthe balance {% if product %}for {{ product }} {% endif %}has come, and the order is whole. We pack it next, and tell you when it leaves.`,
        'zh-CN': `尾款已收到，谢谢您\n\n{% render 'header' %}\n\n{% if product %}{{ product }} 的{% endif %}尾款已收到，订单已完成付款。接下来我们会安排打包，发出时会通知您。`,
      },
      left: {
        en: 'It is on its way\n\nYour order has left us{% if tracking %}: {{ tracking }}{% endif %}.',
        'zh-CN': '您的订单已发出\n\n您的订单已经发出{% if tracking %}，运单号 {{ tracking }}{% endif %}。',
      },
    },
  },
  async ({ beginning, send, waitForEvent }) => {
    const { order, product = null } = await beginning()
    await send('thanks', { product })
    const shipped = await waitForEvent('order.shipped', { within: '30 days', match: { order } })
    if (shipped) await send('left', { tracking: shipped.properties['tracking'] ?? null }, { within: '2 days' })
  },
)
