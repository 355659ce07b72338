/** What the words about people of the shop, tags and consent do; the player of steps.ts hands itself in. */
import type { CalendarTarget } from '../../activities/index.ts'
import { type Duration, milliseconds } from '../../domain/duration.ts'
import type { CleanUp, Kit } from './plan.ts'
import { type Playing, type Words, asking } from './referral-steps.ts'

/** The activities these words stand on. */
export type CareActivity =
  | 'openReview'
  | 'viewReview'
  | 'closeReview'
  | 'workingDeadline'
  | 'giveTag'
  | 'takeTagOff'
  | 'withdrawConsent'
  | 'askForConsent'
  | 'voidCoupons'

type Steps = Pick<Kit<string, string>, 'review' | 'task' | 'tag' | 'untag' | 'unsubscribe' | 'askConsent'>

export const careWords: Words<Steps> = { review, task, tag, untag, unsubscribe, askConsent }

/** What a clean-up may do of it. */
export function careCleanUp(player: Playing): Pick<Parameters<CleanUp>[0], 'voidCoupons' | 'untag'> {
  return {
    voidCoupons: () => {
      player.move('take coupons back', null)
      return player.host.activities.voidCoupons({ run: player.input.run, asked: player.host.now() })
    },
    untag: (name) => untag(player, name),
  }
}

type Asked = Omit<Parameters<Playing['host']['activities']['openReview']>[0], 'key' | 'run' | 'asked'> & {
  kind: 'review' | 'task'
}

/** A race of the answer, the deadline and the exit, as a wait for an event is. */
async function askPerson(player: Playing, { kind, ...asked }: Asked) {
  const { host, input } = player
  const { activities } = host
  const { run } = input
  const { topic, deadline } = asked
  const key = player.nextKey(kind, topic)
  player.handled = host.wakes()
  let view = await activities.openReview({ key, run, ...asked, asked: host.now() })
  for (;;) {
    player.leaveUnless(view.status)
    if (view.decided) return view.decided
    player.move(`${kind} ${topic}`, deadline)
    const woken = (await host.rest(deadline, player.handled)) === 'woken'
    player.handled = host.wakes()
    view = woken ? await activities.viewReview({ run, key }) : await activities.closeReview({ run, key })
  }
}

async function review(
  player: Playing,
  topic: string,
  { within, otherwise }: Parameters<Steps['review']>[1],
): ReturnType<Steps['review']> {
  const deadline = player.host.now() + milliseconds(within)
  const { decision, ...who } = await askPerson(player, { kind: 'review', topic, deadline, otherwise })
  return { decision: decision === 'approve' ? 'approve' : 'deny', ...who }
}

async function task(
  player: Playing,
  topic: string,
  { within, note = '' }: Parameters<Steps['task']>[1],
): ReturnType<Steps['task']> {
  const asked = player.host.now()
  const deadline =
    typeof within === 'string'
      ? asked + milliseconds(within)
      : await player.host.activities.workingDeadline({ ...within, asked })
  const answer = await askPerson(player, { kind: 'task', topic, deadline, otherwise: 'cannot', note })
  return { done: answer.decision === 'done', by: answer.by, note: answer.reason }
}

async function tag(player: Playing, name: string, { lasts }: { lasts?: Duration } = {}): Promise<void> {
  const { host } = player
  const key = player.nextKey('tag', name)
  await asking(player, `tag ${name}`, (of) =>
    host.activities.giveTag({ key, tag: name, ...of, ...(lasts && { lasts }) }),
  )
}

async function untag(player: Playing, name: string): Promise<void> {
  const { host, input } = player
  const key = player.nextKey('untag', name)
  player.move(`untag ${name}`, null)
  await host.activities.takeTagOff({ key, run: input.run, tag: name, asked: host.now() })
}

async function unsubscribe(player: Playing, reason: string): Promise<void> {
  const { host } = player
  const key = player.nextKey('consent', 'withdrawn')
  await asking(player, 'unsubscribe', (of) => host.activities.withdrawConsent({ key, reason, ...of }))
}

async function askConsent(player: Playing, topic?: string): ReturnType<Steps['askConsent']> {
  const { host } = player
  const key = player.nextKey('consent', 'asked')
  const answer = await asking(player, 'ask for consent', (of) =>
    host.activities.askForConsent({ key, ...of, ...(topic && { topic }) }),
  )
  return answer.is === 'done' ? { asked: true } : { asked: false, refused: answer.code }
}

/** 'mid-autumn 10:00', '6 hours before 2026-11-11T20:00:00+08:00'. */
export function targetInWords(target: CalendarTarget): string {
  if (!('instant' in target)) return Object.values(target).flat().join(' ')
  const { instant, before, after } = target
  return [before && `${before} before`, after && `${after} after`, instant].filter(Boolean).join(' ')
}
