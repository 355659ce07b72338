/** Charts as inline SVG, drawn by hand: no library, no script, readable in print and in the dark. */
import { escapeHtml } from '../../domain/template.ts'

export interface Series {
  name: string
  values: readonly number[]
}

const WIDTH = 920
const LEFT = 48
const BOTTOM = 22
const TOP = 8

/** Hues that stay apart for those who see few, by the order in which they are used; what is beyond shares the last. */
const HUES = ['#3b6fb6', '#e08a3c', '#4a9b6e', '#b8557a', '#8a6fc0', '#c4a62f', '#5aa8b8', '#9a7b5f']
export const hueOf = (index: number): string => HUES[Math.min(index, HUES.length - 1)] ?? '#888'

/** A round number at or above `most`, so that the axis ends on it. */
function roundUp(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)))
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((one) => one >= most) ?? most
}

const fixed = (value: number): string => String(Math.round(value * 10) / 10)
const number = (value: number): string => value.toLocaleString('en-US')

function frame(height: number, title: string, body: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}"><title>${escapeHtml(title)}</title>${body}</svg>`
}

function grid(top: number, height: number, shown: (value: number) => string): string {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const y = fixed(TOP + (1 - share) * height)
      return `<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${y}" y2="${y}"/><text class="axis" x="${LEFT - 6}" y="${y}" dy="4" text-anchor="end">${escapeHtml(shown(top * share))}</text>`
    })
    .join('')
}

/** The first of each month and, where there is room, some days between. */
function dates(labels: readonly string[], x: (index: number) => number, y: number): string {
  const every = Math.max(1, Math.ceil(labels.length / 12))
  return labels
    .map((label, index) =>
      index % every === 0
        ? `<text class="axis" x="${fixed(x(index))}" y="${y}" text-anchor="middle">${escapeHtml(label.slice(5))}</text>`
        : '',
    )
    .join('')
}

/** Bars a day, the series on top of one another. */
export function stackedBars(title: string, labels: readonly string[], series: readonly Series[]): string {
  const height = 220
  const sums = labels.map((_, day) => series.reduce((sum, { values }) => sum + (values[day] ?? 0), 0))
  const top = roundUp(Math.max(1, ...sums))
  const step = (WIDTH - LEFT) / Math.max(1, labels.length)
  const bars = labels.map((label, day) => {
    let under = 0
    const parts = series.map(({ values }, index) => {
      const value = values[day] ?? 0
      const tall = (value / top) * height
      under += tall
      const y = TOP + height - under
      return value === 0
        ? ''
        : `<rect fill="${hueOf(index)}" x="${fixed(LEFT + day * step + step * 0.1)}" y="${fixed(y)}" width="${fixed(step * 0.8)}" height="${fixed(tall)}"/>`
    })
    return `<g><title>${escapeHtml(label)}: ${number(sums[day] ?? 0)}</title>${parts.join('')}</g>`
  })
  const x = (day: number): number => LEFT + (day + 0.5) * step
  const axis = dates(labels, x, TOP + height + 16)
  return frame(TOP + height + BOTTOM, title, grid(top, height, number) + bars.join('') + axis)
}

/** Lines over days, under a ceiling where there is one. */
export function lines(
  title: string,
  labels: readonly string[],
  series: readonly Series[],
  { ceiling, shown = number }: { ceiling?: number; shown?: (value: number) => string } = {},
): string {
  const height = 160
  const top = roundUp(Math.max(1, ceiling ?? 0, ...series.flatMap(({ values }) => values)))
  const step = (WIDTH - LEFT) / Math.max(1, labels.length)
  const x = (day: number): number => LEFT + (day + 0.5) * step
  const y = (value: number): number => TOP + (1 - value / top) * height
  const paths = series.map(({ values }, index) => {
    const points = values.map((value, day) => `${fixed(x(day))},${fixed(y(value))}`).join(' ')
    return `<polyline fill="none" stroke="${hueOf(index)}" stroke-width="2" points="${points}"/>`
  })
  const cap =
    ceiling === undefined
      ? ''
      : `<line class="cap" x1="${LEFT}" x2="${WIDTH}" y1="${fixed(y(ceiling))}" y2="${fixed(y(ceiling))}"/>`
  return frame(
    TOP + height + BOTTOM,
    title,
    grid(top, height, shown) + cap + paths.join('') + dates(labels, x, TOP + height + 16),
  )
}

/** One bar a row, the name before it and the number behind. */
export function rows(title: string, all: readonly { name: string; value: number; note?: string }[]): string {
  const tall = 24
  const names = 230
  const most = Math.max(1, ...all.map(({ value }) => value))
  const body = all.map(({ name, value, note = number(value) }, index) => {
    const y = index * tall
    const wide = (value / most) * (WIDTH - names - 150)
    return `<text class="name" x="${names - 8}" y="${y + 16}" text-anchor="end">${escapeHtml(name)}</text><rect fill="${hueOf(0)}" x="${names}" y="${y + 4}" width="${fixed(Math.max(1, wide))}" height="16" rx="2"/><text class="axis" x="${fixed(names + wide + 8)}" y="${y + 16}">${escapeHtml(note)}</text>`
  })
  return frame(Math.max(1, all.length) * tall + 4, title, body.join(''))
}

/** What the hues stand for. */
export const legend = (names: readonly string[]): string =>
  `<p class="legend">${names.map((name, index) => `<span><i style="background:${hueOf(index)}"></i>${escapeHtml(name)}</span>`).join('')}</p>`
