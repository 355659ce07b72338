/**
 * Rendering for a whole population: words are taken apart, and a part that hangs on the same values comes out the same, so that it is
 * rendered once. A hundred thousand letters differ in a name, a code and a price.
 */
import { type Render, type Templates, globalsOf, ifIn, parseText, rendered } from './template.ts'

interface Part {
  templates: Templates
  /** Of `{{ coupon.code }}`, which is nearly always a text: the path to it. */
  plain: readonly string[] | undefined
  /** Of `{% if coupon.issued %}`: the path to what decides, and the parts of either way. */
  choice: { path: readonly string[]; so: readonly Part[]; otherwise: readonly Part[] } | undefined
  /** The values from outside that it names. */
  paths: readonly (readonly unknown[])[]
  /** What it came to, by those values; an error where it could not be. */
  known: Map<string, string | Error>
}

/** Tags that hand nothing on to what follows them. Words with any other are one part. */
const APART = new Set([
  'if',
  'elsif',
  'else',
  'endif',
  'unless',
  'endunless',
  'for',
  'endfor',
  'case',
  'when',
  'endcase',
])
const TAGS = /\{%-?\s*(\w+)([^%]*)/g
/** Takes blanks from what stands beside. */
const TRIMS = /\{[{%]-|-[%}]\}/
const KNOWN_MOST = 10_000

/** Remembers what came out. The same as rendering anew, but that an error may name its place in another letter with the same piece. */
export function rememberingRender(): Render {
  const sources = new Map<string, Part[]>()
  // The same piece stands in many letters.
  const parts = new Map<string, Part>()
  const partsOf = (source: string): Part[] => {
    const known = sources.get(source)
    if (known) return known
    const apart = takenApart(source, parts)
    sources.set(source, apart)
    return apart
  }
  return (kind, source, variables) => {
    if (kind === 'html') return rendered(kind, source, variables)
    return textOf(partsOf(source), variables)
  }
}

function textOf(parts: readonly Part[], variables: Record<string, unknown>): string {
  let text = ''
  for (const part of parts) text += resultOf(part, variables)
  return text
}

function takenApart(source: string, parts: Map<string, Part>): Part[] {
  const templates = parseText(source)
  // `offset: continue` goes on where another loop ended.
  const apart = [...source.matchAll(TAGS)].every(
    ([, tag = '', rest = '']) => APART.has(tag) && !rest.includes('continue'),
  )
  if (!apart || TRIMS.test(source)) return [partOf(templates)]
  return templates.map((one, nth) => {
    const piece = source.slice(one.token.begin, templates[nth + 1]?.token.begin)
    const part = parts.get(piece) ?? partOf([one], piece)
    parts.set(piece, part)
    return part
  })
}

const VALUE = /^\{\{\s*(\w+(?:\.\w+)*)\s*\}\}$/
const DECIDES = /^\{%\s*if\s+(\w+(?:\.\w+)*)\s*%\}/

function partOf(templates: Templates, piece = ''): Part {
  const paths = globalsOf(templates)
  const plain = VALUE.exec(piece)?.[1]
  // A word such as `true` is no path.
  const isPath = plain !== undefined && paths.length === 1 && paths[0]?.join('.') === plain
  return {
    templates,
    plain: isPath ? plain.split('.') : undefined,
    choice: choiceOf(templates, piece, paths),
    paths,
    known: new Map(),
  }
}

/** Of one condition that is a path. */
function choiceOf(templates: Templates, piece: string, paths: Part['paths']): Part['choice'] {
  const decides = DECIDES.exec(piece)?.[1]
  const ways = decides === undefined ? undefined : ifIn(templates)
  if (decides === undefined || !ways || !paths.some((path) => path.join('.') === decides)) return undefined
  const partsOf = (some: Templates): Part[] => some.map((one) => partOf([one], one.token.getText()))
  return { path: decides.split('.'), so: partsOf(ways.so), otherwise: partsOf(ways.otherwise) }
}

/** What Liquid reckons where there is no such property. */
const RECKONED = new Set(['size', 'first', 'last'])
const UNSURE = Symbol('unsure')

/** What a path leads to by properties of objects alone; undefined where there is nothing, and not sure of whatever else it meets. */
function found(variables: Record<string, unknown>, path: readonly string[]): unknown {
  let value: unknown = variables
  for (const name of path) {
    if (value === undefined || value === null) return value
    if (typeof value !== 'object' || Array.isArray(value)) return UNSURE
    if (!Object.hasOwn(value, name)) return RECKONED.has(name) ? UNSURE : undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

function resultOf({ templates, plain, choice, paths, known }: Part, variables: Record<string, unknown>): string {
  if (plain) {
    const text = found(variables, plain)
    if (typeof text === 'string') return text
  }
  if (choice) {
    const value = found(variables, choice.path)
    const isSo = value !== false && value !== undefined && value !== null
    if (value !== UNSURE) return textOf(isSo ? choice.so : choice.otherwise, variables)
  }
  let key = ''
  for (const path of paths) {
    const value = valueAt(variables, path)
    key += typeof value === 'string' ? `${value.length}"${value}` : `${JSON.stringify(value)}\u0000`
  }
  let result = known.get(key)
  if (result === undefined) {
    try {
      result = rendered('text', templates, variables)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      result = error
    }
    if (known.size >= KNOWN_MOST) known.clear()
    known.set(key, result)
  }
  if (typeof result === 'string') return result
  throw result
}

/** As far as the path can be followed by plain properties: `items.size` and `items[n]` hang on all of the items. */
function valueAt(variables: Record<string, unknown>, path: readonly unknown[]): unknown {
  let value: unknown = variables
  for (const [depth, name] of path.entries()) {
    const inside = typeof value === 'object' && value !== null && typeof name === 'string' && Object.hasOwn(value, name)
    if (!inside) return depth === 0 ? undefined : value
    value = (value as Record<string, unknown>)[name]
  }
  return value
}
