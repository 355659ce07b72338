/** The words of `perennial`, put together. */
import { Command, CommanderError } from 'commander'
import { addActingWords } from './act.ts'
import { addAudienceWords } from './audiences.ts'
import { addGateWords } from './gate.ts'
import { addBudgetWords } from './budgets.ts'
import { addCouponWords } from './coupons.ts'
import { terminalWidth } from './layout.ts'
import { addLookingWords } from './look.ts'
import { addOfferWords } from './offers.ts'
import { EXIT, asPerennialError, exitCodeOf } from './problems.ts'
import { addMessageWords } from './messages.ts'
import { addPointWords } from './points.ts'
import { addReferralWords } from './referrals.ts'
import { addProvingWords } from './prove.ts'
import { addScheduleWords } from './schedules.ts'
import { addSwitchWord } from './switch.ts'
import { Session, type SessionParts } from './session.ts'
import { addSteeringWords } from './steering.ts'
import { addSimulatingWord } from './simulate.ts'
import { addTaskWords } from './tasks.ts'
import { addWordingWords } from './wording.ts'
import { addWordsWords } from './words.ts'
import { addStandingWords } from './standings.ts'
import { addTierWords } from './tiers.ts'

const HELP = `
Examples:
  perennial list                                        the journeys and who is in them
  perennial preview first-order --event order.paid@2d   what would happen, without a server
  perennial simulate first-order --days 30              ten thousand customers, on a virtual clock
  perennial show first-order                            what became of it, with the lift
  perennial why C1001                                   why somebody got this and not that
  perennial balance C1001                               the points a customer has
  perennial standing C1001                              the stage they are in, and why
  perennial messages C1001                              every message of a customer, state by state
  perennial channels                                    what each channel lacks, and how it does
  perennial words show first-order                      what its messages say
  perennial budgets                                     what is reserved, spent and left
  perennial audiences                                   who is in which audience
  perennial reviews                                     what waits for somebody to decide
  perennial tasks                                       what somebody is to do for a customer
  perennial schedules                                   what begins by itself, and when
  perennial pause first-order                           hold it; resume lets it go on
  perennial failed                                      what failed where; retry takes it up again

In a checkout: npm run journeys -- list

Exit codes:
  0  done
  1  refused, not found, not reachable, or a check that does not hold; stderr names the code (docs/errors.md)
  2  the words could not be read

Where it looks: DATABASE_URL and TEMPORAL_ADDRESS (.env.example lists all), else the run file of \`npm start\` in
.perennial/ (PERENNIAL_HOME names another folder). With --json, stdout is JSON and errors are one JSON object on stderr.`

/** Errors of parsing are thrown, not printed; help goes where it belongs. */
function buildProgram(session: Session, { out, err }: Pick<SessionParts, 'out' | 'err'>): Command {
  const program = new Command('perennial')
    .description('Customer journeys of a shop: look, act, prove.')
    .option('--json', 'answer in JSON, for programs')
    .exitOverride()
    .configureOutput({
      writeOut: out,
      writeErr: err,
      outputError: () => {},
      getOutHelpWidth: terminalWidth,
      getErrHelpWidth: terminalWidth,
    })
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false)
    .addHelpText('after', HELP)
  addLookingWords(program, session)
  addPointWords(program, session)
  addMessageWords(program, session)
  addTierWords(program, session)
  addStandingWords(program, session)
  addActingWords(program, session)
  addSteeringWords(program, session)
  addSwitchWord(program, session)
  addScheduleWords(program, session)
  addOfferWords(program, session)
  addGateWords(program, session)
  addAudienceWords(program, session)
  addBudgetWords(program, session)
  addCouponWords(program, session)
  addReferralWords(program, session)
  addTaskWords(program, session)
  addProvingWords(program, session)
  addSimulatingWord(program, session)
  addWordsWords(program, session)
  addWordingWords(program, session)
  return program
}

/** Carries out one command line, without the name of the program; answers the exit code. */
export async function carryOut(words: readonly string[], parts: Omit<SessionParts, 'json'>): Promise<number> {
  const session = new Session({ ...parts, json: words.includes('--json') })
  try {
    await buildProgram(session, parts).parseAsync([...words], { from: 'user' })
    return session.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    // Called with no word at all, commander has shown the help on stderr.
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage
    const known = asPerennialError(error)
    session.tell(known)
    return exitCodeOf(known)
  }
}
