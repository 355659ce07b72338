const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Markup that is safe to send; only `html` makes it, which is why the class itself is not exported. */
class Html {
  readonly #markup: string

  constructor(strings: readonly string[], values: readonly Interpolated[]) {
    this.#markup = strings.reduce((markup, string, at) => markup + written(values[at - 1]) + string)
  }

  toString(): string {
    return this.#markup
  }
}

export type { Html }

/** What may stand in an `html` template: words are escaped, markup and lists are put in, null and false leave nothing. */
export type Interpolated = string | number | Html | null | undefined | false | readonly Interpolated[]

/**
 * Writes markup with every interpolated value escaped, unless it is itself a result of `html`. Attributes must be quoted.
 * @example html`<a href="${url}">${name}</a>`
 */
export function html(strings: TemplateStringsArray, ...values: Interpolated[]): Html {
  return new Html(strings, values)
}

function written(value: Interpolated): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'string') return value.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
  return typeof value === 'number' ? String(value) : value.map(written).join('')
}

const STYLE = html`<style>
  :root {
    color-scheme: light dark;
    --ink: #22261f;
    --soft: #646a5f;
    --line: #e2e4dd;
    --paper: #fbfbf8;
    --card: #ffffff;
    --accent: #2f6b4f;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --ink: #e4e6df;
      --soft: #9ba195;
      --line: #343831;
      --paper: #181a17;
      --card: #20231f;
      --accent: #86c5a4;
    }
  }
  * {
    box-sizing: border-box;
  }
  body {
    margin: 0 auto;
    max-width: 60rem;
    padding: 2rem 1.25rem 4rem;
    background: var(--paper);
    color: var(--ink);
    font:
      1rem/1.55 system-ui,
      -apple-system,
      'Segoe UI',
      Roboto,
      'Noto Sans',
      'PingFang SC',
      'Microsoft YaHei',
      sans-serif;
  }
  h1 {
    font-size: 1.4rem;
    font-weight: 600;
    line-height: 1.3;
    margin: 0 0 1rem;
    overflow-wrap: anywhere;
  }
  h2 {
    font-size: 1rem;
    font-weight: 600;
    margin: 2rem 0 0.5rem;
  }
  a {
    color: var(--accent);
    text-underline-offset: 0.15em;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  .soft {
    color: var(--soft);
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th,
  td {
    text-align: left;
    vertical-align: top;
    padding: 0.5rem 0.75rem 0.5rem 0;
    border-bottom: 1px solid var(--line);
    overflow-wrap: anywhere;
  }
  th {
    color: var(--soft);
    font-size: 0.85rem;
    font-weight: 500;
  }
  td.time {
    white-space: nowrap;
    color: var(--soft);
    font-variant-numeric: tabular-nums;
  }
  form {
    display: flex;
    gap: 0.5rem;
    margin: 0 0 1rem;
  }
  input,
  button {
    font: inherit;
    color: inherit;
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 0.4rem;
    padding: 0.4rem 0.7rem;
  }
  input {
    flex: 1;
    min-width: 0;
  }
  button {
    cursor: pointer;
  }
  fieldset {
    border: 1px solid var(--line);
    border-radius: 0.4rem;
    background: var(--card);
    margin: 0 0 1rem;
    padding: 0.75rem 1rem;
  }
  legend {
    font-weight: 600;
    padding: 0 0.3rem;
  }
  label {
    display: flex;
    align-items: baseline;
    gap: 0.6rem;
    padding: 0.35rem 0;
  }
  label input {
    flex: none;
  }
  form.tall {
    display: block;
  }
  pre {
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 0.4rem;
    padding: 1rem;
    margin: 0;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    font:
      0.9rem/1.5 ui-monospace,
      Menlo,
      Consolas,
      monospace;
  }
  iframe {
    width: 100%;
    height: 36rem;
    border: 1px solid var(--line);
    border-radius: 0.4rem;
    background: #ffffff;
  }
</style>`

/**
 * A whole HTML document with the one stylesheet all our pages share, light or dark as the reader's machine is.
 * @param title is escaped; shown in the tab
 * @param body what stands in `<main>`
 * @param lang the language of both, BCP 47
 */
export function page(title: string, body: Html, lang = 'en'): string {
  const whole = html`<!doctype html>
    <html lang="${lang}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title} · Perennial</title>
        ${STYLE}
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`
  return whole.toString()
}
