/** How the command line looks: quiet columns, no frames, colour only on a terminal. */
import { stripVTControlCharacters, styleText } from 'node:util'
import Table from 'cli-table3'
import { localTime } from '../../domain/calendar.ts'

const WIDE = 120
const GAP = 2
/** A last column narrower than this is harder to read than one that runs over the edge. */
const LAST_LEAST = 24

export const terminalWidth = (): number => process.stdout.columns || WIDE

const coloured = (): boolean => process.stdout.isTTY === true && !process.env['NO_COLOR']

export const strong = (text: string): string => (coloured() ? styleText('bold', text) : text)
export const faint = (text: string): string => (coloured() ? styleText('dim', text) : text)

export type Cell = string | number | null

export interface Column {
  title: string
  right?: boolean
}

export const left = (title: string): Column => ({ title })
export const right = (title: string): Column => ({ title, right: true })

const NO_FRAME = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((part) => [part, '']),
)

/** Rows in columns; the last one wraps at the width of the terminal. Without titles there is no head, without rows nothing at all. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return ''
  const cells = rows.map((row) => row.map((cell) => (cell === null ? '' : String(cell))))
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map((row) => widthOf(row[i] ?? ''))))
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP, 0)
  const room = Math.max(LAST_LEAST, terminalWidth() - before)
  const drawn = new Table({
    chars: { ...NO_FRAME, middle: ' '.repeat(GAP) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    // null: as wide as it needs, which the table knows better for letters that take two columns.
    colWidths: [...widths.slice(0, -1).map(() => null), Math.min(widths.at(-1) ?? 0, room)],
    colAligns: columns.map((column) => (column.right ? 'right' : 'left')),
    wordWrap: true,
    ...(columns.some(({ title }) => title !== '') ? { head: columns.map(({ title }) => faint(title)) } : {}),
  })
  drawn.push(...cells)
  return drawn
    .toString()
    .split('\n')
    .map((row) => row.trimEnd())
    .join('\n')
}

const widthOf = (text: string): number => stripVTControlCharacters(text).length

/** Names and what they are, one a line. */
export function facts(of: Record<string, Cell>): string {
  const shown = Object.entries(of).filter(([, value]) => value !== null)
  return table(
    [left(''), left('')],
    shown.map(([name, value]) => [faint(name), value]),
  )
}

/** A heading and what stands under it; nothing at all where there is nothing. */
export function section(title: string, body: string): string {
  return body === '' ? '' : `${strong(title)}\n${body}`
}

export function page(...blocks: string[]): string {
  return blocks.filter((block) => block !== '').join('\n\n')
}

export const number = (value: number): string => value.toLocaleString('en-US')

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** One thing, several things. */
export const many = (count: number, one: string, several = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : several}`

/** What one customer may have of an offer, and what one occasion may give where it has a number of its own. */
export const limitsInWords = ({ perMember, perOccasion }: { perMember: number; perOccasion: number | null }): string =>
  `${number(perMember)} a customer${perOccasion === null ? '' : `, ${number(perOccasion)} an occasion`}`

export const clockOf =
  (zone: string) =>
  (at: Date): string =>
    localTime(at.getTime(), zone)
