import { journey } from './kit/index.ts'

const perMember = 10

export default journey(
  {
    title: 'Tier upgrade',
    begins: { on: 'tier.upgraded', where: { again: false } },
    occasion: 'reached',
    exit: [{ on: 'tier.upgraded' }, { on: 'tier.downgraded' }],
    offers: {
      'tier-silver': { title: 'Ten yuan off, for Silver', quota: 100_000, perMember, gives: { amount: 10_00 } },
      'tier-gold': { title: 'Ten percent off, for Gold', quota: 50_000, perMember, gives: { percent: 10 } },
      'tier-platinum': { title: 'Fifteen percent off, for Platinum', quota: 20_000, perMember, gives: { percent: 15 } },
      'tier-diamond': { title: 'Twenty percent off, for Diamond', quota: 5_000, perMember, gives: { percent: 20 } },
    },
    copy: {
      congratulations: {
        en: `You are {{ title }} now

Congratulations{% if name %}, {{ name }}{% endif %}: you are {{ title }} from today.
{% if discount > 0 %}
{{ discount }} % off everything, at the till.{% endif %}{% for service in services %}
{{ service }}.{% endfor %}{% if points > 0 %}
{{ points }} points, on your account already.{% endif %}{% if coupon %}
{{ coupon.title }}: {{ coupon.code }}, good until {{ coupon.expires }}.{% endif %}`,
        'zh-CN': `恭喜，您已升为 {{ title }}

{% if name %}{{ name }}，{% endif %}恭喜您，从今天起您就是 {{ title }} 了。
{% if discount > 0 %}
结账时全场立减 {{ discount }}%。{% endif %}{% for service in services %}
{{ service }}。{% endfor %}{% if points > 0 %}
{{ points }} 积分已到账。{% endif %}{% if coupon %}
{{ coupon.title }}：{{ coupon.code }}，{{ coupon.expires }} 前有效。{% endif %}`,
      },
      nudge: {
        en: `What {{ title }} gives you

{% if coupon %}{{ coupon.code }} still waits for you, until {{ coupon.expires }}.

{% endif %}As {{ title }} you have{% if discount > 0 %} {{ discount }} % off{% else %} more{% endif %} whenever you order. Have you tried it?`,
        'zh-CN': `您的 {{ title }} 礼遇

{% if coupon %}{{ coupon.code }} 还在等您，{{ coupon.expires }} 前有效。

{% endif %}您是 {{ title }}，每次下单都{% if discount > 0 %}立减 {{ discount }}%{% else %}有更多礼遇{% endif %}。您试过了吗？`,
      },
    },
  },
  async ({ grantTierBenefits, send, waitForEvent }) => {
    const benefits = await grantTierBenefits()
    if (!benefits.granted) return
    await send('congratulations', { ...benefits })
    // Who has ordered since knows what the level gives.
    if (await waitForEvent('order.paid', { within: '7 days' })) return
    await send('nudge', { ...benefits })
  },
)
