/** Messages for the tests of channels, and the question whether to begin. */
import type { Begin, Outgoing } from '../activities/channels/channel.ts'

export function outgoing(to: string, more: Partial<Outgoing> = {}): Outgoing {
  return {
    key: 'first-order/C1001/send/welcome',
    to,
    messageId: '<0123456789abcdef0123456789abcdef@shop.example>',
    words: { subject: 'Ten off', text: 'Ten off your first order', html: '<p>Ten off</p>' },
    class: 'service',
    ...more,
  }
}

/** Counts how often it was asked to begin, and answers as told. */
export function beginner(answer = true): { begin: Begin; asked: () => number } {
  let asked = 0
  return {
    begin() {
      asked += 1
      return Promise.resolve(answer)
    },
    asked: () => asked,
  }
}
