import { journey } from './kit/index.ts'

const INTERESTS = ['baby', 'beauty', 'home'] as const
const needs = { minimum: 59_00, firstOrder: true }

export default journey(
  {
    title: 'Welcome',
    begins: { on: 'customer.registered', unless: { import: true } },
    goal: { on: 'order.paid', within: '30 days' },
    holdout: 10,
    priority: 10,
    tags: ['newcomer'],
    budget: 'new-customers',
    offers: { 'welcome-10': { title: 'Ten yuan off', quota: 20_000, perMember: 1, gives: { amount: 10_00 }, needs } },
    copy: {
      assistant: {
        en: `Somebody to ask\n\n{% render 'header' %}\n\nwelcome. Our shop assistant answers questions about sizes and orders, tells you when something is back, and is a person. Add the assistant from the first page of the app; a small coupon waits for you there.`,
        'zh-CN': `有问题，随时可以问\n\n{% render 'header' %}\n\n欢迎您。我们的专属顾问可以为您解答尺码和订单问题，到货时也会告诉您，对面是真人。在 App 首页添加顾问即可，还有一张小券在等您。`,
      },
      coupon: {
        en: `Ten yuan for your first order\n\n{% render 'header' %}\n\n{{ coupon.code }} takes ten yuan off a first order of 59 yuan or more, until {{ coupon.expires }}.`,
        'zh-CN': `送您一张十元券\n\n{% render 'header' %}\n\n首单满 59 元可用 {{ coupon.code }} 减 10 元，有效期至 {{ coupon.expires }}。`,
      },
      baby: {
        en: `For the first years\n\n{% render 'header' %}\n\nwhat fits at which age: we have sorted things for babies by month, so that you need not.`,
        'zh-CN': `陪宝宝慢慢长大\n\n{% render 'header' %}\n\n哪个月龄用什么，我们按月份替您整理好了，不必再费心比较。`,
      },
      beauty: {
        en: `A calm routine\n\n{% render 'header' %}\n\nthree steps are enough for most skin. We have written down which, and why.`,
        'zh-CN': `简单护肤就好\n\n{% render 'header' %}\n\n多数肌肤三步就够了。用哪三步、为什么，我们写在了护肤笔记里。`,
      },
      home: {
        en: `Small things for the house\n\n{% render 'header' %}\n\na lamp, a good pan, a towel that lasts: things that customers of ours keep using.`,
        'zh-CN': `给家里添点小东西\n\n{% render 'header' %}\n\n一盏灯、一口好锅、一条耐用的毛巾：都是老顾客一直在用的。`,
      },
      general: {
        en: `Where to begin\n\n{% render 'header' %}\n\nthere is a lot here. Our customers tell what they would buy again; it is a good place to begin.`,
        'zh-CN': `从哪里逛起\n\n{% render 'header' %}\n\n东西不少，不妨先看看老顾客们愿意回购的，从那里逛起。`,
      },
      last: {
        en: `Your ten yuan end on {{ coupon.expires }}\n\n{% render 'header' %}\n\n{{ coupon.code }} still takes ten yuan off a first order, until {{ coupon.expires }}. If nothing was for you this time, that is fine too.`,
        'zh-CN': `十元券 {{ coupon.expires }} 到期\n\n{% render 'header' %}\n\n{{ coupon.code }} 首单仍可减 10 元，有效期至 {{ coupon.expires }}。这次没有合适的，也没关系。`,
      },
    },
  },
  async ({ wait, waitForEvent, issueCoupon, send, customer }) => {
    const met = await waitForEvent('assistant.added', { within: '1 day' })
    if (!met) await send('assistant') // On the first day first-order speaks alone, and for a week with who does not come.
    if (!met) await waitForEvent('assistant.added', { within: '6 days' })
    const coupon = await issueCoupon('welcome-10', { valid: '10 days' })
    await send('coupon', { coupon })
    await wait({ days: 3, at: '10:00' })
    const { tags } = await customer()
    await send(INTERESTS.find((one) => tags.includes(one)) ?? 'general')
    await wait({ days: 5, at: '10:00' })
    await send('last', { coupon }, { within: '1 day' })
  },
)
