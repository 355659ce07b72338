/** The words about what people of the shop are to do: tasks, task. */
import { type Command, Argument } from 'commander'
import { REFUSALS } from '../../domain/errors.ts'
import { readTaskId } from '../../domain/contracts/referral.ts'
import type { TaskLine } from '../tasks.ts'
import { type Cell, clockOf, faint, left, many, page, right, table } from './layout.ts'
import { EXIT } from './problems.ts'
import type { Session } from './session.ts'

export function addTaskWords(program: Command, session: Session): void {
  program
    .command('tasks')
    .description('what somebody is to do for a customer, the most urgent first')
    .addHelpText('after', TASKS_HELP)
    .action(() =>
      session.perennial(async (perennial, zone) => {
        const lines = await perennial.tasks()
        session.answer(lines, () => tasksPage(lines, zone))
      }),
    )

  program
    .command('task')
    .description('say that a task is done, or cannot be; its run goes on at once')
    .addArgument(new Argument('<result>', 'what came of it').choices(['done', 'cannot']))
    .argument('<id>', 'its number, as `perennial tasks` has it')
    .option('--note <text>', 'what there is to say, for the decision log and the journey', '')
    .option('--by <name>', 'who did it; the customer may read the name', 'operator')
    .addHelpText('after', TASK_HELP)
    .action((result: 'done' | 'cannot', id: string, options: { note: string; by: string }) =>
      session.perennial(async (perennial) => {
        const answer = await perennial.task({ id: readTaskId(id), result, ...options })
        if (!answer.ok) session.exitCode = EXIT.refused
        session.answer(answer, () =>
          answer.ok
            ? `Task ${answer.id}: ${answer.result} by ${answer.by}${answer.replayed ? ', as before' : ''}.`
            : `${answer.code}: ${REFUSALS[answer.code]}`,
        )
      }),
    )
}

const TASKS_HELP = `
Examples:
  perennial tasks
  perennial tasks --json

At the deadline the run goes on without it.`

const TASK_HELP = `
Examples:
  perennial task done 17 --by eve --note 'called, is pleased'
  perennial task cannot 17 --by eve --note 'nobody answers'`

function tasksPage(lines: readonly TaskLine[], zone: string): string {
  if (lines.length === 0) return 'There is nothing to do.'
  const at = clockOf(zone)
  const rows = lines.map((line): Cell[] => [
    line.id,
    at(line.deadline),
    line.task,
    line.customer,
    line.journey,
    line.occasion,
    line.note,
  ])
  const columns = [right('ID'), left('UNTIL'), left('TASK'), left('CUSTOMER'), left('JOURNEY'), left('ABOUT')]
  return page(
    table([...columns, left('NOTE')], rows),
    faint(`Times are shop time, ${zone}. ${many(lines.length, 'task')}.`),
  )
}
