import { journey } from './kit/index.ts'

const match = { topic: 'marketing' }

export default journey(
  {
    title: 'Reactivation',
    // Told of those alone whom a journey unsubscribed for their silence, when they come by themselves.
    begins: { on: 'silence.broken', where: match },
    reentry: { when: 'after-exit', gap: '180 days' },
    // An answer to their own visit, with nothing in it but the question.
    class: 'transactional',
    copy: {
      ask: {
        en: `Would you like to hear from us again?\n\n{% render 'header' %}\n\nyou have visited us. As you had not read our mails for long, we have stopped sending them. If you would like them again, please confirm within seven days:\n\n{{ links.confirm }}\n\nIf not, do nothing, and it stays as it is.`,
        'zh-CN': `是否恢复邮件订阅？\n\n{% render 'header' %}\n\n您刚刚访问了我们。由于您较长时间未阅读我们的邮件，我们已停止发送。如果您希望重新接收，请在七天内确认：\n\n{{ links.confirm }}\n\n如不需要，无需任何操作，一切保持不变。`,
      },
      welcome: {
        en: `Welcome back\n\n{% render 'header' %}\n\nit is confirmed, and you hear from us again. What, you choose here: {{ links.preferences }}`,
        'zh-CN': `欢迎回来\n\n{% render 'header' %}\n\n已为您恢复订阅。想收到哪些内容，可以在这里选择：{{ links.preferences }}`,
      },
    },
  },
  async ({ askConsent, send, waitForEvent }) => {
    const asked = await askConsent()
    if (!asked.asked) return
    await send('ask', {}, { within: '1 day' })
    if (await waitForEvent('consent.confirmed', { within: '7 days', match })) await send('welcome')
  },
)
