import { journey } from './kit/index.ts'

/** What shows that somebody is still there, beside an order. */
const SIGNS = ['page.viewed', 'link.clicked', 'cart.added', 'customer.checked-in', 'assistant.added']

type Known = { standing: { stage: string; rfm: { m: number } | null; yearSpent: number } | null }
/** Inside their own rhythm nobody is given a discount, whatever they were when this began. */
const isAsleep = ({ standing }: Known): boolean => !standing || ['dormant', 'lost'].includes(standing.stage)
const isWorth = ({ standing }: Known): boolean => (standing?.rfm?.m ?? 0) >= 4 || (standing?.yearSpent ?? 0) >= 2_000_00

export default journey(
  {
    title: 'Win-back of the dormant',
    begins: { every: 'day', at: '10:00', audience: 'dormant' },
    goal: { on: 'order.paid', within: '60 days' },
    exit: { on: 'refund.disputed' },
    reentry: { when: 'after-exit', gap: '180 days' },
    holdout: 10,
    tags: ['win-back'],
    budget: { name: 'win-back', cap: 150_000_00 },
    offers: {
      'back-15': { title: 'Fifteen yuan off', quota: 10_000, perMember: 5, gives: { amount: 15_00 } },
      'back-40': { title: 'Forty yuan off', quota: 2_000, perMember: 5, gives: { amount: 40_00 } },
    },
    copy: {
      news: {
        en: `What is new since you were here\n\n{% render 'header' %}\n\nit has been a while. Some shelves have changed since, and a few things you may remember are still here. Have a look when you like.`,
        'zh-CN': `这段时间，店里添了些新东西\n\n{% render 'header' %}\n\n好久不见。货架换了一些，您熟悉的也有不少还在。有空时来看看就好。`,
      },
      modest: {
        en: `Fifteen yuan, if you like\n\n{% render 'header' %}\n\n{{ coupon.code }} takes fifteen yuan off your next order, until {{ coupon.expires }}.`,
        'zh-CN': `给您留了十五元\n\n{% render 'header' %}\n\n下一单可用 {{ coupon.code }} 减 15 元，有效期至 {{ coupon.expires }}。`,
      },
      strong: {
        en: `Forty yuan for a return\n\n{% render 'header' %}\n\nyou were with us for long, and we would like you back: {{ coupon.code }} takes forty yuan off your next order, until {{ coupon.expires }}.`,
        'zh-CN': `欢迎回来，四十元为您备好\n\n{% render 'header' %}\n\n您曾陪伴我们许久，我们很想再见到您：下一单可用 {{ coupon.code }} 减 40 元，有效期至 {{ coupon.expires }}。`,
      },
      sunset: {
        en: `Shall we stop writing?\n\n{% render 'header' %}\n\nwe do not want to be a nuisance. If you do not come by within two weeks, we stop writing of offers. You can have our letters again at any time: {{ links.preferences }}`,
        'zh-CN': `以后还要给您写信吗？\n\n{% render 'header' %}\n\n我们不想打扰您。若两周内您没有再来看看，我们就不再发送优惠信息。想恢复时，随时可以在这里设置：{{ links.preferences }}`,
      },
    },
  },
  async ({ wait, customer, issueCoupon, send, newest, unsubscribe }) => {
    await send('news')
    await wait({ days: 7, at: '10:00' })
    if (!isAsleep(await customer())) return
    await send('modest', { coupon: await issueCoupon('back-15', { valid: '7 days' }) })
    await wait({ days: 7, at: '10:00' })
    const facts = await customer()
    if (!isAsleep(facts)) return
    if (isWorth(facts)) await send('strong', { coupon: await issueCoupon('back-40', { valid: '10 days' }) })
    await wait({ days: 11, at: '10:00' })
    if (await newest(SIGNS)) return
    const told = await send('sunset', {}, { within: '7 days' })
    await wait('14 days')
    if (['sent', 'accepted'].includes(told.is) && !(await newest(SIGNS))) await unsubscribe('silence')
  },
)
