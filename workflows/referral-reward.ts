import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Referral reward',
    begins: { on: 'referral.qualified' },
    occasion: 'friend',
    exit: { on: 'referral.voided', sameOccasion: true },
    class: 'service',
    offers: {
      'referral-five': {
        title: 'A hundred yuan, for five friends',
        quota: 2_000,
        perMember: 3,
        gives: { amount: 100_00 },
        needs: { minimum: 300_00 },
      },
    },
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
      onVoid: 'claw-back',
    },
    copy: {
      thanks: {
        subject: 'Your friend has ordered: {{ reward.points.amount }} points for you',
        text: 'Hello {{ name }},\n\na friend you brought has ordered, and {{ reward.points.amount }} points are yours. That makes {{ friends }} friends so far.',
      },
      ladder: {
        subject: '{{ rung }} friends: something more for you',
        text: 'Hello {{ name }},\n\nwith {{ rung }} friends you have reached the next step, and its reward is yours. Thank you.',
      },
    },
  },
  async ({ wait, returnsOver, judge, review, approve, reward, climb, send }) => {
    await returnsOver()
    let risk = await judge()
    if (risk.outcome === 'hold') {
      await wait('3 days')
      risk = await judge()
    }
    if (risk.outcome === 'hold' || risk.outcome === 'review') {
      await review('referral', { within: '3 days', otherwise: 'deny' })
    }
    const approved = await approve()
    if (!approved.approved) return
    const given = await reward('advocate')
    await send('thanks', { reward: given, friends: approved.friends })
    for (const rung of await climb()) if (rung > 1) await send('ladder', { rung })
    // A refund out of goodwill can still come, and takes back what is there.
    await wait('75 days')
  },
  async ({ takeBackRewards }) => {
    await takeBackRewards()
  },
)
