import { journey } from './kit/index.ts'

const hundred = { gives: { amount: 100_00 }, needs: { minimum: 300_00 } }

export default journey(
  {
    title: 'Referral reward',
    begins: { on: 'referral.qualified' },
    occasion: 'friend',
    exit: { on: 'referral.voided', sameOccasion: true },
    class: 'service',
    offers: { 'referral-five': { title: 'A hundred yuan, for five friends', quota: 2_000, perMember: 3, ...hundred } },
    points: {
      friend: { title: 'For a friend', earn: { fixed: 500 }, validDays: 365 },
      first: { title: 'For the first friend', earn: { fixed: 100 }, validDays: 365 },
      three: { title: 'For three friends', earn: { fixed: 1_000 }, validDays: 365 },
    },
    rewards: {
      advocate: { points: 'friend' },
      first: { points: 'first' },
      three: { points: 'three' },
      five: { coupon: 'referral-five', valid: '90 days' },
    },
    referral: {
      friend: 'referral-friend-10',
      advocate: 'advocate',
      minimum: 100_00,
      returns: '15 days',
      attribution: '30 days',
      codes: { limit: 100, valid: '365 days' },
      ladder: { 1: 'first', 3: 'three', 5: 'five' },
      atMost: 20,
    },
    copy: {
      thanks: {
        en: "Your friend has ordered: {{ reward.points.amount }} points for you\n\n{% render 'header' %}\n\na friend you brought has ordered, and {{ reward.points.amount }} points are yours. Friends you have brought so far: {{ friends }}.",
        'zh-CN':
          "您的朋友下单了：{{ reward.points.amount }} 积分已到账\n\n{% render 'header' %}\n\n您介绍的朋友下单了，{{ reward.points.amount }} 积分已到您的账户。至今您已介绍 {{ friends }} 位朋友，谢谢您。",
      },
      ladder: {
        en: "{{ rung }} friends: something more for you\n\n{% render 'header' %}\n\nwith {{ rung }} friends you have reached the next step, and its reward is yours. Thank you.",
        'zh-CN':
          "满 {{ rung }} 位朋友，另有答谢\n\n{% render 'header' %}\n\n您介绍的朋友已满 {{ rung }} 位，这一级的答谢已归您。谢谢您。",
      },
    },
  },
  async ({ wait, returnsOver, judge, review, approve, reward, climb, send }) => {
    await returnsOver()
    let risk = await judge()
    if (risk.outcome === 'hold') risk = await wait('3 days').then(judge)
    if (['hold', 'review'].includes(risk.outcome)) await review('referral', { within: '3 days', otherwise: 'deny' })
    const approved = await approve()
    if (!approved.approved) return
    await send('thanks', { reward: await reward('advocate'), friends: approved.friends })
    for (const rung of await climb()) if (rung > 1) await send('ladder', { rung })
    await wait('75 days') // A refund out of goodwill can still come, and takes back what is there.
  },
  ({ takeBackRewards }) => takeBackRewards(),
)
