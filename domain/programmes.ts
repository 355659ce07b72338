/** Two programmes to begin with. The first worker of a shop without one stores the first; `perennial tiers programme` sets others. */
import type { Programme } from './tier.ts'

const FIVE_LEVELS: Programme = {
  title: 'Five levels',
  levels: [
    { id: 'member', title: 'Member', from: 0 },
    {
      id: 'silver',
      title: 'Silver',
      from: 1_000,
      discount: 2,
      multiplier: 1.1,
      gift: { offer: 'tier-silver', valid: '30 days' },
    },
    {
      id: 'gold',
      title: 'Gold',
      from: 5_000,
      discount: 4,
      multiplier: 1.25,
      birthday: 'birthday-25',
      services: ['Free returns'],
      gift: { offer: 'tier-gold', valid: '30 days', points: 100, validDays: 365 },
    },
    {
      id: 'platinum',
      title: 'Platinum',
      from: 15_000,
      discount: 6,
      multiplier: 1.5,
      birthday: 'birthday-25',
      services: ['Free returns', 'Free shipping'],
      gift: { offer: 'tier-platinum', valid: '60 days', points: 500, validDays: 365 },
    },
    {
      id: 'diamond',
      title: 'Diamond',
      from: 50_000,
      discount: 8,
      multiplier: 2,
      birthday: 'birthday-30',
      services: ['Free returns', 'Free shipping', 'An adviser of your own'],
      gift: { offer: 'tier-diamond', valid: '60 days', points: 2_000, validDays: 365 },
    },
  ],
  window: { days: 365 },
  term: { months: 12 },
  downgrade: 'one-down',
  graceDays: 7,
  onRefund: 'term-end',
  nearMiss: { from: 80, to: 90 },
}

const THREE_LEVELS: Programme = {
  title: 'Three levels, by the calendar year',
  levels: [
    { id: 'member', title: 'Member', from: 0 },
    { id: 'silver', title: 'Silver', from: 2_000, discount: 3, gift: { offer: 'tier-silver', valid: '30 days' } },
    {
      id: 'gold',
      title: 'Gold',
      from: 10_000,
      discount: 5,
      multiplier: 1.5,
      birthday: 'birthday-25',
      services: ['Free shipping'],
      gift: { offer: 'tier-gold', valid: '30 days', points: 300, validDays: 365 },
    },
  ],
  window: 'calendar-year',
  term: { calendarYears: 2 },
  downgrade: 'balance-based',
  graceDays: 15,
  onRefund: 'at-once',
  nearMiss: { from: 80, to: 90 },
}

/** By the words the CLI knows them by. */
export const PROGRAMMES: Readonly<Record<string, Programme>> = {
  'five-levels': FIVE_LEVELS,
  'three-levels': THREE_LEVELS,
}

export const DEFAULT_PROGRAMME = FIVE_LEVELS
