/**
 * Words with variables, in Liquid. Strict on purpose: a variable without a value is a refusal, never a blank in somebody's
 * mail. Pure: no files are read, loops and memory are bounded, and HTML is escaped unless it is ours.
 */
import { Liquid, type Template } from 'liquidjs'
import { PerennialError, type Refusal } from './errors.ts'

/** The words of one message. `html` replaces the HTML part that is otherwise made from `text`. */
export interface Copy {
  subject: string
  text: string
  html?: string
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
  // `raw` would let a customer's own words through as markup.
  delete liquid.filters['raw']
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
export function checkCopy(copy: Copy, where: string): void {
  for (const [part, source] of Object.entries(copy)) {
    try {
      parse(part === 'html' ? markup : plain, source)
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause)
      throw new PerennialError('TEMPLATE_SYNTAX', `${where}.${part}: ${detail}`, { field: `${where}.${part}`, cause })
    }
  }
}

const onePlainLine = (text: string): string => text.replace(/[\r\n]+/g, ' ').trim()

/** The three parts of a mail. `footer` is text we add to both bodies, after a blank line. */
export function renderWords(
  copy: Copy,
  variables: Record<string, unknown>,
  footer?: { text: string; url: string },
): Rendered {
  try {
    const subject = onePlainLine(plain.renderSync(parse(plain, copy.subject), variables) as string)
    const text = (plain.renderSync(parse(plain, copy.text), variables) as string).trim()
    // The text is text: a '<' that its author wrote is escaped like one that came with a name.
    const body =
      copy.html === undefined
        ? paragraphs(escapeHtml(text))
        : (markup.renderSync(parse(markup, copy.html), variables) as string).trim()
    return {
      ok: true,
      words: {
        subject,
        text: footer ? `${text}\n\n--\n${footer.text}: ${footer.url}\n` : `${text}\n`,
        html: htmlPart(body, footer),
      },
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    const missing = error instanceof Error && error.name === 'UndefinedVariableError'
    return { ok: false, code: missing ? 'TEMPLATE_VARIABLE_MISSING' : 'TEMPLATE_FAILED', detail }
  }
}

function paragraphs(escaped: string): string {
  return escaped
    .split(/\n\s*\n/)
    .map((block) => `<p>${block.replaceAll('\n', '<br>')}</p>`)
    .join('\n')
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)

function htmlPart(body: string, footer?: { text: string; url: string }): string {
  const end = footer
    ? `\n<hr>\n<p style="color:#666;font-size:13px"><a href="${escapeHtml(footer.url)}">${escapeHtml(footer.text)}</a></p>`
    : ''
  return `<!doctype html>\n<meta charset="utf-8">\n<div style="font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:auto">\n${body}${end}\n</div>\n`
}
