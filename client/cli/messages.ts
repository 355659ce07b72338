/** The words about messages and the channels they go by. */
import type { Command } from 'commander'
import { REFUSALS } from '../../domain/errors.ts'
import type { ChannelReport, ChannelsReport, MessagesReport } from '../messages.ts'
import { type Cell, clockOf, faint, left, many, number, page, right, section, strong, table } from './layout.ts'
import type { Session } from './session.ts'

export function addMessageWords(program: Command, session: Session): void {
  program
    .command('messages <customer>')
    .description('every message of a customer, with each state it came to and when')
    .addHelpText('after', '\nExample:\n  perennial messages C1001\n  perennial messages C1001 --json')
    .action(async (customer: string) => {
      await session.perennial(async (perennial, zone) => {
        const report = await perennial.messages(customer)
        session.answer(report, () => messagesPage(report, zone))
      })
    })
  program
    .command('channels')
    .description('the channels: what each lacks, how fast it may go, what became of its messages, complaints')
    .addHelpText('after', '\nExample:\n  perennial channels')
    .action(async () => {
      await session.perennial(async (perennial) => {
        const report = await perennial.channels()
        session.answer(report, () => channelsPage(report))
      })
    })
}

function messagesPage({ customer, messages }: MessagesReport, zone: string): string {
  const at = clockOf(zone)
  const lives = messages.map(({ journey, message, channel, provider, segments, cost, states }) => {
    const by = provider === null ? channel : `${channel} by ${provider}`
    const sms =
      segments === null ? '' : `, ${many(segments, 'segment')}${cost ? `, ${(cost / 10_000).toFixed(4)}` : ''}`
    const rows = states.map((state): Cell[] => [
      at(state.at),
      state.state,
      [state.code === null ? '' : `${state.code}: ${REFUSALS[state.code]}`, state.detail ?? '']
        .filter((part) => part !== '')
        .join(' '),
    ])
    return section(`${journey}: ${message}, ${by}${sms}`, table([left(''), left(''), left('')], rows))
  })
  return page(
    strong(customer),
    ...(lives.length > 0 ? lives : ['No message was ever decided about this customer.']),
    faint(`Times are shop time, ${zone}. ${many(messages.length, 'message')}.`),
  )
}

function channelsPage({ days, channels }: ChannelsReport): string {
  if (channels.length === 0) return 'No worker has started yet.'
  const rows = channels.map((one): Cell[] => [
    one.channel,
    one.provider,
    one.ready ? 'ready' : `not set: ${one.missing.join(', ')}`,
    one.rate === null ? '' : `${one.rate} a second`,
    one.quota === null ? '' : `${number(one.quota.used)} of ${number(one.quota.most)}`,
    number(one.sent),
    number(one.accepted),
    number(one.unknown),
    number(one.failed),
    number(one.bounced),
    complaints(one),
  ])
  const columns = [left('CHANNEL'), left('PROVIDER'), left('STATE'), left('RATE'), left('TODAY')]
  const counts = ['SENT', 'ACCEPTED', 'UNKNOWN', 'FAILED', 'BOUNCED', 'COMPLAINTS'].map(right)
  return page(
    table([...columns, ...counts], rows),
    faint(`Counts are of the last ${days} days. Mail providers want complaints below 0.10 %, and never 0.30 %.`),
  )
}

function complaints({ complained, complaintShare, complaints: level }: ChannelReport): string {
  if (complaintShare === null) return '–'
  const share = `${number(complained)} (${(complaintShare * 100).toFixed(2)} %)`
  return level === 'ok' ? share : `${share} ${level}`
}
