/**
 * Rendering for a whole population: words are taken apart, and a part that hangs on the same values comes out the same, so that it is
 * rendered once. A hundred thousand letters differ in a name, a code and a price.
 */
import { type Render, type Templates, globalsOf, loopOf, parseText, rendered, waysOf } from './template.ts'

interface Part {
  templates: Templates
  /** Words that are the same in every letter. */
  isFixed: boolean
  /** Of `{{ coupon.code }}`, which is nearly always a text: the path to it. */
  plain: readonly string[] | undefined
  /** Of `{% if coupon.issued %}`: the parts of either way, and the path to what decides or, of another condition, how it is asked. */
  choice:
    | { path: readonly string[] | undefined; asks: Part | undefined; so: readonly Part[]; otherwise: readonly Part[] }
    | undefined
  /** Of `{% for one in cart.items %}`: the path to all, and the parts that each is told in. */
  loop: { name: string; path: readonly string[]; each: readonly Part[]; none: readonly Part[] } | undefined
  /** The values from outside that it names. */
  paths: readonly (readonly unknown[])[]
  /** What it came to, by those values; an error where it could not be. */
  known: Map<string, string | Error>
  /** The same by the one value that it names, which is a text or a number. */
  knownBy: Map<unknown, string | Error>
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

/** Remembers what came out. */
export class TemplateMemory {
  private readonly sources = new Map<string, readonly Part[]>()
  /** The same piece stands in many letters. */
  private readonly parts = new Map<string, Part>()

  private partsOf(source: string): readonly Part[] {
    const known = this.sources.get(source)
    if (known) return known
    const apart = takenApart(source, this.parts)
    this.sources.set(source, apart)
    return apart
  }

  /** The same as rendering anew, but that an error may name its place in another letter with the same piece. */
  readonly render: Render = (kind, source, variables) =>
    kind === 'html' ? rendered(kind, source, variables) : textOf(this.partsOf(source), variables)

  /**
   * Where values lead to from a likeness: to the same for two sets of values with which a source comes out the same, but for values that
   * `stands` has one sign for. Undefined where nothing would come out, or something with `without` in it.
   */
  likeness<T>(
    source: string,
    variables: Record<string, unknown>,
    { asked, from }: { asked: Likening; from: Likeness<T> },
  ): Likeness<T> | undefined {
    return throughAll(this.partsOf(source), variables, asked, from)
  }
}

/** Letters that are alike so far: each value, way and turn that comes next in them leads on to one of these. */
export class Likeness<T> {
  /** What is remembered of those that end here. */
  kept: T | undefined = undefined
  private readonly next = new Map<string | number, Likeness<T>>()
  /** Most letters go the same way. */
  private last: string | number | undefined = undefined
  private led: Likeness<T> | undefined = undefined

  /** A number tells a way or how many turns, a text a value: what comes next is one of them whenever it comes to here. */
  to(what: string | number): Likeness<T> {
    if (this.led && this.last === what) return this.led
    const known = this.next.get(what) ?? new Likeness<T>()
    this.next.set(what, known)
    this.last = what
    this.led = known
    return known
  }
}

export interface Likening {
  /** One sign for all values that make no difference to whoever asks; the value itself where it makes one. */
  stands: (value: string) => string
  without: string
}

function throughAll<T>(
  parts: readonly Part[],
  variables: Record<string, unknown>,
  asked: Likening,
  from: Likeness<T>,
): Likeness<T> | undefined {
  let like: Likeness<T> | undefined = from
  for (const part of parts) {
    if (part.isFixed) continue
    like = through(part, variables, asked, like)
    if (!like) return undefined
  }
  return like
}

function through<T>(
  part: Part,
  variables: Record<string, unknown>,
  asked: Likening,
  from: Likeness<T>,
): Likeness<T> | undefined {
  const value = part.plain && found(variables, part.plain)
  if (typeof value === 'string') return withValue(value, asked, from)
  const way = wayThrough(part, variables)
  if (way) return throughAll(way, variables, asked, from.to(way === part.choice?.so ? 1 : 0))
  const turns = turnsOf(part, variables)
  if (turns) {
    let like: Likeness<T> | undefined = from.to(turns[0]?.[0] === part.loop?.none ? 0 : turns.length)
    for (const [each, values] of turns) {
      like = throughAll(each, values, asked, like)
      if (!like) return undefined
    }
    return like
  }
  const text = resultOf(part, variables)
  return typeof text === 'string' ? withValue(text, asked, from) : undefined
}

function withValue<T>(value: string, { stands, without }: Likening, from: Likeness<T>): Likeness<T> | undefined {
  const sign = stands(value)
  return sign.includes(without) ? undefined : from.to(sign)
}

function textOf(parts: readonly Part[], variables: Record<string, unknown>): string {
  let text = ''
  for (const part of parts) text += partIn(part, variables)
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
const DECIDES = /^\{%\s*(?:if|unless)\s+([^%]+?)\s*%\}/
const PATH = /^\w+(?:\.\w+)*$/
const LOOP = /^\{%\s*for\s+(\w+)\s+in\s+(\w+(?:\.\w+)*)\s*%\}/

function partOf(templates: Templates, piece = ''): Part {
  const paths = globalsOf(templates)
  const plain = VALUE.exec(piece)?.[1]
  // A word such as `true` is no path.
  const isPath = plain !== undefined && paths.length === 1 && paths[0]?.join('.') === plain
  return {
    templates,
    isFixed: piece !== '' && !piece.includes('{'),
    plain: isPath ? plain.split('.') : undefined,
    choice: choiceOf(templates, piece, paths),
    loop: loopIn(templates, piece),
    paths,
    known: new Map(),
    knownBy: new Map(),
  }
}

const partsOf = (some: Templates): Part[] => some.map((one) => partOf([one], one.token.getText()))

function choiceOf(templates: Templates, piece: string, paths: Part['paths']): Part['choice'] {
  const decides = DECIDES.exec(piece)?.[1]
  const ways = decides === undefined ? undefined : waysOf(templates)
  if (decides === undefined || !ways) return undefined
  // A word such as `true` is no path.
  const isPath = PATH.test(decides) && paths.some((path) => path.join('.') === decides)
  return {
    path: isPath ? decides.split('.') : undefined,
    asks: isPath ? undefined : partOf(parseText(`{% if ${decides} %}${SO}{% endif %}`)),
    so: partsOf(ways.so),
    otherwise: partsOf(ways.otherwise),
  }
}

const SO = 'so'

function loopIn(templates: Templates, piece: string): Part['loop'] {
  const [, name, path] = LOOP.exec(piece) ?? []
  const loop = loopOf(templates)
  if (name === undefined || path === undefined || !loop) return undefined
  // Which turn it is, only the loop itself knows.
  if (globalsOf(loop.each).some(([first]) => first === 'forloop')) return undefined
  return { name, path: path.split('.'), each: partsOf(loop.each), none: partsOf(loop.none) }
}

/** What Liquid reckons where there is no such property. */
const RECKONED = new Set(['size', 'first', 'last'])
const UNSURE = Symbol('unsure')
/** Of a path that ends early: as it is in an error. */
const NOT_INSIDE = Symbol('not inside')

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

/** Of a part with a condition the parts of the way that is gone; undefined of any other part, and where it is not sure. */
function wayThrough({ choice }: Part, variables: Record<string, unknown>): readonly Part[] | undefined {
  if (!choice) return undefined
  const { path, asks, so, otherwise } = choice
  if (asks) {
    const text = resultOf(asks, variables)
    return typeof text === 'string' ? (text === SO ? so : otherwise) : undefined
  }
  const value = path && found(variables, path)
  if (value === UNSURE) return undefined
  return value !== false && value !== undefined && value !== null ? so : otherwise
}

/** Of a part with a loop all that it goes through, with the values for each; undefined of any other part, and where it is not sure. */
function turnsOf(
  { loop }: Part,
  variables: Record<string, unknown>,
): [readonly Part[], Record<string, unknown>][] | undefined {
  const all = loop && found(variables, loop.path)
  if (!loop || !Array.isArray(all)) return undefined
  if (all.length === 0) return [[loop.none, variables]]
  return all.map((one: unknown) => [loop.each, { ...variables, [loop.name]: one }])
}

function partIn(part: Part, variables: Record<string, unknown>): string {
  if (part.plain) {
    const text = found(variables, part.plain)
    if (typeof text === 'string') return text
  }
  const way = wayThrough(part, variables)
  if (way) return textOf(way, variables)
  const turns = turnsOf(part, variables)
  if (turns) return turns.map(([each, values]) => textOf(each, values)).join('')
  const text = resultOf(part, variables)
  if (typeof text === 'string') return text
  throw text
}

function resultOf(part: Part, variables: Record<string, unknown>): string | Error {
  const { paths, known, knownBy } = part
  const [path] = paths
  if (path && paths.length === 1) {
    const value = valueAt(variables, path)
    if (typeof value === 'string' || typeof value === 'number') return remembering(part, knownBy, value, variables)
  }
  let key = ''
  for (const path of paths) {
    const value = valueAt(variables, path)
    if (value === NOT_INSIDE) key += '?'
    else key += typeof value === 'string' ? `${value.length}"${value}` : `${JSON.stringify(value)}\u0000`
  }
  return remembering(part, known, key, variables)
}

function remembering<K>(
  { templates }: Part,
  known: Map<K, string | Error>,
  key: K,
  variables: Record<string, unknown>,
): string | Error {
  const before = known.get(key)
  if (before !== undefined) return before
  const result = textOrError(templates, variables)
  if (known.size >= KNOWN_MOST) known.clear()
  known.set(key, result)
  return result
}

function textOrError(templates: Templates, variables: Record<string, unknown>): string | Error {
  try {
    return rendered('text', templates, variables)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return error
  }
}

/** As far as the path can be followed by plain properties: `items.size` and `items[n]` hang on all of the items. */
function valueAt(variables: Record<string, unknown>, path: readonly unknown[]): unknown {
  let value: unknown = variables
  for (const [depth, name] of path.entries()) {
    if (typeof value !== 'object' || value === null || typeof name !== 'string') return value
    if (Object.hasOwn(value, name)) value = (value as Record<string, unknown>)[name]
    else if (depth > 0) return Array.isArray(value) || RECKONED.has(name) ? value : NOT_INSIDE
    else return undefined
  }
  return value
}
