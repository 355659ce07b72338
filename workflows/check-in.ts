import { journey } from './kit/index.ts'

export default journey(
  {
    title: 'Check-in',
    begins: { on: 'customer.checked-in' },
    occasion: 'day',
    points: {
      'check-in': {
        title: 'Five points a day',
        earn: { fixed: 5 },
        validDays: 365,
        atMost: { points: 5, per: 'day' },
      },
    },
    copy: {},
  },
  async ({ awardPoints }) => {
    await awardPoints('check-in')
  },
)
