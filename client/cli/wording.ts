/** The words wording and holidays: the data that the shop keeps for the wording check and for the calendar. */
import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { PerennialError } from '../../domain/errors.ts'
import type { Finding } from '../../domain/wording.ts'
import type { HolidayDesk } from '../holidays.ts'
import type { TermAsked, TermsInForce } from '../wording-desk.ts'
import { type Cell, faint, left, many, page, right, table } from './layout.ts'
import { EXIT } from './problems.ts'
import { type Session, me } from './session.ts'

export function addWordingWords(program: Command, session: Session): void {
  const wording = program
    .command('wording')
    .description('what words may not say: check a text, and the terms of the shop beside ours')
    .addHelpText('after', WORDING_HELP)
  addCheck(wording, session)
  addTerms(wording, session)
  addHolidays(program, session)
}

const WORDING_HELP = `
Examples:
  perennial wording check '全网销量第一，国 家 级品质'
  perennial wording terms
  perennial wording set 限时秒杀 --severity review --suggestion 'say until when'
  perennial wording set 首选 --severity allow              lifts one of ours
  perennial wording remove 限时秒杀`

function addCheck(wording: Command, session: Session): void {
  wording
    .command('check')
    .description('what a text says that it may not; exit code 1 where anything is forbidden')
    .argument('<text>', 'as the customer would read it')
    .action((text: string) =>
      session.perennial(async (perennial) => {
        const found = await perennial.wording.check(text)
        if (found.some(({ severity }) => severity === 'block')) session.exitCode = EXIT.refused
        session.answer(found, () => findingsPage(found))
      }),
    )
}

function addTerms(wording: Command, session: Session): void {
  wording
    .command('terms')
    .description("the shop's own terms, and how many are looked for in all")
    .action(() =>
      session.perennial(async (perennial) => {
        const terms = await perennial.wording.terms()
        session.answer(terms, () => termsPage(terms))
      }),
    )

  wording
    .command('set')
    .description('add a term, or judge one of ours otherwise')
    .argument('<term>', 'the words')
    .addOption(
      new Option('--severity <severity>', 'what it does')
        .choices(['block', 'review', 'evidence', 'allow'])
        .makeOptionMandatory(),
    )
    .option('--basis <words>', 'where the rule comes from')
    .option('--suggestion <words>', 'what to say instead')
    .option(
      '--except <words>',
      'longer words in which it is harmless; may be repeated',
      (one: string, all: string[]) => [...all, one],
      [],
    )
    .option('--by <name>', 'who says so', me())
    .action((term: string, options: Omit<TermAsked, 'term'>) =>
      session.perennial(async (perennial) => {
        const row = await perennial.wording.set({ term, ...options })
        session.answer(row, () => `'${row.term}' is: ${row.severity}.`)
      }),
    )

  wording
    .command('remove')
    .description("take one of the shop's own terms away; ours counts again where it is one of ours")
    .argument('<term>', 'the words')
    .action((term: string) =>
      session.perennial(async (perennial) => {
        const removed = await perennial.wording.remove(term)
        session.answer({ term, removed }, () => (removed ? `'${term}' is gone.` : `The shop has no term '${term}'.`))
      }),
    )
}

function addHolidays(program: Command, session: Session): void {
  program
    .command('holidays')
    .description('public holidays: the years that are known, or take a list in place of what is known of its years')
    .option('--file <file>', 'lines date,kind,name: 2027-02-06,holiday,春节')
    .option('--region <region>', 'whose', 'CN')
    .option('--by <name>', 'who brings them', me())
    .addHelpText('after', HOLIDAYS_HELP)
    .action((options: { file?: string; region: string; by: string }) => holidays(session, options))
}

const HOLIDAYS_HELP = `
Examples:
  perennial holidays
  perennial holidays --file 2027.csv

A year that nobody has brought is unknown, never guessed: kind is holiday, or workday for a weekend that is worked.`

async function holidays(
  session: Session,
  { file, region, by }: { file?: string; region: string; by: string },
): Promise<void> {
  const text =
    file === undefined
      ? undefined
      : await readFile(file, 'utf8').catch((cause: unknown) => {
          throw new PerennialError('COMMAND_INVALID', `${file} cannot be read`, { field: 'file', cause })
        })
  await session.perennial(async (perennial) => {
    if (text === undefined) {
      const answer = await perennial.holidays.years()
      session.answer(answer, () => yearsPage(answer))
      return
    }
    const taken = await perennial.holidays.take({ region, text, by })
    session.answer(taken, () =>
      taken.years
        .map(
          ({ year, holidays: free, workdays }) =>
            `${region} ${year}: ${many(free, 'holiday')}, ${many(workdays, 'worked weekend')}.`,
        )
        .join('\n'),
    )
  })
}

function yearsPage({ known, missing }: Awaited<ReturnType<HolidayDesk['years']>>): string {
  if (known.length === 0) return 'No year is known: whether people work on a day is then unknown.'
  const rows = known.map((one): Cell[] => [one.region, one.year, one.holidays, one.workdays, one.by])
  return page(
    table([left('REGION'), left('YEAR'), right('HOLIDAYS'), right('WORKED WEEKENDS'), left('BY')], rows),
    missing
      .map(({ region, year }) => `Warning: ${region} ${year} is not known yet; bring it once it is announced.`)
      .join('\n'),
  )
}

function findingsPage(found: readonly Finding[]): string {
  if (found.length === 0) return 'Nothing is wrong with it.'
  const rows = found.map(({ severity, term, category, basis, suggestion }): Cell[] => [
    severity,
    term,
    category,
    basis,
    suggestion,
  ])
  return table([left(''), left('TERM'), left('KIND'), left('BASIS'), left('WHAT TO DO')], rows)
}

function termsPage({ terms, ours, own }: TermsInForce): string {
  const rows = own.map(({ term, severity, basis, suggestion, by }): Cell[] => [term, severity, basis, by, suggestion])
  return page(
    rows.length === 0
      ? 'The shop has no terms of its own.'
      : table([left('TERM'), left(''), left('BASIS'), left('BY'), left('WHAT TO DO')], rows),
    faint(`${many(terms, 'term')} looked for, ${many(ours, 'of ours', 'of ours')}.`),
  )
}
