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
        en: "Ten off for a friend, a reward for you\n\n{% render 'header' %}\n\nthank you for your order. Your code {{ referral.code }} takes ten off a friend’s first order. When that order stays with your friend, 500 points are yours; with three friends and with five there is more. The code is good until {{ referral.ends }}.",
        'zh-CN':
          "送朋友九折，您也有积分\n\n{% render 'header' %}\n\n感谢您的订购。您的专属码 {{ referral.code }} 可让朋友首单享九折。朋友收货且不退货后，500 积分归您；满三位、满五位朋友另有答谢。此码有效期至 {{ referral.ends }}。",
      },
    },
  },
  async ({ wait, referralCode, send }) => {
    await wait({ days: 3, at: '10:00' })
    const referral = await referralCode('referral-reward')
    if (referral.given) await send('invite', { referral })
  },
)
