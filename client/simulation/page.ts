/** A simulation as one page that stands by itself: charts, tables, the worst hit customer's whole story. No script, nothing loaded. */
import { localTime } from '../../domain/calendar.ts'
import { escapeHtml } from '../../domain/template.ts'
import { type Series, legend, lines, rows, stackedBars } from './charts.ts'
import { type SimulationReport, drawnWith } from './report.ts'

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2430;--soft:#5d6878;--line:#dde2ea;--page:#f6f7f9;--card:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa5b5;--line:#323a46;--page:#14181e;--card:#1c222b}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,"Noto Sans CJK SC","Noto Sans",sans-serif}
main{max-width:1040px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:17px;margin:0 0 12px}p{margin:0 0 12px}
.soft{color:var(--soft)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px;margin-top:18px;overflow-x:auto}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:18px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.tile b{display:block;font-size:22px;line-height:1.2;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
svg{display:block;width:100%;height:auto}
.grid{stroke:var(--line);stroke-width:1}.cap{stroke:#c0392b;stroke-width:1.5;stroke-dasharray:5 4}
.axis{fill:var(--soft);font-size:11px}.name{fill:var(--ink);font-size:12px}
.legend{font-size:13px;color:var(--soft);margin:0 0 10px}.legend span{margin-right:16px;white-space:nowrap}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
table{border-collapse:collapse;width:100%;font-size:13px}
th{color:var(--soft);font-weight:500;text-align:left}
th,td{padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.when{white-space:nowrap;color:var(--soft);font-variant-numeric:tabular-nums}
tr.message td{font-weight:600}tr.skipped td,tr.refused td{color:var(--soft)}
`

const number = (value: number): string => value.toLocaleString('en-US')
const money = (minor: number): string =>
  (minor / 100).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const wholeMoney = (minor: number): string => Math.round(minor / 100).toLocaleString('en-US')

export function pageOf(report: SimulationReport): string {
  const { from, days, customers } = report
  const dates = report.perDay.map(({ date }) => date)
  const title = `${number(customers)} customers, ${days} days`
  const parts = [
    tiles(report),
    section('Sends a day, by journey', sendsOf(report, dates)),
    section('Sends a day, by channel', channelsOf(report, dates)),
    section('Journeys', journeysTable(report)),
    section('How many messages a customer got', spreadOf(report)),
    section('Not sent, not given', refusalsOf(report)),
    section('Coupons', couponsOf(report)),
    ...report.budgets.map((budget) => section(`Budget ${budget.id}`, budgetOf(budget, dates))),
    section('Audiences', audiencesOf(report)),
    section('Nobody came to', deadOf(report)),
    section('The worst hit customer', worstOf(report)),
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Simulation: ${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>Simulation</h1>
<p class="soft">${escapeHtml(title)} from ${from}, ${drawnWith(report)}. On a virtual clock, with the real gate and ledger rules. Customers do what they do whatever is sent to them; nothing was sent.</p>
${parts.join('\n')}
</main></body></html>
`
}

const section = (title: string, body: string): string =>
  body === '' ? '' : `<section><h2>${escapeHtml(title)}</h2>${body}</section>`

function tiles({ sent, runs, caps, quietHours, coupons, points, worst, failures }: SimulationReport): string {
  const all: [string, string][] = [
    [number(sent), 'messages sent'],
    [number(runs), 'runs'],
    [number(caps.hits + caps.outranked), 'met the frequency cap'],
    [number(quietHours.held), 'held over a night'],
    [worst ? number(worst.sent) : '0', 'messages to the worst hit'],
    [wholeMoney(coupons.cost), 'cost of coupons'],
    [wholeMoney(points.liability), 'points liability'],
    [number(failures.reduce((sum, { count }) => sum + count, 0)), 'stories failed'],
  ]
  const tile = ([value, what]: [string, string]): string =>
    `<div class="tile"><b>${value}</b><span>${what}</span></div>`
  return `<div class="tiles">${all.map(tile).join('')}</div>`
}

const MOST_SERIES = 8

/** The largest by themselves, the rest together. */
function largest(all: readonly (Series & { sum: number })[]): Series[] {
  const sorted = all.filter(({ sum }) => sum > 0).sort((one, other) => other.sum - one.sum)
  if (sorted.length <= MOST_SERIES) return sorted
  const rest = sorted.slice(MOST_SERIES - 1)
  const values = (sorted[0]?.values ?? []).map((_, day) => rest.reduce((sum, one) => sum + (one.values[day] ?? 0), 0))
  return [...sorted.slice(0, MOST_SERIES - 1), { name: 'others', values }]
}

function sendsOf({ journeys }: SimulationReport, dates: readonly string[]): string {
  const series = largest(journeys.map(({ journey, days, sent }) => ({ name: journey, values: days, sum: sent })))
  return legend(series.map(({ name }) => name)) + stackedBars('Sends a day by journey', dates, series)
}

function channelsOf({ channels }: SimulationReport, dates: readonly string[]): string {
  const series = channels.map(({ channel, days }) => ({ name: channel, values: days }))
  return legend(series.map(({ name }) => name)) + lines('Sends a day by channel', dates, series)
}

function tableOf(heads: readonly string[], body: readonly (readonly (string | number)[])[]): string {
  const cell = (tag: 'th' | 'td', value: string | number): string =>
    `<${tag}${typeof value === 'number' ? ' class="n"' : ''}>${typeof value === 'number' ? number(value) : escapeHtml(value)}</${tag}>`
  const [first] = body
  const head = heads.map(
    (name, n) => `<th${typeof first?.[n] === 'number' ? ' class="n"' : ''}>${escapeHtml(name)}</th>`,
  )
  const lines = body.map((row) => `<tr>${row.map((value) => cell('td', value)).join('')}</tr>`)
  return body.length === 0
    ? ''
    : `<table><thead><tr>${head.join('')}</tr></thead><tbody>${lines.join('')}</tbody></table>`
}

function journeysTable({ journeys }: SimulationReport): string {
  return tableOf(
    ['Journey', 'Entered', 'Held out', 'Goal', 'Completed', 'Exited', 'Failed', 'Still in', 'Sent'],
    journeys.map((one) => [
      one.journey,
      one.entered,
      one.holdout,
      one.goal,
      one.ended.completed,
      one.ended.exited,
      one.ended.failed,
      one.running,
      one.sent,
    ]),
  )
}

function spreadOf({ messagesPerCustomer }: SimulationReport): string {
  const all = Object.entries(messagesPerCustomer).map(([count, value]) => ({ name: `${count} messages`, value }))
  return rows('Customers by the number of messages they got', all)
}

function refusalsOf({ refusals, entriesRefused }: SimulationReport): string {
  const all = [...refusals, ...entriesRefused]
  const chart = rows(
    'Refusals and holds by code',
    all.map(({ code, count }) => ({ name: code, value: count })),
  )
  return (
    chart +
    tableOf(
      ['Code', 'Times', 'Meaning'],
      all.map(({ code, count, meaning }) => [code, count, meaning]),
    )
  )
}

function couponsOf({ coupons }: SimulationReport): string {
  const { perCustomer, redrawn, offers, cost } = coupons
  const said = `In all ${money(cost)}. Of the ${number(perCustomer.customers)} customers who used any, half cost at most ${money(perCustomer.p50)} and 99 in a hundred at most ${money(perCustomer.p99)}. Drawn anew ${number(redrawn.times)} times out of these customers, the whole comes to at most ${money(redrawn.p50)} in half of the draws and to at most ${money(redrawn.p99)} in 99 of a hundred.`
  const issued = offers.filter((one) => one.issued > 0)
  const table = tableOf(
    ['Offer', 'Quota', 'Issued', 'Redeemed', 'Cost'],
    issued.map(({ offer, quota, issued: given, redeemed, cost: paid }) => [offer, quota, given, redeemed, money(paid)]),
  )
  return `<p>${escapeHtml(said)}</p>${table}`
}

function budgetOf(budget: SimulationReport['budgets'][number], dates: readonly string[]): string {
  const { cap, reserved, spent, left, exhausted, lasts, refused, days } = budget
  const end =
    exhausted === null
      ? lasts === null
        ? 'At this pace it lasts for more than a year.'
        : `At this pace it lasts until ${lasts}.`
      : `It first had no room on ${exhausted}, ${number(refused)} times in all.`
  const said = `Of ${money(cap)} there are ${money(reserved)} reserved, ${money(spent)} spent and ${money(left)} left. ${end}`
  const chart = lines('Taken of the budget by day', dates, [{ name: budget.id, values: days }], {
    ceiling: cap,
    shown: wholeMoney,
  })
  return `<p>${escapeHtml(said)}</p>${chart}`
}

function audiencesOf({ audiences }: SimulationReport): string {
  return tableOf(
    ['Audience', 'Came in', 'Fell out', 'In at the end'],
    audiences.map(({ audience, entered, left, members }) => [audience, entered, left, members]),
  )
}

function deadOf({ dead }: SimulationReport): string {
  return tableOf(
    ['Journey', 'What', 'Name'],
    dead.map(({ journey, what, name }) => [journey, what, name]),
  )
}

function worstOf({ worst }: SimulationReport): string {
  if (!worst) return ''
  const { customer, sent, busiestWeek, zone, timeline } = worst
  const said = `${customer} got ${number(sent)} messages, ${busiestWeek} of them within seven days. Times are of ${zone}.`
  const told = timeline.map(
    ({ at, what, text, run }) =>
      `<tr class="${what}"><td class="when">${localTime(at, zone)}</td><td>${escapeHtml(run?.split('/')[0] ?? '')}</td><td>${escapeHtml(text)}</td></tr>`,
  )
  return `<p>${escapeHtml(said)}</p><table><thead><tr><th>When</th><th>Journey</th><th>What</th></tr></thead><tbody>${told.join('')}</tbody></table>`
}
