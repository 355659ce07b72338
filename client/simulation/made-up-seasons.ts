/** When made-up customers do things: hours, weekdays, and a few days of the year on which more is bought. */

/** Weights of the hours of a day on the customer's clock, of the weekdays from Sunday on, and of days of the year. */
const HOURS = [2, 1, 1, 1, 1, 1, 2, 4, 6, 8, 10, 11, 12, 10, 9, 8, 8, 8, 9, 11, 13, 14, 10, 5]
const WEEKDAYS = [1.2, 0.9, 0.9, 0.95, 1, 1.1, 1.25]
const SEASONS: Readonly<Record<string, number>> = {
  '11-27': 1.6,
  '12-11': 1.5,
  '12-12': 2.6,
  '12-24': 1.5,
  '12-31': 1.3,
  '01-01': 1.3,
  '06-18': 2.8,
  '11-11': 3.2,
}

export const HOUR_WEIGHTS = HOURS.map((weight, hour) => [hour, weight] as const)

/** No day weighs more. */
export const MOST = 1.25 * 3.2

/** How much a day weighs, which begins at a midnight in UTC. */
export function weightOf(day: number): number {
  const date = new Date(day)
  return (WEEKDAYS[date.getUTCDay()] ?? 1) * (SEASONS[date.toISOString().slice(5, 10)] ?? 1)
}
