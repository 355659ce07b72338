/** The words that act: start, stop, pause, resume. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { milliseconds } from '../../domain/duration.ts'
import { PerennialError } from '../../domain/errors.ts'
import { RESUME_RULES, type ResumeRule } from '../../domain/pause.ts'
import type { StoppedRun } from '../journeys.ts'
import { startCampaign, stoppedWords } from './campaigns.ts'
import { clockOf, many, number } from './layout.ts'
import { type Session, me } from './session.ts'
import { backlogPage } from './steering-pages.ts'

export function addActingWords(program: Command, session: Session): void {
  program
    .command('start')
    .description('enter one customer by hand, under the same rules as an event would; or begin a campaign')
    .argument('<journey>', 'the name of a journey or a campaign')
    .argument('[customer]', "the shop's id of the customer; none for a campaign")
    .option('--occasion <occasion>', 'what tells this run from others: a cart, an order, a year; the day of a campaign')
    .option('--yes', 'yes, to all of them: compulsory for a campaign, which is counted without it')
    .addHelpText('after', START_HELP)
    .action((journey: string, customer: string | undefined, options: { occasion?: string; yes?: boolean }) =>
      start(session, { journey, customer, occasion: options.occasion, yes: options.yes === true }),
    )

  program
    .command('stop')
    .description('end one run, or all runs of a journey; nothing is sent in them from then on')
    .argument('[run]', 'the id of a run')
    .option('--journey <journey>', 'stop every run of this journey that is on')
    .option('--yes', 'yes, all of them: compulsory with --journey, as it cannot be undone')
    .option('--clean-up', "do the plan's clean-up, as after an exit; without it all is left as it is")
    .option('--by <name>', 'who does', me())
    .addHelpText('after', STOP_HELP)
    .action((run: string | undefined, options: StopOptions) => stop(session, run, options))

  program
    .command('pause')
    .description('hold a journey: nobody is dropped, every run holds before its next message or coupon')
    .argument('<journey>', 'the name of a journey')
    .option('--by <name>', 'who does', me())
    .addHelpText('after', PAUSE_HELP)
    .action((journey: string, { by }: { by: string }) => pause(session, journey, by))

  program
    .command('resume')
    .description('let a paused journey go on, and wake the runs that held')
    .argument('<journey>', 'the name of a journey')
    .addOption(new Option('--waits <rule>', 'what becomes of waits').choices(RESUME_RULES).default('fire'))
    .option('--stale <time>', "with --waits skip: how late a message or coupon may be: '2 days'", spanRead)
    .option('--dry', 'only show what would go on, step by step')
    .option('--by <name>', 'who does', me())
    .addHelpText('after', RESUME_HELP)
    .action((journey: string, options: ResumeOptions) => resume(session, journey, options))
}

/** A duration, ms. */
function spanRead(text: string): number {
  try {
    return milliseconds(text)
  } catch {
    throw new InvalidArgumentError("Expected a duration: '2 days', '90m'.")
  }
}

const START_HELP = `
Examples:
  perennial start first-order C1001
  perennial start birthday C1001                   this year's; once a year
  perennial start birthday C1001 --occasion 2027
  perennial start member-day --occasion 2026-11-15        whom it would reach, by zone; nothing is done
  perennial start member-day --occasion 2026-11-15 --yes  begins it, in every zone

The customer must be known (POST /v1/events), and may be drawn into the control arm as anybody else.
Refused (exit code 1) where the journey's rule of re-entry says so.`

const STOP_HELP = `
Examples:
  perennial stop first-order/C1001
  perennial stop --journey first-order --yes
  perennial stop order-rewards/C1001/O17 --clean-up     takes back what the plan takes back after an exit

It says what customers were given before. A run that is over is left as it is. To hold a journey for a while, pause it instead.`

const PAUSE_HELP = `
Examples:
  perennial pause first-order

People still enter while a journey is paused; goals and exits still count.`

const RESUME_HELP = `
Examples:
  perennial resume first-order --dry                            who holds where; nothing is changed
  perennial resume first-order                                  what came due goes at once, as it would have
  perennial resume first-order --waits shift                    every wait is as much longer as the pause was
  perennial resume first-order --waits skip --stale '2 days'    what is later than that is left out

No wait ends while a journey is paused. Dates (waitUntil) are never moved; a wait of calendar days still ends
at its time of day. What the shop owes (points, rewards, gifts) and transactional messages are not left out.`

async function start(
  session: Session,
  asked: { journey: string; customer: string | undefined; occasion: string | undefined; yes: boolean },
): Promise<void> {
  const { journey, customer, occasion, yes } = asked
  const { plan } = await session.journey(journey)
  if (plan.campaign && customer === undefined) return startCampaign(session, { campaign: journey, occasion, yes })
  if (customer === undefined) {
    throw new PerennialError('COMMAND_INVALID', `${journey} is entered by one customer at a time`, {
      expected: `\`perennial start ${journey} C1001\``,
    })
  }
  const request = { journey, customer, occasion }
  await session.perennial(async (perennial, zone) => {
    const started = await perennial.start(request)
    session.answer(started, () => {
      const { run, arm, pausedSince } = started
      const lines = [`${run} has begun.`]
      if (arm === 'holdout')
        lines.push('The customer is in the control arm: nothing is sent, so that lift can be measured.')
      if (pausedSince)
        lines.push(`The journey is paused since ${clockOf(zone)(pausedSince)}; the run holds before its first effect.`)
      return lines.join('\n')
    })
  })
}

interface StopOptions {
  journey?: string
  yes?: boolean
  cleanUp?: boolean
  by: string
}

async function stop(session: Session, run: string | undefined, options: StopOptions): Promise<void> {
  const { journey, yes, cleanUp, by } = options
  if ((run === undefined) === (journey === undefined)) {
    throw new PerennialError('COMMAND_INVALID', 'stop takes the id of a run, or --journey, and not both', {
      expected: '`perennial stop first-order/C1001`',
    })
  }
  if (journey !== undefined) {
    await session.journey(journey)
    if (!yes) {
      throw new PerennialError('COMMAND_INVALID', `this ends every run of ${journey} for good; nothing was done`, {
        expected: `\`perennial stop --journey ${journey} --yes\`, or \`perennial pause ${journey}\` to hold them`,
      })
    }
  }
  await session.perennial(async (perennial) => {
    if (journey !== undefined && (await session.journey(journey)).plan.campaign) {
      const answer = await perennial.stopCampaign(journey)
      session.answer(answer, () => stoppedWords(answer))
    } else if (journey !== undefined) {
      const answer = await perennial.stopJourney(journey, { cleanUp, by })
      session.answer(answer, () =>
        sentences(`${many(answer.stopped, 'run')} of ${journey} stopped.`, handedInWords(answer)),
      )
    } else if (run !== undefined) {
      const answer = await perennial.stop(run, { cleanUp, by })
      const was = `${answer.status}${answer.reason ? `, ${answer.reason}` : ''}`
      session.answer(answer, () =>
        answer.stopped
          ? sentences(`${run} is stopped.`, handedInWords(answer))
          : `${run} was over already (${was}); nothing changed.`,
      )
    }
  })
}

const sentences = (...all: string[]): string => all.filter((one) => one !== '').join(' ')

/** What customers had before a stop, and whether it is taken back. */
function handedInWords({ handed, cleanUp }: Pick<StoppedRun, 'handed' | 'cleanUp'>): string {
  const { messages, coupons, points, growth } = handed
  const given = [
    messages > 0 && many(messages, 'message'),
    coupons > 0 && many(coupons, 'coupon'),
    points > 0 && many(points, 'point'),
    growth > 0 && `${number(growth)} growth value`,
  ].filter((one) => one !== false)
  if (given.length === 0) return ''
  const rest = cleanUp ? 'the clean-up of the plan takes back what it says' : 'all of it stays as it is'
  return `Handed over before: ${given.join(', ')}; ${rest}.`
}

async function pause(session: Session, journey: string, by: string): Promise<void> {
  await session.journey(journey)
  await session.perennial(async (perennial, zone) => {
    const answer = await perennial.pause(journey, by)
    session.answer(answer, () => {
      const since = clockOf(zone)(answer.pausedSince)
      if (!answer.changed) return `${journey} was paused already, since ${since}; nothing changed.`
      const held =
        answer.on === 0
          ? 'No run is on.'
          : `${many(answer.on, 'run is', 'runs are')} on; each holds before its next message or coupon.`
      return `${journey} is paused. ${held}`
    })
  })
}

interface ResumeOptions {
  waits: ResumeRule
  stale?: number
  dry?: boolean
  by: string
}

const WENT: Record<ResumeRule, string> = {
  fire: 'what came due goes at once',
  shift: 'waits are lengthened by the pause',
  skip: 'what is stale is left out',
}

async function resume(session: Session, journey: string, { waits, stale, dry, by }: ResumeOptions): Promise<void> {
  await session.journey(journey)
  if ((waits === 'skip') !== (stale !== undefined)) {
    throw new PerennialError('COMMAND_INVALID', '--waits skip and --stale go together', {
      field: 'stale',
      expected: `\`perennial resume ${journey} --waits skip --stale '2 days'\``,
    })
  }
  await session.perennial(async (perennial, zone) => {
    if (dry) {
      const backlog = await perennial.steering.backlog(journey, { waits, stale })
      return session.answer(backlog, () => backlogPage(backlog, zone))
    }
    const answer = await perennial.resume(journey, { waits, stale, by })
    session.answer(answer, () => {
      if (!answer.changed) return `${journey} was not paused; nothing changed.`
      const woken =
        answer.woken === 0 ? 'No run held.' : `${many(answer.woken, 'run that held is', 'runs that held are')} woken.`
      return `${journey} goes on: ${WENT[waits]}. ${woken}`
    })
  })
}
