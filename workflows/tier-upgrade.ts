import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Tier upgrade',
    begins: { on: 'tier.upgraded', where: { again: false } },
    occasion: 'reached',
    exit: [{ on: 'tier.upgraded' }, { on: 'tier.downgraded' }],
    offers: {
      'tier-silver': { title: 'Ten yuan off, for Silver', quota: 100_000, perMember: 10, gives: { amount: 10_00 } },
      'tier-gold': { title: 'Ten percent off, for Gold', quota: 50_000, perMember: 10, gives: { percent: 10 } },
      'tier-platinum': {
        title: 'Fifteen percent off, for Platinum',
        quota: 20_000,
        perMember: 10,
        gives: { percent: 15 },
      },
      'tier-diamond': { title: 'Twenty percent off, for Diamond', quota: 5_000, perMember: 10, gives: { percent: 20 } },
    },
    copy: {
      congratulations: {
        subject: 'You are {{ title }} now',
        text: `Congratulations{% if name %}, {{ name }}{% endif %}: you are {{ title }} from today.
{% if discount > 0 %}
{{ discount }} % off everything, at the till.{% endif %}{% for service in services %}
{{ service }}.{% endfor %}{% if points > 0 %}
{{ points }} points, on your account already.{% endif %}{% if coupon %}
{{ coupon.title }}: {{ coupon.code }}, good until {{ coupon.expires }}.{% endif %}`,
      },
      nudge: {
        subject: 'What {{ title }} gives you',
        text: `{% if coupon %}{{ coupon.code }} still waits for you, until {{ coupon.expires }}.

{% endif %}As {{ title }} you have{% if discount > 0 %} {{ discount }} % off{% else %} more{% endif %} whenever you order. Have you tried it?`,
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
