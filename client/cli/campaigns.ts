/** Campaigns in words: whom one would reach before it begins, what it is at, and what a stop leaves. */
import { type WaveCounts } from '../../domain/campaign.ts'
import { PerennialError } from '../../domain/errors.ts'
import type { CampaignReach, CampaignReport, StartedCampaign, StoppedCampaign } from '../campaigns.ts'
import { type Cell, clockOf, left, many, number, page, right, section, strong, table } from './layout.ts'
import type { Session } from './session.ts'

/** Counts first; with `yes` it begins. */
export async function startCampaign(
  session: Session,
  { campaign, occasion, yes }: { campaign: string; occasion: string | undefined; yes: boolean },
): Promise<void> {
  await session.perennial(async (perennial, zone) => {
    const asked = { campaign, ...(occasion !== undefined && { occasion }) }
    if (yes) {
      const started = await perennial.startCampaign(asked)
      session.answer(started, () => startedPage(started, zone))
      return
    }
    const reach = await perennial.reach(asked)
    session.tell(
      new PerennialError(
        'COMMAND_INVALID',
        `${campaign} of ${reach.occasion} is for ${many(reach.members, 'customer')} now; nothing was done`,
        { expected: `\`perennial start ${campaign} --occasion ${reach.occasion} --yes\`` },
      ),
    )
    session.answer(reach, () => reachTable(reach))
    session.exitCode = 1
  })
}

function reachTable({ zones }: Pick<CampaignReach, 'zones'>): string {
  const rows = zones.map(({ zone, day, members }): Cell[] => [zone, day, number(members)])
  return table([left('ZONE'), left('DAY'), right('MEMBERS')], rows)
}

function startedPage(started: StartedCampaign, zone: string): string {
  const { campaign, occasion, begun, pausedSince } = started
  const begins = begun.length === 0 ? 'had begun before; nothing changed.' : `begins in ${many(begun.length, 'zone')}.`
  return page(
    `${campaign} of ${occasion} ${begins}`,
    reachTable(started),
    pausedSince ? `It is paused since ${clockOf(zone)(pausedSince)}: no page goes before it is resumed.` : '',
  )
}

export function stoppedWords({ journey, stopped, handedOver }: StoppedCampaign): string {
  const { sent, accepted, unknown, withdrawn, notBegun } = handedOver
  return page(
    `${journey} is stopped; ${many(stopped, 'member')} left it.`,
    table(
      [left('HANDED OVER'), right('MESSAGES')],
      [
        ['sent', number(sent)],
        ['accepted, the provider says later', number(accepted)],
        ['unknown, begun and not settled', number(unknown)],
        ['held or reserved, withdrawn', number(withdrawn)],
        ['not begun', number(notBegun)],
      ],
    ),
  )
}

const outcome = ({ sent, accepted, unknown, failed, skipped }: WaveCounts): string =>
  Object.entries({ sent, accepted, unknown, failed, skipped })
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${number(count)}`)
    .join(', ')

/** A section for each run, newest first. */
export function campaignRunsPage(runs: readonly CampaignReport[], zone: string): string {
  const at = clockOf(zone)
  if (runs.length === 0) return section('Campaign runs', 'It has not begun yet.')
  return page(
    ...runs.map(({ id, status, day, begun_by, begun_at, waves }) => {
      const rows = waves.map(({ name, due_at, begun_at: begun, done_at, skipped, counts }): Cell[] => [
        name,
        at(due_at),
        skipped ? 'too late' : done_at ? 'done' : begun ? 'on' : 'ahead',
        number(counts.members),
        outcome(counts),
      ])
      return page(
        strong(id),
        `${status}, for ${day}, begun by ${begun_by} ${at(begun_at)}`,
        table([left('WAVE'), left('DUE'), left('STATE'), right('MEMBERS'), left('OUTCOME')], rows),
      )
    }),
  )
}
