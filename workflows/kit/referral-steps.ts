/** What the words about referral and rewards do; the player of steps.ts hands itself in. */
import type { EffectKind } from '../../domain/ids.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { Kit, RewardOutcome } from './plan.ts'
import type { Asked } from './rests.ts'
import type { Host, RunInput } from './steps.ts'

/** The activities these words stand on. */
export type ReferralActivity =
  'referralCode' | 'returnsUntil' | 'judgeReferral' | 'approveReferral' | 'giveReward' | 'climbRung' | 'takeBackRewards'

/** What the steps need of the player. */
export interface Playing {
  handled: number
  readonly host: Host
  readonly input: RunInput
  nextKey(kind: EffectKind, name: string): string
  move(step: string, until: number | null): void
  held(step: string, until: number | null, handled?: number): Promise<unknown>
  asking<T>(step: string, ask: (of: Asked) => Promise<T>): Promise<Exclude<T, { is: 'held' }>>
  /** Whether a run that this one goes on from may have done it. */
  kept(): { kept?: true }
  restUntil(until: number, step: string): Promise<void>
  leaveUnless(status: RunStatus): void
  /** Ends the story, as the run has ended. */
  leave(): never
}

/** Words of the kit, told whose they are. */
export type Words<K> = {
  [name in keyof K]: K[name] extends (...said: infer Said) => infer Answer
    ? (player: Playing, ...said: Said) => Answer
    : never
}

type Steps = Pick<Kit<string, string>, 'reward' | 'referralCode' | 'returnsOver' | 'judge' | 'approve' | 'climb'>

export const referralWords: Words<Steps> = { reward, referralCode, returnsOver, judge, approve, climb }

/** Asks for an effect until no pause holds it; a run that is over leaves its story. */
export async function asking<T extends { is: string; code?: unknown }>(
  player: Playing,
  step: string,
  ask: (of: Asked) => Promise<T>,
): Promise<Exclude<T, { is: 'held' }>> {
  const result = await player.asking(step, ask)
  if (result.is === 'refused' && result.code === 'LEFT_JOURNEY') player.leave()
  return result
}

async function reward(player: Playing, name: string): Promise<RewardOutcome> {
  const { host } = player
  const key = player.nextKey('reward', name)
  const result = await asking(player, `reward ${name}`, (of) =>
    host.activities.giveReward({ key, reward: name, ...of }),
  )
  return result.is === 'given' ? { given: true, ...result.gift } : { given: false, refused: result.code }
}

async function referralCode(player: Playing, programme: string): ReturnType<Steps['referralCode']> {
  const { host } = player
  const result = await asking(player, `code of ${programme}`, (of) =>
    host.activities.referralCode({ programme, ...of }),
  )
  return result.is === 'given'
    ? { given: true, code: result.code, ends: result.ends }
    : { given: false, refused: result.code }
}

async function approve(player: Playing): ReturnType<Steps['approve']> {
  const { host } = player
  const result = await asking(player, 'approve', (of) => host.activities.approveReferral(of))
  return result.is === 'approved'
    ? { approved: true, friends: result.friends }
    : { approved: false, refused: result.code }
}

async function returnsOver(player: Playing): Promise<void> {
  const until = await player.host.activities.returnsUntil({ run: player.input.run })
  await player.restUntil(until, 'wait for the end of the return window')
}

function judge(player: Playing): ReturnType<Steps['judge']> {
  const { host, input } = player
  player.move('judge', null)
  const key = player.nextKey('judge', 'referral')
  return host.activities.judgeReferral({ key, run: input.run, asked: host.now() })
}

async function climb(player: Playing): Promise<number[]> {
  const { host, input } = player
  const rungs: number[] = []
  let above = 0
  let again = false
  for (;;) {
    player.move('climb the ladder', null)
    // As in `asking`: a rung that was given before is told as given, whatever became of the run since.
    const wakes = host.wakes()
    if (again) player.handled = wakes
    const climbed = await host.activities.climbRung({ run: input.run, above, asked: host.now() })
    if (!climbed) return rungs
    const { rung, result } = climbed
    if (result.is === 'held') {
      await player.held(`rung ${rung}, held: PAUSED`, null, wakes)
      again = true
      continue
    }
    if (result.is === 'refused' && result.code === 'LEFT_JOURNEY') player.leave()
    if (result.is === 'given') rungs.push(rung)
    above = rung
  }
}

/** What a void referral was rewarded with; in a clean-up only. */
export function takeBackRewards(player: Playing): ReturnType<Host['activities']['takeBackRewards']> {
  const { host, input } = player
  player.move('take rewards back', null)
  return host.activities.takeBackRewards({ run: input.run, asked: host.now() })
}
