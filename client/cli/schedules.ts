/** The words about schedules: schedules, and under it show, run, pause, resume, backfill. */
import type { Command } from 'commander'
import { inWords } from '../../domain/duration.ts'
import type { MadeUp, ScheduleLine, ScheduleReport, Steered } from '../schedules.ts'
import { type Cell, clockOf, facts, faint, left, many, page, right, section, table } from './layout.ts'
import { reasonRead } from './points.ts'
import type { Session } from './session.ts'

export function addScheduleWords(program: Command, session: Session): void {
  const schedules = program
    .command('schedules')
    .description('what begins by itself: the next and last runs of each schedule, and which is paused')
    .addHelpText('after', SCHEDULES_HELP)
    .action(() =>
      session.perennial(async (perennial, zone) => {
        const lines = await perennial.schedules.list()
        session.answer(lines, () => schedulesPage(lines, zone))
      }),
    )
  schedules
    .command('show')
    .description('one schedule, or all of a journey: its times, its last runs and what was left out')
    .argument('<name>', 'the name of a journey, or the id of a schedule')
    .action((name: string) =>
      session.perennial(async (perennial, zone) => {
        const reports = await perennial.schedules.show(name)
        session.answer(reports, () => page(...reports.map((one) => reportPage(one, zone))))
      }),
    )
  addSteering(schedules, session)
  schedules
    .command('backfill')
    .description('begin the runs that were due on days that are over, as if it were then')
    .argument('<journey>', 'the name of a journey')
    .requiredOption('--from <date>', 'the first day')
    .requiredOption('--to <date>', 'the day after the last')
    .option('--zone <zone>', 'of a campaign: in this zone alone')
    .action((journey: string, days: { from: string; to: string; zone?: string }) =>
      session.perennial(async (perennial, zone) => {
        const answer = await perennial.schedules.backfill({ journey, ...days })
        session.answer(answer, () => madeUpWords(answer, zone))
      }),
    )
}

const SCHEDULES_HELP = `
Examples:
  perennial schedules
  perennial schedules show birthday
  perennial schedules show campaign/member-day/Asia/Shanghai
  perennial schedules run birthday                                      now; nobody enters twice
  perennial schedules pause member-day --because 'stock is late'
  perennial schedules resume member-day --because 'stock is here'
  perennial schedules backfill birthday --from 2026-11-14 --to 2026-11-15   the 14th, which was missed

Days are those on which runs are due: of a campaign in its own zone, else in the shop's. A paused schedule begins nothing,
and what it left out is not made up for by itself. \`perennial pause\` is another thing: it holds those who are in a journey.`

const ONE = {
  run: 'begin a run now, paused or not; whoever is in for this occasion is not entered again',
  pause: 'begin nothing until it is resumed; a restart does not change that',
  resume: 'begin runs again from the next time on',
} as const

function addSteering(schedules: Command, session: Session): void {
  for (const word of ['run', 'pause', 'resume'] as const) {
    const command = schedules
      .command(word)
      .description(ONE[word])
      .argument('<journey>', "the name of a journey, or 'upkeep'")
      .option('--zone <zone>', 'of a campaign: in this zone alone')
    if (word !== 'run') command.requiredOption('--because <words>', 'why; it is kept and shown', reasonRead)
    command.action((journey: string, { zone, because = '' }: { zone?: string; because?: string }) =>
      session.perennial(async (perennial) => {
        const answer = await perennial.schedules[word]({ journey, zone, because })
        session.answer(answer, () => steeredWords(word, answer))
      }),
    )
  }
}

const DONE = { run: 'begin now', pause: 'paused', resume: 'resumed' } as const

function steeredWords(word: keyof typeof DONE, { journey, schedules, changed }: Steered): string {
  const all = many(schedules.length, 'schedule')
  if (changed.length === 0)
    return `${all} of ${journey} ${word === 'pause' ? 'paused' : 'on'} already; nothing changed.`
  if (word === 'run') return `Begun: ${changed.join(', ')}.`
  return `${many(changed.length, 'schedule')} of ${journey} ${DONE[word]}.`
}

function madeUpWords({ journey, runs }: MadeUp, zone: string): string {
  const at = clockOf(zone)
  return page(
    `${many(runs.length, 'run')} of ${journey} made up for; who entered then is not entered again.`,
    table(
      [left('DUE'), left('SCHEDULE')],
      runs.map(({ schedule, due }): Cell[] => [at(due), schedule]),
    ),
  )
}

const NAME = 'the upkeep'

/** One row a journey: of a campaign the zone that comes first. */
function schedulesPage(lines: readonly ScheduleLine[], zone: string): string {
  if (lines.length === 0) return 'No schedule yet: a worker makes them when it starts.'
  const at = clockOf(zone)
  const journeys = [...new Set(lines.map(({ journey }) => journey))]
  const rows = journeys.map((journey): Cell[] => {
    const all = lines.filter((one) => one.journey === journey)
    const [next] = earliest(all.flatMap(({ next: times }) => times.slice(0, 1)))
    const last = earliest(all.flatMap(({ last: runs }) => runs.slice(0, 1).map(({ begun }) => begun))).at(-1)
    return [
      journey ?? NAME,
      all.some((one) => one.zone !== null) ? all.length : '',
      next ? at(next) : 'none',
      last ? at(last) : 'none yet',
      stateOf(all),
    ]
  })
  return page(
    table([left('JOURNEY'), right('ZONES'), left('NEXT'), left('LAST'), left('STATE')], rows),
    faint(`Times are those of ${zone}. \`perennial schedules show <journey>\` has more of each.`),
  )
}

const earliest = (times: readonly Date[]): Date[] => [...times].sort((one, other) => one.getTime() - other.getTime())

function stateOf(all: readonly ScheduleLine[]): string {
  const paused = all.filter(({ pausedBecause }) => pausedBecause !== null)
  if (paused.length === 0) return 'on'
  const where = paused.length === all.length ? 'paused' : `paused in ${many(paused.length, 'zone')}`
  return `${where}: ${paused[0]?.pausedBecause}`
}

function reportPage(one: ScheduleReport, zone: string): string {
  const at = clockOf(zone)
  return page(
    section(
      one.id,
      facts({
        state: stateOf([one]),
        next: one.next.slice(0, 5).map(at).join(', ') || 'none',
        'on now': one.on.join(', ') || null,
        overlap: one.overlap,
        'made up for': `up to ${inWords(one.catchUp)} late`,
        jitter: one.jitter === 0 ? null : `up to ${inWords(one.jitter)}`,
        begun: one.taken,
        'left out by outages': one.missed,
        'left out by overlap': one.skipped,
      }),
    ),
    table(
      [left('DUE'), left('BEGUN'), left('RUN')],
      one.last.map(({ run, due, begun }): Cell[] => [at(due), at(begun), run]),
    ),
  )
}
