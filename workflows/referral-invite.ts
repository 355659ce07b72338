import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Referral invitation',
    begins: { on: 'order.paid' },
    occasion: 'order',
    // Once a life: the first order makes an advocate.
    reentry: { when: 'any', atMost: 1 },
    exit: { on: 'order.refunded', sameOccasion: true },
    copy: {
      invite: {
        subject: 'Ten off for a friend, a reward for you',
        text: 'Hello {{ name }},\n\nthank you for your order. Your code {{ referral.code }} takes ten off a friend’s first order. When that order stays with your friend, 500 points are yours; with three friends and with five there is more. The code is good until {{ referral.ends }}.',
      },
    },
  },
  async ({ wait, referralCode, send }) => {
    await wait({ days: 3, at: '10:00' })
    const referral = await referralCode('referral-reward')
    if (referral.given) await send('invite', { referral })
  },
)
