/**
 * Words with variables, in Liquid. Strict on purpose: a variable without a value is a refusal, never a blank in somebody's
 * mail. Pure: no files are read, loops and memory are bounded, and HTML is escaped unless it is ours.
 */
import { ForTag, IfTag, Liquid, type Template, UnlessTag } from 'liquidjs'
import { PerennialError, type Refusal } from './errors.ts'

/** One wording of a message, ready to be filled in. `html` replaces the HTML part that is otherwise made from `text`. */
export interface Wording {
  subject: string
  text: string
  html?: string
  /** What `html` was compiled from. */
  mjml?: string
}

/** The words of one message in the plan's own language and in others. */
export interface Copy extends Wording {
  /** The language of the words above, BCP 47; 'en' unless said. */
  locale?: string
  /** The same in other languages: 'zh-CN'. */
  locales?: Record<string, Wording>
}

/** A wording as its author writes it: of `text`, `html` and `mjml` at least one; MJML becomes HTML, HTML becomes the text part. */
export interface Draft {
  subject: string
  text?: string
  html?: string
  mjml?: string
}

export interface CopyDraft extends Draft {
  locale?: string
  locales?: Record<string, Draft>
}

/**
 * The words of a message as letters by language: `{ en: 'Subject\n\nText', 'zh-CN': '…' }`. The first line of a letter is its
 * subject, an empty line parts it from the text, and the first language is the plan's own.
 */
export type Letters = Record<string, string> & { [field in keyof CopyDraft]?: never }

/** A letter taken apart; undefined where it has no subject, no empty line after it, or no text. */
export function partsOfLetter(letter: string): { subject: string; text: string } | undefined {
  const [, subject, text] = /^[^\S\n]*(\S[^\n]*)\n[^\S\n]*\n(.*\S.*)$/s.exec(letter) ?? []
  return subject === undefined || text === undefined ? undefined : { subject: subject.trimEnd(), text: text.trim() }
}

export interface Words {
  subject: string
  text: string
  html: string
}

export type Rendered = { ok: true; words: Words } | { ok: false; code: Refusal; detail: string }

const noFiles = {
  existsSync: () => false,
  exists: () => Promise.resolve(false),
  readFileSync: () => '',
  readFile: () => Promise.resolve(''),
  resolve: (_root: string, file: string) => file,
  contains: () => Promise.resolve(false),
  containsSync: () => false,
}

function engine(outputEscape?: 'escape'): Liquid {
  const liquid = new Liquid({
    fs: noFiles,
    relativeReference: false,
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: true,
    lenientIf: true,
    parseLimit: 100_000,
    renderLimit: 200,
    memoryLimit: 1_000_000,
    ...(outputEscape === undefined ? {} : { outputEscape }),
  })
  // `raw` would let a customer's own words through as markup; `sample` draws by chance, so that two attempts could differ.
  for (const filter of ['raw', 'sample']) delete liquid.filters[filter]
  liquid.registerFilter('safe_url', safeUrl)
  return liquid
}

/** An http(s) or mailto address as it is, anything else (javascript:, data:) as '#'. */
function safeUrl(value: unknown): string {
  return typeof value === 'string' && /^(https?:\/\/|mailto:)/i.test(value) ? value : '#'
}

const plain = engine()
const markup = engine('escape')
const parsed = new Map<string, Template[]>()
const PARSED_MOST = 2_000

function parse(liquid: Liquid, source: string): Template[] {
  const key = `${liquid === markup ? 'h' : 't'}${source}`
  const known = parsed.get(key)
  if (known) return known
  const template = liquid.parse(source)
  if (parsed.size >= PARSED_MOST) parsed.clear()
  parsed.set(key, template)
  return template
}

/** Throws TEMPLATE_SYNTAX, naming the part and the line, unless all parts of the words can be parsed. */
export function checkCopy(copy: Pick<Draft, 'subject' | 'text' | 'html'>, where: string): void {
  for (const part of ['subject', 'text', 'html'] as const) {
    const source = copy[part]
    if (source === undefined) continue
    try {
      parse(part === 'html' ? markup : plain, source)
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause)
      throw new PerennialError('TEMPLATE_SYNTAX', `${where}.${part}: ${detail}`, { field: `${where}.${part}`, cause })
    }
  }
}

/** The names that the words ask for from outside, with their paths: 'name', 'coupon.code'. Throws what parsing throws. */
export function variablesOf(copy: Wording): Set<string> {
  const parts = [copy.subject, copy.text, copy.html ?? '']
  return new Set(
    parts.flatMap((source) =>
      globalsOf(parse(plain, source)).map((path) => path.filter((part) => typeof part === 'string').join('.')),
    ),
  )
}

/** A source, parsed. */
export type Templates = Template[]

export const parseText = (source: string): Templates => parse(plain, source)

/** The paths of the values that templates name from outside; a part that is no text is itself a path. */
export const globalsOf = (templates: Templates): (readonly unknown[])[] =>
  plain.globalVariableSegmentsSync(templates, { partials: false })

/** Both ways of an `if` or an `unless` that has no `elsif`; undefined for whatever else it is. */
export function waysOf([tag]: Templates): { so: Templates; otherwise: Templates } | undefined {
  if (tag instanceof IfTag && tag.branches.length === 1) {
    return { so: tag.branches[0]?.templates ?? [], otherwise: tag.elseTemplates ?? [] }
  }
  if (tag instanceof UnlessTag && tag.branches.length === 1) {
    return { so: tag.elseTemplates, otherwise: tag.branches[0]?.templates ?? [] }
  }
  return undefined
}

/** What a `for` says of each, and where there is none; undefined for whatever else it is. */
export const loopOf = ([tag]: Templates): { each: Templates; none: Templates } | undefined =>
  tag instanceof ForTag ? { each: tag.templates, none: tag.elseTemplates } : undefined

/** Control characters and the separators that some programs break lines at become blanks: no name writes a header. */
const onePlainLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()

/** What we add to both bodies after a blank line. */
export interface Footer {
  text: string
  url: string
  more?: readonly { text: string; url: string }[]
  /** A line of words after the links: the postal address. */
  note?: string
}

/** Rendering is bounded by the clock of the machine, which a busy one may let run out in the middle of a harmless line. */
const TRIES = 3
const OUT_OF_TIME = 'template render limit exceeded'

/** What Liquid makes of a source, as text or as HTML. Throws what Liquid throws. */
export type Render = (kind: 'text' | 'html', source: string, variables: Record<string, unknown>) => string

export function rendered(
  kind: 'text' | 'html',
  source: string | Templates,
  variables: Record<string, unknown>,
): string {
  const liquid = kind === 'html' ? markup : plain
  for (let tries = 1; ; tries++) {
    try {
      const templates = typeof source === 'string' ? parse(liquid, source) : source
      return liquid.renderSync(templates, variables) as string
    } catch (error) {
      const late = error instanceof Error && error.message.includes(OUT_OF_TIME)
      if (!late || tries >= TRIES) throw error
    }
  }
}

/**
 * The three parts of a mail. `lang` is the language that the page of it says it is in. Where it is `pageless`, nobody looks at a page
 * that is made from the text, and it is left empty.
 */
export function renderWords(
  copy: Wording,
  variables: Record<string, unknown>,
  footer?: Footer,
  lang?: string,
  render: Render = rendered,
  pageless = false,
): Rendered {
  try {
    const subject = onePlainLine(render('text', copy.subject, variables))
    const text = render('text', copy.text, variables).trim()
    const whole = footer ? `${text}\n\n--\n${footerText(footer)}\n` : `${text}\n`
    if (pageless && copy.html === undefined) return { ok: true, words: { subject, text: whole, html: '' } }
    // The text is text: a '<' that its author wrote is escaped like one that came with a name.
    const body = copy.html === undefined ? paragraphs(escapeHtml(text)) : render('html', copy.html, variables).trim()
    return { ok: true, words: { subject, text: whole, html: htmlPart(body, footer, lang) } }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    const missing = error instanceof Error && error.name === 'UndefinedVariableError'
    return { ok: false, code: missing ? 'TEMPLATE_VARIABLE_MISSING' : 'TEMPLATE_FAILED', detail }
  }
}

const linksOf = ({ text, url, more = [] }: Footer) => [{ text, url }, ...more]

function footerText(footer: Footer): string {
  const lines = linksOf(footer).map(({ text, url }) => `${text}: ${url}`)
  return [...lines, ...(footer.note ? [footer.note] : [])].join('\n')
}

export function paragraphs(escaped: string): string {
  return escaped
    .split(/\n\s*\n/)
    .map((block) => `<p>${block.replaceAll('\n', '<br>')}</p>`)
    .join('\n')
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)

function footerHtml(footer: Footer): string {
  const links = linksOf(footer).map(({ text, url }) => `<a href="${escapeHtml(url)}">${escapeHtml(text)}</a>`)
  const note = footer.note ? `<br>${escapeHtml(footer.note)}` : ''
  return `\n<hr>\n<p style="color:#666;font-size:13px">${links.join(' · ')}${note}</p>`
}

const BODY_END = /<\/body\s*>/i

/** A body that is a whole page keeps its own frame, with the footer before its end. */
function htmlPart(body: string, footer?: Footer, lang?: string): string {
  const end = footer ? footerHtml(footer) : ''
  const whole = BODY_END.exec(body)
  if (whole) {
    const framed = `<div style="font:13px/1.5 system-ui,sans-serif;max-width:36em;margin:auto">${end}\n</div>`
    return `${body.slice(0, whole.index)}${footer ? framed : ''}${body.slice(whole.index)}\n`
  }
  const open = lang === undefined ? '<!doctype html>' : `<!doctype html>\n<html lang="${escapeHtml(lang)}">`
  return `${open}\n<meta charset="utf-8">\n<div style="font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:auto">\n${body}${end}\n</div>\n`
}
