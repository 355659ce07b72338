import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Review',
    begins: { on: 'review.published' },
    occasion: 'review',
    points: {
      review: {
        title: 'Twenty points a review',
        earn: { fixed: 20 },
        validDays: 365,
        atMost: [
          { points: 60, per: 'order' },
          { points: 100, per: 'day' },
        ],
      },
    },
    copy: {},
  },
  async ({ awardPoints }) => {
    await awardPoints('review')
  },
)
