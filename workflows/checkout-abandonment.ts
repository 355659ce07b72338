import { journey } from './kit/index.ts'

const NEWS = ['checkout.started', 'cart.changed']
const sameOccasion = true

export default journey(
  {
    title: 'Checkout abandonment',
    begins: { on: 'checkout.started' },
    occasion: 'cart',
    goal: { on: 'order.paid', within: '3 days', shares: 'cart' },
    exit: ['cart.emptied', 'order.paid'].map((on) => ({ on, sameOccasion })),
    holdout: 10,
    priority: 50,
    tags: ['cart'],
    copy: {
      halfway: {
        en: `Your order is not finished yet\n\n{% render 'header' %}\n\nyou were about to order{% if cart.amount %} for ¥{{ cart.amount | divided_by: 100.0 }}{% endif %}, and the payment did not come through. All is kept: one step is left.\n\nIf something went wrong at our end, answer this mail.`,
        'zh-CN': `您的订单还差一步\n\n{% render 'header' %}\n\n您刚才的订单{% if cart.amount %}（¥{{ cart.amount | divided_by: 100.0 }}）{% endif %}还没有完成支付。内容都为您保留着，只差这一步。\n\n如果是我们这边出了问题，请直接回复本邮件。`,
      },
      tomorrow: {
        en: `Shall we keep your order?\n\n{% render 'header' %}\n\nyour order{% if cart.amount %} for ¥{{ cart.amount | divided_by: 100.0 }}{% endif %} is still open. Another way to pay, or another address? You can change both at the checkout.`,
        'zh-CN': `订单还要为您保留吗？\n\n{% render 'header' %}\n\n您的订单{% if cart.amount %}（¥{{ cart.amount | divided_by: 100.0 }}）{% endif %}仍未完成。想换支付方式或收货地址，都可以在结算页修改。`,
      },
    },
  },
  async ({ beginning, newest, waitForEvent, send }) => {
    const { cart } = await beginning()
    for (const [within, message] of [
      ['30 minutes', 'halfway'],
      ['23.5 hours', 'tomorrow'],
    ] as const) {
      await waitForEvent('order.paid', { within, match: { cart }, restart: NEWS })
      const now = await newest(NEWS, { match: { cart } })
      await send(message, { cart: now?.properties ?? {} }, { within: '1 day' })
    }
  },
)
