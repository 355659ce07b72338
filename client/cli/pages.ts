/** What the words that look print for people. */
import { campaignRunsPage } from './campaigns.ts'
import { REFUSALS, type Refusal } from '../../domain/errors.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { Explanation, WhyLine } from '../explain.ts'
import type { JourneyLine } from '../journeys.ts'
import type { PlanInWords } from '../plan-in-words.ts'
import type { JourneyReport, RunReport } from '../report.ts'
import {
  type Cell,
  type Column,
  clockOf,
  facts,
  faint,
  left,
  limitsInWords,
  many,
  number,
  page,
  percent,
  right,
  section,
  strong,
  table,
} from './layout.ts'
import { steeredTable } from './steering-pages.ts'

/** In the order in which people ask for them. */
const STATUSES: readonly RunStatus[] = ['running', 'goal', 'completed', 'exited', 'stopped', 'failed']

export function listPage(journeys: readonly (PlanInWords | JourneyLine)[], zone: string): string {
  const counted = journeys.filter((one): one is JourneyLine => 'runs' in one)
  const happened = STATUSES.filter((status) => status === 'running' || counted.some(({ runs }) => runs[status] > 0))
  const columns: Column[] = [left('JOURNEY'), left('TITLE'), left('BEGINS'), left('GOAL'), right('HELD OUT')]
  if (counted.length > 0) columns.push(...happened.map((status) => right(status.toUpperCase())), right('CONVERTED'))
  const rows = journeys.map((one): Cell[] => [
    one.name,
    one.title,
    one.begins,
    one.goal ?? '–',
    `${one.holdout} %`,
    ...('runs' in one ? [...happened.map((status) => number(one.runs[status])), number(one.converted)] : []),
  ])
  const paused = counted.flatMap(({ name, pausedSince }) =>
    pausedSince
      ? [`${name} is paused since ${clockOf(zone)(pausedSince)}. \`perennial resume ${name}\` lets it go on.`]
      : [],
  )
  const off = journeys.flatMap((one) =>
    one.off
      ? [`${one.name} is off: nobody enters. \`perennial switch ${one.name} on --because <why>\` switches it on.`]
      : [],
  )
  return page(table(columns, rows), [...paused, ...off].join('\n'))
}

export function journeyPage(report: JourneyReport, zone: string): string {
  const { plan } = report
  const at = clockOf(zone)
  return page(
    `${strong(plan.title)}  ${faint(plan.name)}`,
    facts({
      Begins: plan.begins,
      Goal: plan.goal ?? 'none',
      Leaves: plan.exits.length > 0 ? plan.exits.join(', or ') : null,
      Entered: plan.reentry,
      'Held out': `${plan.holdout} %`,
      Sends: `${plan.messages.join(', ') || 'nothing'} (${plan.class}, topic ${plan.topic})`,
      By: plan.channels.join(', then ') + (plan.priority === 0 ? '' : `; priority ${plan.priority}`),
      Awards: plan.points.join(', ') || null,
      Budget: plan.budget,
      Rewards: plan.rewards.join(', ') || null,
      State: report.pausedSince ? `paused since ${at(report.pausedSince)}: runs hold before their next effect` : 'on',
    }),
    section('Runs', runsTable(report)),
    section('Lift', liftInWords(report)),
    section('Lift of those a message was for', exposedInWords(report)),
    section('Messages, coupons and points', effectsTable(report)),
    section('Offers', offersTable(report)),
    report.campaign.length > 0 ? campaignRunsPage(report.campaign, zone) : '',
    section('Newest runs', newestTable(report, at)),
    section('Steered', steeredTable(report.steered, zone)),
    faint(`Times are shop time, ${zone}.`),
  )
}

function runsTable({ counts, arms }: JourneyReport): string {
  if (counts.length === 0) return 'Nobody has entered yet.'
  const happened = STATUSES.filter((status) => status === 'running' || counts.some((one) => one.status === status))
  const rows = arms.map(({ arm, runs, converted }): Cell[] => {
    const of = (status: RunStatus): number => counts.find((one) => one.arm === arm && one.status === status)?.runs ?? 0
    return [
      arm,
      number(runs),
      ...happened.map((status) => number(of(status))),
      number(converted),
      percent(converted / runs),
    ]
  })
  const columns = [left('ARM'), right('ENTERED'), ...happened.map((status) => right(status.toUpperCase()))]
  return table([...columns, right('CONVERTED'), right('RATE')], rows)
}

const points = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)}`

function liftInWords({ lift, arms, plan }: JourneyReport): string {
  if (arms.length === 0) return ''
  if (lift === null) {
    return plan.holdout === 0
      ? 'Not measured: the plan holds nobody out.'
      : 'Not measured yet: it takes customers in both arms.'
  }
  const size = `${points(lift.difference)} points, 95 % interval ${points(lift.low)} to ${points(lift.high)}`
  return lift.conclusive ? size : `inconclusive: ${size}, which holds zero`
}

/** Of the runs that came to a message that would have gone out, in both arms. */
function exposedInWords({ exposed, plan }: JourneyReport): string {
  if (plan.holdout === 0 || exposed.arms.length === 0) return ''
  const each = exposed.arms.map(({ arm, runs, converted }) => `${arm} ${number(converted)} of ${number(runs)}`)
  const size =
    exposed.lift &&
    `${points(exposed.lift.difference)} points, 95 % interval ${points(exposed.lift.low)} to ${points(exposed.lift.high)}`
  const told = exposed.lift === null || exposed.lift.conclusive ? size : `inconclusive: ${size}, which holds zero`
  return [told, `${each.join(', ')} converted after it`].filter(Boolean).join('. ')
}

function effectsTable({ effects }: JourneyReport): string {
  const rows = effects.map(({ what, name, status, code, count }): Cell[] => [what, name, status, number(count), code])
  const codes = [
    ...new Set(effects.flatMap(({ code }) => (code !== null && code in REFUSALS ? [code as Refusal] : []))),
  ]
  return page(
    table([left('WHAT'), left('NAME'), left('STATUS'), right('COUNT'), left('REASON')], rows),
    facts(Object.fromEntries(codes.map((code) => [code, REFUSALS[code]]))),
  )
}

function offersTable({ offers }: JourneyReport): string {
  const rows = offers.map(({ id, title, issued, quota, perMember, perOccasion }): Cell[] => [
    id,
    title,
    `${number(issued)} of ${number(quota)} issued`,
    limitsInWords({ perMember, perOccasion }),
  ])
  return table([left(''), left(''), left(''), left('')], rows)
}

function newestTable({ newest }: JourneyReport, at: (date: Date) => string): string {
  const rows = newest.map(({ id, arm, entered_at, status, ended_at, reason }): Cell[] => [
    id,
    arm,
    at(entered_at),
    status,
    ended_at ? `${at(ended_at)}  ${reason ?? ''}` : '',
  ])
  return table([left('RUN'), left('ARM'), left('ENTERED'), left('STATUS'), left('ENDED')], rows)
}

export function runPage({ run, messages, coupons, where, steered }: RunReport, zone: string): string {
  const at = clockOf(zone)
  const now = (): string => {
    if (where === null) return 'over'
    if (!where.known) return `unknown: ${where.why}`
    return `${where.step}, since ${at(where.since)}${where.until ? `, until ${at(where.until)}` : ''}`
  }
  const sent = messages.map((one): Cell[] => [
    at(one.sent_at ?? one.reserved_at ?? one.created_at),
    one.message,
    one.held_until && one.status === 'held' ? `held until ${at(one.held_until)}` : one.status,
    [one.code ? `${one.code}: ${REFUSALS[one.code]}` : '', one.detail ?? ''].filter((part) => part !== '').join(' '),
  ])
  const issued = coupons.map(({ issued_at, code, offer, expires_at }): Cell[] => [
    at(issued_at),
    offer,
    code,
    `ends ${at(expires_at)}`,
  ])
  return page(
    strong(run.id),
    facts({
      Customer: run.customer,
      Occasion: run.occasion,
      Arm: run.arm === 'holdout' ? 'holdout: gets nothing, so that lift can be measured' : run.arm,
      Entered: `${at(run.entered_at)}, by ${run.begun_by}`,
      Status: run.ended_at ? `${run.status}, ${at(run.ended_at)}${run.reason ? `: ${run.reason}` : ''}` : run.status,
      'Failed at': run.status === 'failed' && run.step ? `${run.step}: ${run.failed_code ?? 'unknown error'}` : null,
      Goal: run.goal_at ? `reached ${at(run.goal_at)}` : run.goal_until ? `counts until ${at(run.goal_until)}` : null,
      'Right now': now(),
    }),
    section('Messages', sent.length > 0 ? table([left(''), left(''), left(''), left('')], sent) : 'None so far.'),
    section('Coupons', table([left(''), left(''), left(''), left('')], issued)),
    section('Steered', steeredTable(steered, zone)),
    faint(`Times are shop time, ${zone}.`),
  )
}

const SAID = { granted: 'yes', pending: 'yes, unconfirmed,', refused: 'no' } as const

export function explanationPage({ customer, lines, untouched }: Explanation, zone: string): string {
  const at = clockOf(zone)
  const agreed = customer.consents.map(
    ({ topic, channel, purpose, state }) =>
      `${SAID[state]} to ${topic} by ${channel}${purpose === 'messages' ? '' : ` for ${purpose}`}`,
  )
  const rows = lines.map((line): Cell[] => [at(line.at), line.run ?? line.journey, happened(line), reasonOf(line, at)])
  return page(
    strong(customer.id),
    facts({
      'Known since': at(customer.since),
      Zone: customer.zone ?? `not told; the shop's is taken, ${zone}`,
      Said: agreed.join(', ') || 'nothing about messages',
      Tags: customer.tags.join(', ') || null,
    }),
    lines.length > 0
      ? table([left('WHEN'), left('JOURNEY'), left('WHAT'), left('WHY')], rows)
      : 'Nothing was ever decided about this customer.',
    section(
      'Never begun',
      table(
        [left(''), left('')],
        untouched.map(({ journey, why }) => [journey, why]),
      ),
    ),
    faint(`Times are shop time, ${zone}. ${many(lines.length, 'line')}.`),
  )
}

function happened({ about, verdict, detail, coupon }: WhyLine): string {
  if (about === 'send') return `${(detail ?? 'message').split(':')[0]} ${verdict}`
  if (about === 'coupon') return coupon ? `coupon ${coupon}` : `coupon ${verdict}`
  if (about === 'points') return `points ${verdict}`
  if (about === 'entry') return verdict === 'refused' ? 'not entered' : verdict
  return about === 'goal' ? 'goal reached' : verdict
}

function reasonOf(
  { about, verdict, detail, code, because, until, channel, passed }: WhyLine,
  at: (date: Date) => string,
): string {
  const term = until === null ? '' : about === 'coupon' ? `, ends ${at(until)}` : ` Tried again ${at(until)}.`
  const others = passed.map((one) => `${one.channel} ${one.code}`).join(', ')
  const byWhat =
    channel === null || (channel === 'email' && others === '') ? '' : `by ${channel}${others && `, not by ${others}`}`
  if (code !== null) {
    const of = about === 'send' ? (detail ?? '').split(': ').slice(1).join(': ') : (detail ?? '')
    return `${code}: ${because}${term}${of ? ` (${of})` : ''}`
  }
  if (about === 'send')
    return [verdict === 'sent' ? '' : (detail ?? ''), byWhat].filter((part) => part !== '').join(' ')
  return `${detail ?? ''}${term}`
}
