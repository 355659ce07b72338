/** How many messages of the network one SMS is, which is what it costs. */

/** GSM 03.38, the default alphabet (3GPP TS 23.038, 6.2.1); those of the second string take two places. */
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
const EXTENDED = new Set('\f^{}\\[~]|€')

export interface Segments {
  encoding: 'GSM-7' | 'UCS-2'
  /** Places taken: septets, or UTF-16 units. */
  units: number
  /** At least 1. */
  segments: number
}

/**
 * @param text the whole text as the customer gets it: signature, words and refusal suffix
 * @param phone E.164; numbers of mainland China are billed by 70 and 67 characters whatever the letters (Aliyun, Tencent: billing)
 */
export function segmentsOf(text: string, phone: string): Segments {
  const letters = [...text]
  const gsm = !phone.startsWith('+86') && letters.every((letter) => BASIC.has(letter) || EXTENDED.has(letter))
  const costs = letters.map((letter) => (gsm ? (EXTENDED.has(letter) ? 2 : 1) : letter.length))
  const units = costs.reduce((sum, cost) => sum + cost, 0)
  const [single, part] = gsm ? [160, 153] : [70, 67]
  return { encoding: gsm ? 'GSM-7' : 'UCS-2', units, segments: units <= single ? 1 : parts(costs, part) }
}

/** A letter of two places is not cut in the middle, so that a part may stay one short. */
function parts(costs: readonly number[], most: number): number {
  let count = 1
  let used = 0
  for (const cost of costs) {
    if (used + cost > most) {
      count += 1
      used = 0
    }
    used += cost
  }
  return count
}
