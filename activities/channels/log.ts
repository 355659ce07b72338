/** Messages into the log: for trying journeys out, and for messages that nobody is to get. The line holds no person. */
import { CAPABILITIES } from '../../domain/channel.ts'
import type { Channel, Receipt } from './channel.ts'

/** @param print takes a line: the key, the class and the length of the words */
export function logChannel(print: (line: { key: string; class: string; length: number }) => void): Channel {
  return {
    name: 'log',
    provider: 'log',
    ready: { ok: true },
    can: CAPABILITIES.log,
    async send({ key, class: of, words }, begin) {
      if (!(await begin())) return { is: 'transient', detail: 'this attempt is no longer wanted' }
      print({ key, class: of, length: words.text.length })
      return { is: 'sent', detail: 'logged' }
    },
    async sendAll(messages, begin) {
      const begun = await begin(messages.map(({ key }) => key))
      const going = messages.filter(({ key }) => begun.has(key))
      for (const { key, class: of, words } of going) print({ key, class: of, length: words.text.length })
      return new Map(going.map(({ key }): [string, Receipt] => [key, { is: 'sent', detail: 'logged' }]))
    },
    close: () => Promise.resolve(),
  }
}
