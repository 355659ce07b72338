import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'High value care',
    begins: { on: 'stage.changed', where: { to: 'high-value' } },
    // Who falls to another stage leaves; once a year at most.
    exit: { on: 'stage.changed', unless: { to: 'high-value' } },
    reentry: { when: 'after-exit', gap: '365 days' },
    holdout: 10,
    copy: {
      adviser: {
        en: `Thank you, from {{ adviser }}\n\n{% render 'header' %}\n\nit was good to talk with you. You have been with us a lot this year, and I am glad of it. Whenever you need something, answer this mail and it reaches me.\n\n{{ adviser }}`,
        'zh-CN': `{{ adviser }} 向您致谢\n\n{% render 'header' %}\n\n很高兴与您交流。感谢您这一年来的信任与支持。如有任何需要，直接回复这封邮件即可找到我。\n\n{{ adviser }}`,
      },
      thanks: {
        en: `Thank you for this year\n\n{% render 'header' %}\n\nyou have been with us a lot this year, and we are glad of it. Whenever you need something, answer this mail and a person reads it.`,
        'zh-CN': `感谢您这一年的陪伴\n\n{% render 'header' %}\n\n感谢您这一年来的信任与支持。如有任何需要，直接回复这封邮件，会有专人阅读并回复您。`,
      },
      card: {
        en: `Good wishes for the holiday\n\n{% render 'header' %}\n\nwe wish you and your family a good holiday. There is nothing to buy in this mail.`,
        'zh-CN': `祝您佳节安康\n\n{% render 'header' %}\n\n值此佳节，祝您和家人平安喜乐、团圆美满。这封信里没有任何推销。`,
      },
    },
  },
  async ({ task, send, waitUntil }) => {
    const note = 'Thank them in person, and ask what they need. Sell nothing.'
    const talk = await task('adviser', { within: { workingDays: 2 }, note })
    await (talk.done ? send('adviser', { adviser: talk.by }) : send('thanks'))
    // One of the two comes within eight months.
    await waitUntil({ festival: ['spring-festival', 'mid-autumn'], at: '09:30' })
    await send('card', {}, { within: '1 day' })
  },
)
