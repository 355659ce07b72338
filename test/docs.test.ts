/** What is written about the code is held to the code. `UPDATE_DOCS=1` writes the tables anew instead. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseEnv, stripVTControlCharacters } from 'node:util'
import { format, resolveConfig } from 'prettier'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { readCatalogue } from '../client/catalogue.ts'
import { carryOut } from '../client/cli/program.ts'
import { readConfig } from '../domain/contracts/config.ts'
import { ERRORS, REFUSALS } from '../domain/errors.ts'
import { armOf } from '../domain/experiment.ts'
import { CHECKS } from '../domain/sending.ts'
import { FLAWS } from '../domain/words-lint.ts'
import { ROOT, nodesOf, readSources } from './sources.ts'

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const pages = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const TABLES: Record<string, string> = {
  errors: table(
    ['code', 'status', 'meaning', 'what to do'],
    Object.entries(ERRORS).map(([code, { status, meaning, todo }]) => [`\`${code}\``, String(status), meaning, todo]),
  ),
  refusals: table(
    ['code', 'meaning'],
    Object.entries(REFUSALS).map(([code, meaning]) => [`\`${code}\``, meaning]),
  ),
  flaws: table(
    ['flaw', 'severity', 'meaning'],
    Object.entries(FLAWS).map(([code, { severity, meaning }]) => [`\`${code}\``, severity, meaning]),
  ),
  gate: table(
    ['check', 'marketing', 'service', 'transactional'],
    CHECKS.map(({ title, does }) => [title, does.marketing, does.service, does.transactional]),
  ),
}

const UPDATE = 'UPDATE_DOCS=1 npx vitest run test/docs.test.ts writes it anew'

/** A page with its tables, `<!-- name -->` to `<!-- /name -->`, as the code has them, in the house's own formatting. */
async function withTables(file: string): Promise<string> {
  let text = read(file)
  for (const [name, content] of Object.entries(TABLES)) {
    const [before, after] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
    const [start, end] = [text.indexOf(before), text.indexOf(after)]
    if (start < 0 || end < start) throw new Error(`${file} has no block ${before} … ${after}`)
    text = `${text.slice(0, start)}${before}\n\n${content}\n\n${text.slice(end)}`
  }
  const path = join(ROOT, file)
  return format(text, { ...(await resolveConfig(path)), filepath: path })
}

/** What the CLI prints for `words`. */
async function printed(words: string[]): Promise<string> {
  let text = ''
  const print = (more: string): void => void (text += more)
  await carryOut(words, { env: {}, out: print, err: print })
  return stripVTControlCharacters(text).trimEnd()
}

/** README with the journey as its file has it, and with its preview as the CLI prints it now. */
async function withSamples(file: string): Promise<string> {
  let text = read(file)
  for (const [block, name = ''] of text.matchAll(/^```ts\n\/\/ (workflows\/\S+)\n[\s\S]*?^```$/gm)) {
    text = text.replace(block, () => `\`\`\`ts\n// ${name}\n${read(name)}\`\`\``)
  }
  for (const [block, words = ''] of text.matchAll(
    /^```console\n\$ npm run journeys -- (preview .+)\n[\s\S]*?^```$/gm,
  )) {
    const shown = await printed(words.split(' '))
    text = text.replace(block, () => `\`\`\`console\n$ npm run journeys -- ${words}\n${shown}\n\`\`\``)
  }
  return text
}

/** The customers that a page has its reader send events of. */
const sentIn = (page: string): string[] =>
  [...read(page).matchAll(/"customer": \{\s*"id": "(\w+)"/g)].map(([, id = '']) => id)

async function hold(file: string, text: string): Promise<void> {
  if (process.env['UPDATE_DOCS']) writeFileSync(join(ROOT, file), text)
  expect(read(file), UPDATE).toBe(text)
}

describe('what is written of the code', () => {
  it('in docs/errors.md is every code, every refusal and the gate', async () => {
    await hold('docs/errors.md', await withTables('docs/errors.md'))
  })

  it('in README.md is a journey as its file has it, and its preview as it is printed', async () => {
    const text = await withSamples('README.md')
    expect(text).toContain('// workflows/first-order.ts\nimport { journey }')
    expect(text).toMatch(/^\+2d 00:00 .* end, goal: order\.paid$/m)
    await hold('README.md', text)
  })

  it('in the tours of README.md and docs/api.md are customers who get something', async () => {
    const plans = [...(await readCatalogue()).values()].map(({ plan }) => plan)
    const customers = ['README.md', 'docs/api.md'].flatMap(sentIn)
    expect(customers.length).toBeGreaterThan(1)
    const held = customers.filter((id) => plans.some((plan) => armOf(plan.name, id, plan.holdout) === 'holdout'))
    expect(held, 'held out of a journey: the reader would get no mail').toEqual([])
  })
})

/** The anchors of a page: its headings as GitHub makes them. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s-]/gu, '')
      .replace(/\s/g, '-'),
  )

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '')

describe('pages', () => {
  it('link to files and headings that exist', () => {
    const broken = pages.flatMap((page) => {
      const links = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to)
      return links
        .filter((to) => !/^[a-z]+:/.test(to))
        .filter((to) => {
          const [file = '', anchor] = to.split('#')
          const target = file === '' ? join(ROOT, page) : join(ROOT, dirname(page), file)
          if (!existsSync(target)) return true
          return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
        })
        .map((to) => `${page}: ${to}`)
    })
    expect(broken).toEqual([])
    expect(pages.length).toBeGreaterThan(10)
  })

  it('name files of the house that exist', () => {
    const rooms = '(?:workflows|activities|workers|client|domain|store|test|docs)'
    const named = new RegExp(`\`(${rooms}/[\\w./-]+\\.(?:ts|md|sql|yml|json))\``, 'g')
    const missing = pages
      .filter((page) => !page.startsWith('docs/decisions') && page !== 'CHANGELOG.md')
      .flatMap((page) => [...read(page).matchAll(named)].map(([, file = '']) => ({ page, file })))
      .filter(({ file }) => !existsSync(join(ROOT, file)) && !LESSON.includes(file))
    expect(missing).toEqual([])
  })

  it('name npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const unknown = pages.flatMap((page) =>
      [...read(page).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]
        .map(([, script, short]) => script ?? short ?? '')
        .filter((script) => scripts[script] === undefined)
        .map((script) => `${page}: npm run ${script}`),
    )
    expect(unknown).toEqual([])
    expect(read('README.md')).toContain('npm ci && npm run demo')
    expect(read('README.md')).toContain('npm ci && npm test')
  })

  it('name tests of the house that exist', () => {
    const missing = [...read('README.md').matchAll(/`([\w/-]+\.test\.ts)`/g)]
      .map(([, file = '']) => file)
      .filter((file) => !existsSync(join(ROOT, file)))
    expect(missing).toEqual([])
  })

  it('keep ARCHITECTURE.md under 120 lines', () => {
    expect(read('ARCHITECTURE.md').trimEnd().split('\n').length).toBeLessThan(120)
  })

  it('date and number the decisions without a gap', () => {
    const decisions = readdirSync(join(ROOT, 'docs/decisions')).sort()
    expect(decisions.map((name) => Number(name.slice(0, 4)))).toEqual(decisions.map((_, index) => index + 1))
    for (const name of decisions) expect(read(`docs/decisions/${name}`), name).toMatch(/^# .+\n\n20\d\d-\d\d-\d\d\b/)
  })
})

/** The two files that the lesson has its reader write. */
const LESSON = ['workflows/thank-you.ts', 'test/journeys/thank-you.test.ts']

describe('.env.example', () => {
  const sources = readSources()
  const text = read('.env.example')
  /** With those that are left out by default, in a line of their own behind a `#`. */
  const offered = parseEnv(text.replace(/^# ?(?=[A-Z_]+=)/gm, ''))

  it('has every variable of the configuration and every other one that is read, and no more', () => {
    const config = sources.find(({ path }) => path === 'domain/contracts/config.ts')
    const named = config
      ? [...nodesOf(config.tree)].filter(ts.isPropertyAssignment).map((node) => node.name.getText())
      : []
    const contract = [...new Set(named.filter((name) => /^[A-Z_]+$/.test(name)))]
    const elsewhere = sources
      .filter(({ path }) => !path.startsWith('test/'))
      .flatMap(({ text: code }) => [...code.matchAll(/\benv\[['"]([A-Z_]+)['"]\]/g)].map(([, name = '']) => name))
      .filter((name) => !['PATH', 'XDG_CACHE_HOME', 'NO_COLOR'].includes(name))
    expect(contract.length).toBeGreaterThan(15)
    expect(Object.keys(offered).sort()).toEqual([...new Set([...contract, ...elsewhere])].sort())
  })

  it('is itself a configuration, and says a line about each variable', () => {
    expect(readConfig(offered)).toMatchObject({ SCALE: 1, TASK_QUEUE: 'journeys' })
    const bare = text.split('\n').flatMap((line, index, lines) => {
      const variable = /^#? ?([A-Z_]+)=/.exec(line)?.[1]
      return variable && !lines[index - 1]?.startsWith('# ') ? [variable] : []
    })
    expect(bare).toEqual([])
  })
})

it('every page of docs/ can be found from README.md or ARCHITECTURE.md', () => {
  const reached = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].map(read).join('\n')
  const lost = pages.filter((page) => page.startsWith('docs/') && !page.startsWith('docs/decisions/'))
  expect(lost.filter((page) => !reached.includes(relative(ROOT, join(ROOT, page))))).toEqual([])
})
