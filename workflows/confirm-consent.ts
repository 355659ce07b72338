import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Confirm consent',
    begins: { on: 'consent.asked' },
    occasion: 'ask',
    class: 'transactional',
    copy: {
      confirm: {
        en: 'Please confirm\n\nSomebody asked us to write to this address. If it was you, please confirm within seven days:\n\n{{ links.confirm }}\n\nIf it was not, do nothing, and we will not write again.',
        'zh-CN':
          '请确认您的订阅\n\n有人请我们向这个邮箱发送信息。如果是您本人，请在七天内确认：\n\n{{ links.confirm }}\n\n如果不是您，请不要理会，我们不会再写信给您。',
      },
    },
  },
  async ({ send }) => {
    await send('confirm')
  },
)
