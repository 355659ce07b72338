import { campaign } from './kit/index.ts'

export default campaign(
  {
    title: 'Member day',
    begins: { every: 'month', day: 15, at: '09:00' },
    ahead: '3 days',
    audience: { consent: 'marketing' },
    holdout: 5,
    goal: { on: 'order.paid', where: { memberDay: true }, within: '4 days' },
    tags: ['promotion'],
    hours: { from: '09:00', to: '21:00' },
    offers: {
      'member-day-half': {
        title: 'Half price on member day',
        quota: 12_000,
        perMember: 100,
        perOccasion: 100,
        gives: { percent: 50 },
      },
    },
    copy: {
      teaser: {
        en: "The 15th is yours\n\n{% render 'header' %}\n\nthe 15th is member day: double points all day, and half price for the first hundred at nine.",
        'zh-CN': "15 号会员日\n\n{% render 'header' %}\n\n15 号是会员日：全天双倍积分，上午九点前一百名会员可享半价。",
      },
      half: {
        en: 'Half price{% if name %}, {{ name }}{% endif %}\n\nYou are among the first hundred: {{ coupon.code }} is half price until {{ coupon.expires }}. Points count double all day.',
        'zh-CN':
          '{% if name %}{{ name }}，{% endif %}您的半价券\n\n您是前一百名会员之一：半价券 {{ coupon.code }}，{{ coupon.expires }} 前有效。全天双倍积分。',
      },
      double: {
        en: "Member day: points count double\n\n{% render 'header' %}\n\nthe hundred coupons are gone, and every order of today still earns double points.",
        'zh-CN': "会员日双倍积分\n\n{% render 'header' %}\n\n一百张半价券已领完，今天下单仍享双倍积分。",
      },
      live: {
        en: "Our live hour for you\n\n{% render 'header' %}\n\nat eight this evening we show what is new, live, for members of your level.",
        'zh-CN': "会员专属直播\n\n{% render 'header' %}\n\n今晚八点，我们为您的会员等级直播新品。",
      },
      hours: {
        en: "Double points until midnight\n\n{% render 'header' %}\n\nmember day ends at midnight: until then every order earns double points.",
        'zh-CN': "双倍积分今晚结束\n\n{% render 'header' %}\n\n会员日今晚零点结束，零点前下单仍享双倍积分。",
      },
    },
  },
  async ({ wave }) => {
    const engaged = { stage: ['new', 'active', 'high-value', 'reactivated'] } as const
    const half = { offer: 'member-day-half', valid: '1 day', otherwise: 'double' } as const
    await wave('teaser', { days: -3, at: '10:00', to: engaged, send: 'teaser' })
    await wave('day', { days: 0, at: '09:00', send: 'half', coupon: half })
    await wave('live', { days: 0, at: '12:00', to: { tier: 'diamond' }, send: 'live' })
    await wave('last-hours', {
      days: 0,
      at: '19:30',
      to: { not: { event: 'order.paid', within: '19 hours' } },
      send: 'hours',
    })
  },
)
