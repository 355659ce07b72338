/** The words about audiences: audiences (list, show, set, count, sample, history, back, remove). */
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { PerennialError } from '../../domain/errors.ts'
import type { AudienceCount, AudienceDifference, SampledCustomer } from '../../store/audience-counts.ts'
import type { AudienceVersion } from '../../store/audiences.ts'
import type { AudienceLine, AudienceSet, FilterAsked } from '../audiences.ts'
import { jsonOf } from '../json.ts'
import { type Cell, clockOf, facts, faint, left, many, number, page, right, section, strong, table } from './layout.ts'
import type { Session } from './session.ts'

export function addAudienceWords(program: Command, session: Session): void {
  const audiences = program
    .command('audiences')
    .description('whom plans and campaigns are for: list, show, set, count, sample, history, back, remove')
    .addHelpText('after', AUDIENCES_HELP)
    .action(() => list(session, false))
  audiences
    .command('list')
    .description('the audiences there are, and how many are in each')
    .option('--removed', 'those that were removed too')
    .action(({ removed = false }: { removed?: boolean }) => list(session, removed))
  addLooking(audiences, session)
  addSetting(audiences, session)
  addPast(audiences, session)
}

const AUDIENCES_HELP = `
Examples:
  perennial audiences                                       all of them
  perennial audiences show vips
  perennial audiences count --filter '{"stage": "high-value"}'
  perennial audiences sample vips
  perennial audiences set vips --filter '{"spent": {"within": "365 days", "atLeast": 500000}}' --by eve
  perennial audiences set vips --file vips.json --by eve --dry   what it would come to; nothing is set
  perennial audiences history vips
  perennial audiences back vips --to 1 --by eve
  perennial audiences remove vips --by eve

docs/journeys.md has the conditions of a filter. By a new definition people come in and fall out quietly; with --tell journeys
hear of each of them, as they do of all who come and go later.`

const me = (): string => userInfo().username

function list(session: Session, removed: boolean): Promise<void> {
  return session.perennial(async (perennial, zone) => {
    const lines = await perennial.audiences.list({ removed })
    session.answer(lines, () => listPage(lines, zone))
  })
}

interface FilterOptions {
  file?: string
  filter?: string
}

const filterOptions = (command: Command): Command =>
  command
    .addOption(new Option('--filter <json>', 'a filter').conflicts('file'))
    .option('--file <file>', 'a filter, out of a file')

/** What was said of a filter; undefined where nothing was. */
async function filterSaid({ file, filter }: FilterOptions): Promise<unknown> {
  if (file === undefined && filter === undefined) return undefined
  return jsonOf(filter ?? readFile(file ?? '', 'utf8'), file ?? 'the filter', {
    code: 'AUDIENCE_INVALID',
    field: 'filter',
    expected: `'{"stage": "active"}', or a file of such`,
  })
}

/** By its name or by a filter, exactly one. */
async function asked(name: string | undefined, options: FilterOptions): Promise<FilterAsked> {
  const filter = await filterSaid(options)
  if (name !== undefined && filter === undefined) return { name }
  if (name === undefined && filter !== undefined) return { filter }
  throw new PerennialError('COMMAND_INVALID', 'expected an audience or a filter', {
    expected: 'the name of an audience, or --filter, or --file',
  })
}

function addLooking(audiences: Command, session: Session): void {
  audiences
    .command('show')
    .description('one audience: its filter, who is in, and what names it')
    .argument('<name>', 'the name of an audience')
    .action((name: string) =>
      session.perennial(async (perennial, zone) => {
        const shown = await perennial.audiences.show(name)
        session.answer(shown, () => shownPage(shown, zone))
      }),
    )

  filterOptions(audiences.command('count').description('how many an audience or a filter takes in now'))
    .argument('[name]', 'the name of an audience')
    .action(async (name: string | undefined, options: FilterOptions) => {
      const of = await asked(name, options)
      await session.perennial(async (perennial) => {
        const counted = await perennial.audiences.count(of)
        session.answer(counted, () => countedLine(counted))
      })
    })

  filterOptions(audiences.command('sample').description('some of them, without names and addresses'))
    .argument('[name]', 'the name of an audience')
    .option('--limit <n>', 'how many at most', limitRead, 10)
    .action(async (name: string | undefined, { limit, ...options }: FilterOptions & { limit: number }) => {
      const of = await asked(name, options)
      await session.perennial(async (perennial, zone) => {
        const people = await perennial.audiences.sample(of, limit)
        session.answer(people, () => samplePage(people, zone))
      })
    })
}

function limitRead(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000) return limit
  throw new InvalidArgumentError('Expected a number from 1 to 1000.')
}

interface SetOptions extends FilterOptions {
  title?: string
  by: string
  tell?: boolean
  dry?: boolean
}

function addSetting(audiences: Command, session: Session): void {
  filterOptions(audiences.command('set').description('set whom an audience is of: a new version'))
    .argument('<name>', "the name of an audience, in kebab-case: 'tea-lovers'")
    .option('--title <words>', 'what people call it')
    .option('--by <name>', 'who sets it', me())
    .option('--tell', 'tell journeys of those who come in and fall out by this')
    .option('--dry', 'say what it would come to, and set nothing')
    .action(async (name: string, options: SetOptions) => {
      const filter = await filterSaid(options)
      if (filter === undefined)
        throw new PerennialError('COMMAND_INVALID', 'no filter was said', { expected: '--filter or --file' })
      const { title, by, tell = false, dry } = options
      await session.perennial(async (perennial) => {
        if (dry) {
          const difference = await perennial.audiences.compare({ name, filter })
          return session.answer(difference, () => page('Nothing was set.', differenceLines(difference)))
        }
        const set = await perennial.audiences.set({ name, filter, by, tell, ...(title !== undefined && { title }) })
        session.answer(set, () => setPage(set, tell))
      })
    })

  audiences
    .command('remove')
    .description('end an audience: nobody is in it; refused while a plan or another audience names it')
    .argument('<name>', 'the name of an audience')
    .option('--by <name>', 'who does', me())
    .option('--tell', 'tell journeys of those who fall out')
    .action((name: string, options: { by: string; tell?: boolean }) =>
      session.perennial(async (perennial) => {
        const set = await perennial.audiences.remove({ name, ...options })
        session.answer(set, () => setPage(set, options.tell ?? false))
      }),
    )
}

function addPast(audiences: Command, session: Session): void {
  audiences
    .command('history')
    .description('who set it to what, and when')
    .argument('<name>', 'the name of an audience')
    .action((name: string) =>
      session.perennial(async (perennial, zone) => {
        const versions = await perennial.audiences.history(name)
        session.answer(versions, () => historyPage(versions, zone))
      }),
    )

  audiences
    .command('back')
    .description('set an older version anew')
    .argument('<name>', 'the name of an audience')
    .requiredOption('--to <version>', 'a version of the history', versionRead)
    .option('--by <name>', 'who does', me())
    .option('--tell', 'tell journeys of those who come in and fall out by this')
    .action((name: string, options: { to: number; by: string; tell?: boolean }) =>
      session.perennial(async (perennial) => {
        const set = await perennial.audiences.back({ name, ...options })
        session.answer(set, () => setPage(set, options.tell ?? false))
      }),
    )
}

function versionRead(text: string): number {
  const version = Number(text)
  if (Number.isInteger(version) && version >= 1) return version
  throw new InvalidArgumentError('Expected the number of a version.')
}

const countedLine = ({ members, customers }: AudienceCount): string =>
  `${number(members)} of ${many(customers, 'customer')}`

const differenceLines = (of: AudienceDifference): string =>
  `${countedLine(of)}: ${number(of.enter)} come in, ${number(of.leave)} fall out.`

function setPage(set: AudienceSet, tell: boolean): string {
  const { name, version, changed, filter } = set
  if (!changed) return `${name} says so already, at version ${version}; nothing was changed. ${countedLine(set)}.`
  const is = filter === null ? `${name} is removed, as version ${version}.` : `${name} is at version ${version}.`
  const told = tell ? 'Journeys hear of each of them within the hour.' : 'Journeys do not hear of them.'
  const rest = set.settled || tell ? '' : faint(UNSETTLED)
  return page(`${is} ${differenceLines(set)}`, set.enter + set.leave > 0 ? faint(told) : '', rest)
}

const UNSETTLED = `Not all customers have been looked at yet: the upkeep of each hour goes on with it. What names the audience goes by
the new filter from now on; who comes in is told to journeys once all are looked at.`

function listPage(lines: readonly AudienceLine[], zone: string): string {
  if (lines.length === 0) return 'There is none yet; `perennial audiences set --help` shows how to make one.'
  const at = clockOf(zone)
  const rows = lines.map((line): Cell[] => [
    line.name,
    line.filter === null ? '(removed)' : line.title,
    `${number(line.members)}${line.settled ? '' : '…'}`,
    line.version,
    line.by,
    at(line.at),
    line.usedBy.join(', '),
  ])
  const columns = [
    left('AUDIENCE'),
    left('TITLE'),
    right('IN IT'),
    right('VERSION'),
    left('BY'),
    left('SINCE'),
    left('NAMED BY'),
  ]
  return page(table(columns, rows), faint(`Times are shop time, ${zone}.`))
}

function shownPage(line: AudienceLine, zone: string): string {
  const { name, title, version, by, members, entries, usedBy, filter } = line
  return page(
    `${strong(name)}  ${title}`,
    facts({
      version,
      since: clockOf(zone)(line.at),
      by,
      'in it now': number(members),
      entries: number(entries),
      'named by': usedBy.join(', ') || null,
    }),
    section('Filter', filter === null ? 'It was removed.' : JSON.stringify(filter, null, 2)),
    line.settled ? '' : UNSETTLED,
    faint(`Times are shop time, ${zone}.`),
  )
}

function samplePage(people: readonly SampledCustomer[], zone: string): string {
  if (people.length === 0) return 'Nobody.'
  const at = clockOf(zone)
  const rows = people.map((one): Cell[] => [
    one.id,
    one.stage,
    one.tier,
    one.zone,
    one.locale,
    one.tags.join(', '),
    at(one.since),
  ])
  const columns = [
    left('CUSTOMER'),
    left('STAGE'),
    left('TIER'),
    left('ZONE'),
    left('LOCALE'),
    left('TAGS'),
    left('SINCE'),
  ]
  return page(table(columns, rows), faint(`Times are shop time, ${zone}.`))
}

function historyPage(versions: readonly AudienceVersion[], zone: string): string {
  const at = clockOf(zone)
  const rows = versions.map((one): Cell[] => [
    one.version,
    at(one.at),
    one.by,
    one.title,
    one.filter === null ? '(removed)' : JSON.stringify(one.filter),
  ])
  return page(
    table([right('VERSION'), left('WHEN'), left('BY'), left('TITLE'), left('FILTER')], rows),
    faint(`Times are shop time, ${zone}.`),
  )
}
