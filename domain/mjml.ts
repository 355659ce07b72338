/**
 * Mail bodies in MJML. Compiled once, when words are saved or a process starts, never at a send. It stands on mjml: nothing is
 * included from files, no font is fetched from elsewhere (Google's are not reachable everywhere).
 */
import { PerennialError } from './errors.ts'

interface Fault {
  line: number
  message: string
  tagName: string
}

/**
 * HTML with the Liquid of the source in it. Throws MJML_INVALID naming `where`, the line and the tag; also where Liquid stands
 * between MJML tags, which MJML would drop without a word.
 */
export async function compileMjml(source: string, where: string): Promise<string> {
  const { html, errors } = await compiled(source, where)
  const [fault] = errors
  if (fault) throw refused(where, `line ${fault.line}, <${fault.tagName}>: ${fault.message}`)
  const lost = liquidOf(source).find((tag) => !html.includes(tag))
  if (lost !== undefined) {
    const line = source.slice(0, source.indexOf(lost)).split('\n').length
    throw refused(where, `line ${line}: ${lost} stands where MJML drops it; wrap it in <mj-raw>`)
  }
  if (/<mj-include/i.test(source)) throw refused(where, '<mj-include> is not read; use a partial')
  return html
}

async function compiled(source: string, where: string): Promise<{ html: string; errors: Fault[] }> {
  // Half a second to load, and most words are no MJML.
  const { default: mjml2html } = await import('mjml')
  try {
    const { html, errors } = await mjml2html(source, { fonts: {}, validationLevel: 'strict', ignoreIncludes: true })
    return { html, errors: errors as Fault[] }
  } catch (cause) {
    const [fault] = (cause as { errors?: Fault[] }).errors ?? []
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw refused(where, fault ? `line ${fault.line}, <${fault.tagName}>: ${fault.message}` : reason, cause)
  }
}

const liquidOf = (source: string): string[] => source.match(/\{\{.*?\}\}|\{%.*?%\}/gs) ?? []

function refused(where: string, detail: string, cause?: unknown): PerennialError {
  return new PerennialError('MJML_INVALID', `${where}: ${detail}`, { field: where, cause })
}
