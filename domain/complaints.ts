/** How many of those who got mail called it unwanted, against what mail providers bear. */

export type ComplaintLevel = 'ok' | 'watch' | 'too many'

/** Gmail and Yahoo, sender guidelines since 2024-02: stay below 0.10 %, never reach 0.30 %. */
export const COMPLAINTS = { watch: 0.001, most: 0.003 } as const

/** The days over which it is counted; the providers look at each day, which is too few for a small shop. */
export const COMPLAINT_DAYS = 7

/** @returns null where nothing was sent */
export function complaintShare({ sent, complained }: { sent: number; complained: number }): number | null {
  return sent === 0 ? null : complained / sent
}

export function complaintLevel(share: number | null): ComplaintLevel {
  if (share === null || share < COMPLAINTS.watch) return 'ok'
  return share < COMPLAINTS.most ? 'watch' : 'too many'
}
