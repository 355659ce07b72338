/** The words that look: list, show, why. */
import type { Command } from 'commander'
import { PerennialError } from '../../domain/errors.ts'
import type { JourneyLine } from '../journeys.ts'
import { planInWords } from '../plan-in-words.ts'
import { explanationPage, journeyPage, listPage, runPage } from './pages.ts'
import type { Session } from './session.ts'

export function addLookingWords(program: Command, session: Session): void {
  program
    .command('list')
    .description('every journey, what begins it, what it is for, and how many are in it')
    .addHelpText('after', LIST_HELP)
    .action(() => list(session))

  program
    .command('show')
    .description('one journey in numbers, or one run and where it is right now')
    .argument('<journey-or-run>', 'the name of a journey, or the id of a run')
    .addHelpText('after', SHOW_HELP)
    .action((name: string) => show(session, name))

  program
    .command('why')
    .description('why a customer got what they got, and why not the rest')
    .argument('<customer>', "the shop's id of the customer")
    .addHelpText('after', WHY_HELP)
    .action((customer: string) =>
      session.perennial(async (perennial, zone) => {
        const explanation = await perennial.why(customer)
        session.answer(explanation, () => explanationPage(explanation, zone))
      }),
    )
}

const LIST_HELP = `
Examples:
  perennial list                 the journeys and their runs
  perennial list --json          the same for programs: {"counted": true, "journeys": [...]}

Without a running Perennial the plans alone are shown, and stderr says why.`

const SHOW_HELP = `
Examples:
  perennial show first-order           runs by arm, messages and coupons by reason, offers, lift
  perennial show first-order/C1001     one run: its messages, its coupons, and its step right now
  perennial show birthday/C1001/2027   a run of a journey with occasions

Where a run is right now is asked of its workflow; it takes the Temporal server and a worker.`

const WHY_HELP = `
Examples:
  perennial why C1001            everything decided about C1001, oldest first
  perennial why C1001 --json

Somebody who never entered a journey is answered too: what refused them, or what never came.`

/** The plans need no server; only the counts do. */
async function list(session: Session): Promise<void> {
  let lines: JourneyLine[] | undefined
  let zone = 'UTC'
  try {
    lines = await session.perennial((perennial, shopZone) => {
      zone = shopZone
      return perennial.list()
    })
  } catch (error) {
    const known =
      error instanceof PerennialError && (error.code === 'CONFIG_INVALID' || error.code === 'STORE_UNAVAILABLE')
    if (!known) throw error
    session.tell(error)
    session.say('The plans alone, without counts:')
  }
  const plans = [...(await session.catalogue()).values()].map(({ plan }) => planInWords(plan))
  session.answer({ counted: lines !== undefined, journeys: lines ?? plans }, () => listPage(lines ?? plans, zone))
}

async function show(session: Session, name: string): Promise<void> {
  if (!name.includes('/')) await session.journey(name)
  await session.perennial(async (perennial, zone) => {
    if (name.includes('/')) {
      const report = await perennial.showRun(name)
      session.answer(report, () => runPage(report, zone))
    } else {
      const report = await perennial.showJourney(name)
      session.answer(report, () => journeyPage(report, zone))
    }
  })
}
