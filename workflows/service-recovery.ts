import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Service recovery',
    begins: { on: 'service.failed' },
    occasion: 'failure',
    exit: { on: 'service.withdrawn', sameOccasion: true },
    class: 'service',
    budget: { name: 'service-recovery', cap: 100_000_00 },
    offers: {
      'sorry-late': { title: 'Ten yuan, for the delay', quota: 20_000, perMember: 6, gives: { amount: 10_00 } },
      'sorry-stockout': { title: 'Twenty yuan, as it ran out', quota: 10_000, perMember: 6, gives: { amount: 20_00 } },
    },
    copy: {
      sorry: {
        en: `We are sorry about order {{ order }}\n\n{% render 'header' %}\n\n{% case kind %}{% when 'late' %}your order takes longer than we said. It is still on its way, and you need do nothing.{% when 'stockout' %}a part of your order is not to be had any more. What you paid for it goes back the way it came.{% else %}your order was not right. Once the goods are with us, your money goes back the way it came, and the points of the order are taken back.{% endcase %}{% if again %} As it is not the first time, a person of ours calls you.{% endif %}`,
        'zh-CN': `关于订单 {{ order }}，我们深表歉意\n\n{% render 'header' %}\n\n{% case kind %}{% when 'late' %}您的订单比承诺的时间晚了，仍在路上，您无需任何操作。{% when 'stockout' %}您的订单中有商品缺货，对应款项将原路退回。{% else %}很抱歉订单未能让您满意。收到退回的商品后，款项将原路退回，该订单的积分同时收回。{% endcase %}{% if again %}这已不是第一次，我们会有专人与您联系。{% endif %}`,
      },
      received: {
        en: 'Your return has come\n\nWhat you sent back of order {{ order }} has come. The refund is next.',
        'zh-CN': '已收到您的退货\n\n订单 {{ order }} 的退货已收到，接下来为您办理退款。',
      },
      coupon: {
        en: 'For the trouble\n\nSomething off your next order: {{ coupon.code }}, until {{ coupon.expires }}.',
        'zh-CN': '一点心意\n\n送您一张补偿券 {{ coupon.code }}，有效期至 {{ coupon.expires }}。',
      },
      well: {
        en: `Is all well now?\n\n{% render 'header' %}\n\nis order {{ order }} put right? If it is not, answer this mail and a person reads it.`,
        'zh-CN': `问题解决了吗？\n\n{% render 'header' %}\n\n订单 {{ order }} 的问题解决了吗？如果还没有，请直接回复，会有专人处理。`,
      },
    },
  },
  async ({ beginning, customer, tag, task, review, issueCoupon, send, wait, waitForEvent }) => {
    const { kind, order } = await beginning()
    const { tags } = await customer()
    // Two a year are given unasked, more by a person's word.
    const allowed = async (): Promise<boolean> =>
      (await review('compensation', { within: '2 days', otherwise: 'deny' })).decision === 'approve'
    await tag('let-down', { lasts: '30 days' })
    await send('sorry', { order, kind, again: tags.includes('let-down') })
    if (tags.includes('let-down')) await task('call', { within: { workingDays: 1 }, note: 'Let down twice.' })
    if (kind === 'return') {
      if (!(await waitForEvent('goods.received', { within: '30 days', match: { order } }))) return
      await send('received', { order })
      const refunded = await waitForEvent('order.refunded', { within: '7 days', match: { order } })
      if (!refunded) await task('refund', { within: { workingDays: 1 }, note: `Pay back ${JSON.stringify(order)}` })
    } else if (!tags.includes('sorry-again') || (await allowed())) {
      const coupon = await issueCoupon(kind === 'stockout' ? 'sorry-stockout' : 'sorry-late', { valid: '30 days' })
      if (coupon.issued) await tag(tags.includes('sorry') ? 'sorry-again' : 'sorry', { lasts: '365 days' })
      await send('coupon', { coupon })
    }
    await wait('3 days')
    await send('well', { order })
    // As long as the coupon is good the shop may still withdraw what it was given for.
    await wait('27 days')
  },
  async ({ voidCoupons }) => void (await voidCoupons()),
)
