/** The word that switches a journey on or off that its plan has off. */
import { Argument, type Command } from 'commander'
import { PerennialError } from '../../domain/errors.ts'
import { reasonRead } from './points.ts'
import type { Session } from './session.ts'

export function addSwitchWord(program: Command, session: Session): void {
  program
    .command('switch')
    .description('let people enter a journey that its plan has off, or no more')
    .argument('<journey>', 'the name of a journey whose plan says off')
    .addArgument(new Argument('<state>', 'on or off').choices(['on', 'off']))
    .option('--because <words>', 'why it may be on; compulsory with on, and kept', reasonRead)
    .addHelpText('after', SWITCH_HELP)
    .action((journey: string, state: 'on' | 'off', { because }: { because?: string }) =>
      switchJourney(session, { journey, state, because }),
    )
}

const SWITCH_HELP = `
Examples:
  perennial switch share on --because 'shares by mail only, checked 2026-11-24'
  perennial switch share off

Who is in the journey goes on. A journey is off where it may break a rule that only the shop can look into:
points for the act of sharing are barred by WeChat, which blocks the links.`

async function switchJourney(
  session: Session,
  { journey, state, because }: { journey: string; state: 'on' | 'off'; because: string | undefined },
): Promise<void> {
  await session.journey(journey)
  if (state === 'on' && because === undefined) {
    throw new PerennialError('COMMAND_INVALID', `why may ${journey} be on? Nothing was done`, {
      field: 'because',
      expected: `\`perennial switch ${journey} on --because 'shares by mail only'\``,
    })
  }
  await session.perennial(async (perennial) => {
    const answer = await perennial.switchTo({ journey, because: state === 'on' ? (because ?? '') : null })
    session.answer(answer, () => {
      if (!answer.changed) return `${journey} was ${state} already; nothing changed.`
      return answer.on ? `${journey} is on: people enter from now on.` : `${journey} is off: nobody enters any more.`
    })
  })
}
