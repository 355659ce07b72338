/** The words that steer runs: failed, retry, runs, stuck, migrate. */
import { type Command, InvalidArgumentError } from 'commander'
import { PerennialError } from '../../domain/errors.ts'
import { type Session, me } from './session.ts'
import { failedPage, migratedPage, retriedPage, runsPage, stuckPage } from './steering-pages.ts'

const LIMIT = 100

function countRead(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new InvalidArgumentError('Expected a number from 1 on.')
}

interface Chosen {
  error?: string
  step?: string
  limit: number
}

export function addSteeringWords(program: Command, session: Session): void {
  program
    .command('failed')
    .description('runs that failed, by step and error, the newest first')
    .argument('[journey]', 'the name of a journey')
    .option('--error <text>', "a part of the error's code or words")
    .option('--step <step>', "the step it failed at: 'send last'")
    .option('--limit <n>', 'how many at most', countRead, LIMIT)
    .addHelpText('after', FAILED_HELP)
    .action(async (journey: string | undefined, chosen: Chosen) => {
      if (journey !== undefined) await session.journey(journey)
      await session.perennial(async (perennial, zone) => {
        const found = await perennial.steering.failed({ journey, ...chosen })
        session.answer(found, () => failedPage(found, zone))
      })
    })

  program
    .command('retry')
    .description('take up failed runs again where they failed; what they had done stays done')
    .argument('[run]', 'the id of a run')
    .option('--journey <journey>', 'the failed runs of this journey')
    .option('--error <text>', "only those with this in the error's code or words")
    .option('--step <step>', 'only those that failed at this step')
    .option('--limit <n>', 'how many at most', countRead, LIMIT)
    .option('--dry', 'only say which, and which not and why')
    .option('--by <name>', 'who does', me())
    .addHelpText('after', RETRY_HELP)
    .action((run: string | undefined, options: RetryOptions) => retry(session, run, options))

  addFindingWords(program, session)

  program
    .command('migrate')
    .description('let runs of one journey go on as runs of another: of a changed shape, which is a new file')
    .argument('<from>', 'the journey they are in')
    .argument('<to>', 'the journey they move to')
    .option('--at <step>', "only runs at this step: 'wait 2 days', 'wait for cart.added'")
    .option('--limit <n>', 'how many are moved at most', countRead)
    .option('--dry', 'only say who would move, and who would stay and why')
    .option('--by <name>', 'who does', me())
    .addHelpText('after', MIGRATE_HELP)
    .action((from: string, to: string, options: MigrateOptions) => migrate(session, from, to, options))
}

function addFindingWords(program: Command, session: Session): void {
  program
    .command('runs')
    .description('open runs of a journey with the step each is at')
    .argument('<journey>', 'the name of a journey')
    .option('--step <step>', "only those at this step: 'wait for cart.added'")
    .option('--limit <n>', 'how many are looked at', countRead, LIMIT)
    .option('--after <run>', 'begin after this run')
    .addHelpText('after', RUNS_HELP)
    .action(async (journey: string, options: { step?: string; limit: number; after?: string }) => {
      await session.journey(journey)
      await session.perennial(async (perennial, zone) => {
        const found = await perennial.steering.runs({ journey, ...options })
        session.answer(found, () => runsPage(found, zone))
      })
    })

  program
    .command('stuck')
    .description('runs whose code fails, so that they stand still')
    .option('--limit <n>', 'how many at most', countRead, LIMIT)
    .action(({ limit }: { limit: number }) =>
      session.perennial(async (perennial, zone) => {
        const found = await perennial.steering.stuck(limit)
        session.answer(found, () => stuckPage(found, zone))
      }),
    )
}

const FAILED_HELP = `
Examples:
  perennial failed
  perennial failed first-order --step 'send last'
  perennial failed --error OFFER_UNKNOWN`

const RETRY_HELP = `
Examples:
  perennial retry first-order/C1001
  perennial retry --journey first-order --error OFFER_UNKNOWN --dry
  perennial retry --journey first-order --step 'send last' --limit 50

Mend what failed first. Left as they are: runs whose goal was reached or whose exit came meanwhile, and those
whose customer has entered anew.`

const RUNS_HELP = `
Examples:
  perennial runs first-order
  perennial runs first-order --step 'wait for cart.added'

Runs that wait for an event or whose message is held are known from the store; the others are asked of their
workflows, which takes a worker.`

const MIGRATE_HELP = `
Examples:
  perennial migrate first-order first-order-2 --dry
  perennial migrate first-order first-order-2 --at 'wait 2 days' --limit 500

A run that moves begins the other story from its start, in the same arm and with the same window for the goal;
messages and coupons that it had are not given again. Whoever has points, rewards or a review in the run stays.`

interface RetryOptions extends Chosen {
  journey?: string
  dry?: boolean
  by: string
}

async function retry(session: Session, run: string | undefined, options: RetryOptions): Promise<void> {
  if ((run === undefined) === (options.journey === undefined)) {
    throw new PerennialError('COMMAND_INVALID', 'retry takes the id of a run, or --journey, and not both', {
      expected: '`perennial retry first-order/C1001`',
    })
  }
  if (options.journey !== undefined) await session.journey(options.journey)
  await session.perennial(async (perennial) => {
    const done = await perennial.steering.retry({ run, ...options })
    session.answer(done, () => retriedPage(done))
  })
}

interface MigrateOptions {
  at?: string
  limit?: number
  dry?: boolean
  by: string
}

async function migrate(session: Session, from: string, to: string, options: MigrateOptions): Promise<void> {
  await session.journey(from)
  await session.journey(to)
  await session.perennial(async (perennial) => {
    const done = await perennial.steering.migrate({ from, to, ...options })
    session.answer(done, () => migratedPage(done))
  })
}
