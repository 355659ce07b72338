import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Share',
    // WeChat bars rewards for the act of sharing (docs/operations.md): switched on only for channels whose rules allow it.
    off: true,
    begins: { on: 'product.shared' },
    occasion: 'share',
    points: {
      share: { title: 'Two points a share', earn: { fixed: 2 }, validDays: 365, atMost: { points: 4, per: 'day' } },
    },
    copy: {},
  },
  async ({ awardPoints }) => {
    await awardPoints('share')
  },
)
