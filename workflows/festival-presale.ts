import { journey } from './kit/index.ts'

/** '2026-11-11 20:00' of '2026-11-11T20:00:00+08:00': the clock of the shop, whose zone the instant has. */
const clockOf = (instant: string): string => instant.slice(0, 16).replace('T', ' ')
const HOURS = 3_600_000

export default journey(
  {
    title: 'Festival presale',
    begins: { on: 'deposit.paid' },
    occasion: 'order',
    goal: { on: 'balance.paid', sameOccasion: true },
    exit: { on: 'deposit.refunded', sameOccasion: true },
    class: 'service',
    copy: {
      confirmed: {
        en: `Your deposit has come\n\n{% render 'header' %}\n\nyour deposit for {{ product }} has come, and one is kept for you. The balance can be paid from {{ opens }} to {{ ends }}, by the clock of our shop.\n\nWhat you agreed to: leave the balance unpaid and the deposit, up to a fifth of the price, is not given back; do we not deliver, you get it back twice. What you paid beyond a fifth comes back in any case, and your rights by law stay as they are.`,
        'zh-CN': `定金已收到\n\n{% render 'header' %}\n\n您为 {{ product }} 支付的定金已收到，商品已为您预留。尾款支付时间：{{ opens }} 至 {{ ends }}（以本店所在地时间为准）。\n\n定金规则：未在期限内支付尾款的，定金不予退还，定金以总价的百分之二十为限，超出部分会退还；我们不能履约的，双倍返还定金。您依法享有的其他权利不受影响。`,
      },
      opened: {
        en: 'The balance can be paid now\n\nFor {{ product }} the balance can be paid from now on, until {{ ends }} by the clock of our shop.',
        'zh-CN': '现在可以支付尾款\n\n{{ product }} 的尾款现在可以支付，截止时间 {{ ends }}（本店所在地时间）。',
      },
      open: {
        en: 'Your balance is still open\n\nThe balance for {{ product }} is not paid yet. It can be until {{ ends }} by the clock of our shop.',
        'zh-CN': '您的尾款尚未支付\n\n{{ product }} 的尾款尚未支付，截止时间 {{ ends }}（本店所在地时间）。',
      },
      hours: {
        en: 'Six hours left for your balance\n\nIn six hours, at {{ ends }} by the clock of our shop, the time to pay the balance for {{ product }} is over.',
        'zh-CN': '尾款支付还有六小时截止\n\n{{ product }} 的尾款将于 {{ ends }}（本店所在地时间）截止，还有六小时。',
      },
      last: {
        en: 'One hour left for your balance\n\nIn one hour, at {{ ends }} by the clock of our shop, the time to pay the balance for {{ product }} is over, and with it the deposit.',
        'zh-CN':
          '尾款支付还有一小时截止\n\n{{ product }} 的尾款将于 {{ ends }}（本店所在地时间）截止，逾期定金不予退还。',
      },
    },
  },
  async ({ beginning, waitUntil, send }) => {
    const { product, balanceOpens, balanceEnds } = await beginning()
    // A deposit without a time for its balance is no presale.
    if (typeof balanceOpens !== 'string' || typeof balanceEnds !== 'string') return
    const [opens, ends] = [balanceOpens, balanceEnds]
    const told = { product, opens: clockOf(opens), ends: clockOf(ends) }
    // Nothing is sent once the balance can no longer be paid, and no reminder whose time passed in a night or a pause.
    const news = { until: ends }
    await send('confirmed', told, news)
    if (await waitUntil({ instant: opens }, { late: 'skip' })) await send('opened', told, news)
    const long = Date.parse(ends) - Date.parse(opens) > 8 * HOURS
    if (long && (await waitUntil({ instant: opens, after: '2 hours' }, { late: 'skip' })))
      await send('open', told, news)
    if (await waitUntil({ instant: ends, before: '6 hours' }, { late: 'skip' })) await send('hours', told, news)
    if (await waitUntil({ instant: ends, before: '1 hour' }, { late: 'skip' })) await send('last', told, news)
    await waitUntil({ instant: ends })
  },
)
