/** The rules of the house, read off the files themselves. ARCHITECTURE.md says why. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import ts from 'typescript'
import { describe, expect, inject, it } from 'vitest'
import { COMPUTED, ROOT, type Source, nodesOf, ownLines, readSources, topLevel } from './sources.ts'

const sources = readSources()
const house = sources.filter(({ path }) => !path.startsWith('test/') && path.includes('/'))
const journeys = sources.flatMap(({ path }) => /^workflows\/([^/]+)\.ts$/.exec(path)?.[1] ?? [])

interface Row {
  who: string
  files: string
  /** What may be loaded: files of the house (with a slash and a dot), packages and built-ins. */
  may: string[]
  /** What besides may be named as a type, which loads nothing. */
  types?: string[]
  /** Taken away from the two above, of values and types alike unless it stands in `neverLoad`. */
  never?: string[]
  neverLoad?: string[]
}

/** Rules of the domain that stand on a package or a built-in: a workflow must not load them. */
const HEAVY = [
  'calendar',
  'lunar',
  'birthday',
  'festival',
  'timetable',
  'schedule',
  'template',
  'mjml',
  'text-part',
  'wording',
  'token',
].map((name) => `domain/${name}.ts`)

/** The first row whose files hold a file is the one that counts. */
const TABLE: Row[] = [
  { who: 'a journey', files: 'workflows/*.ts', may: ['workflows/kit/index.ts'] },
  {
    who: 'the kit',
    files: 'workflows/kit/*.ts',
    may: ['workflows/kit/*.ts', 'domain/*.ts', '@temporalio/workflow', '@temporalio/common'],
    types: ['activities/index.ts'],
    never: ['domain/contracts/*', 'store/*'],
    neverLoad: HEAVY,
  },
  {
    who: 'a channel',
    files: 'activities/channels/*.ts',
    may: ['activities/channels/*.ts', 'domain/*.ts', 'nodemailer', 'jose', 'web-push', 'ipaddr.js', 'node:*'],
  },
  {
    who: 'activities',
    files: 'activities/*.ts',
    may: ['activities/**', 'domain/**', 'store/*.ts', '@temporalio/activity', '@temporalio/common', 'node:crypto'],
  },
  {
    who: 'the store',
    files: 'store/*.ts',
    may: ['store/*.ts', 'domain/**', 'kysely', 'pg', 'node:crypto', 'node:fs/promises'],
  },
  { who: 'contracts', files: 'domain/contracts/*.ts', may: ['domain/**', 'zod'] },
  { who: 'calendar', files: 'domain/calendar.ts', may: ['domain/*.ts', 'temporal-polyfill'] },
  { who: 'templates', files: 'domain/template.ts', may: ['domain/*.ts', 'liquidjs'] },
  { who: 'tokens', files: 'domain/token.ts', may: ['domain/*.ts', 'node:crypto'] },
  { who: 'the moon', files: 'domain/lunar.ts', may: ['domain/*.ts', 'tyme4ts'] },
  { who: 'mail bodies', files: 'domain/mjml.ts', may: ['domain/*.ts', 'mjml'] },
  { who: 'text parts', files: 'domain/text-part.ts', may: ['domain/*.ts', 'html-to-text'] },
  { who: 'wording', files: 'domain/wording-reading.ts', may: ['domain/*.ts', 'opencc-js'] },
  { who: 'identities', files: 'domain/identity.ts', may: ['domain/*.ts', 'node:crypto'] },
  { who: 'the domain', files: 'domain/*.ts', may: ['domain/*.ts'] },
  {
    who: 'the catalogue',
    files: 'client/catalogue.ts',
    may: ['workflows/kit/*.ts', 'domain/**', 'node:fs/promises', COMPUTED],
  },
  {
    who: 'the client',
    files: 'client/**/*.ts',
    may: ['client/**', 'domain/**', 'store/*.ts', '@temporalio/client', 'node:**', ...clientPackages()],
  },
  {
    who: 'workers',
    files: 'workers/**/*.ts',
    may: ['**'],
    never: ['test/**', 'workflows/**'],
  },
]

function clientPackages(): string[] {
  const people = ['commander', 'cli-table3', 'smtp-server', 'postal-mime', 'prom-client', 'pino']
  return ['fastify', '@fastify/*', ...people]
}

/** `*` is a part of a path, `**` any number of parts. */
const among = (name: string, patterns: readonly string[] = []): boolean =>
  patterns.some((pattern) => {
    const letters = pattern
      .replace(/[.+()]/g, '\\$&')
      .replace(/\*\*\/?|\*/g, (stars) => (stars === '*' ? '[^/]*' : '.*'))
    return new RegExp(`^${letters}$`).test(name)
  })

const rowOf = (path: string): Row | undefined => TABLE.find((row) => among(path, [row.files]))

function breaches(): string[] {
  return house.flatMap((source) => {
    const row = rowOf(source.path)
    if (!row) return [`${source.path} is in no room of the table`]
    return source.imports
      .filter(({ to, typeOnly }) => {
        const may = among(to, row.may) || (typeOnly && among(to, row.types))
        return !may || among(to, row.never) || (!typeOnly && among(to, row.neverLoad))
      })
      .map(({ to, typeOnly }) => `${row.who}: ${source.path} may not import ${typeOnly ? 'type ' : ''}${to}`)
  })
}

describe('imports', () => {
  it('go down or stay, as the table says', () => {
    expect(breaches()).toEqual([])
  })

  it('name files that exist, and there are enough of both for the table to mean something', () => {
    const edges = house.flatMap(({ path, imports }) => imports.map(({ to }) => ({ path, to })))
    const missing = edges.filter(({ to }) => to.endsWith('.ts') && !existsSync(join(ROOT, to)))
    expect(missing).toEqual([])
    expect(house.length).toBeGreaterThan(40)
    expect(edges.length).toBeGreaterThan(100)
    const unused = TABLE.filter((row) => !house.some(({ path }) => rowOf(path) === row)).map((row) => row.who)
    expect(unused).toEqual([])
  })

  it('go in no circle of files that load one another', () => {
    const loads = new Map(
      sources.map(({ path, imports }) => [path, imports.filter((one) => !one.typeOnly).map((one) => one.to)]),
    )
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (path: string, above: string[]): void => {
      if (above.includes(path)) circles.push([...above.slice(above.indexOf(path)), path].join(' > '))
      if (done.has(path) || above.includes(path)) return
      for (const next of loads.get(path) ?? []) visit(next, [...above, path])
      done.add(path)
    }
    for (const path of loads.keys()) visit(path, [])
    expect(circles).toEqual([])
  })
})

/** Places in the code of `files` where `is` holds: 'domain/tempo.ts:12'. */
function places(files: readonly Source[], is: (node: ts.Node) => boolean): string[] {
  return files.flatMap(({ path, tree }) =>
    [...nodesOf(tree)]
      .filter(is)
      .map(
        (node) =>
          `${path}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${node.getText().slice(0, 60)}`,
      ),
  )
}

const calls = (node: ts.Node, ...names: string[]): boolean =>
  ts.isPropertyAccessExpression(node) && names.includes(node.getText().replaceAll('?.', '.'))

const within = (...rooms: string[]): Source[] => house.filter(({ path }) => rooms.some((room) => path.startsWith(room)))

describe('code', () => {
  it('draws no chance and reads no clock where rules are', () => {
    const chance = places(within('domain/', 'workflows/'), (node) => calls(node, 'Math.random'))
    const clock = places(
      within('domain/'),
      (node) =>
        calls(node, 'Date.now', 'performance.now', 'Temporal.Now') ||
        (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length),
    )
    expect([...chance, ...clock]).toEqual([])
  })

  it('reads the environment at entries alone', () => {
    const rooms = house.filter(({ path }) => !path.startsWith('workers/') && !path.startsWith('client/cli/'))
    expect(places(rooms, (node) => calls(node, 'process.env'))).toEqual([])
  })

  it('has no any, no test left out, and prints only where people read', () => {
    expect(places(sources, (node) => node.kind === ts.SyntaxKind.AnyKeyword)).toEqual([])
    const tests = /^(it|test|describe|suite)\b/
    const left = (node: ts.Node): boolean =>
      ts.isPropertyAccessExpression(node) &&
      /^(skip|only|todo|fails)$/.test(node.name.text) &&
      tests.test(node.getText())
    expect(places(sources, left)).toEqual([])
    const rooms = sources.filter(({ path }) => !path.startsWith('client/cli/'))
    expect(places(rooms, (node) => calls(node, 'console.log'))).toEqual([])
  })

  it('leaves nothing for later and silences no compiler', () => {
    const later = /\b(TO[D]O|FIX[M]E|X[X]X)\b|@ts-[a-z]+|oxlint-disabl[e]|eslint-disabl[e]|prettier-ignor[e]/
    const found = sources.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (later.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    )
    expect(found).toEqual([])
  })

  it('is short: files of 400 lines at most, functions of 60', () => {
    const files = sources.map(({ path, text }) => ({ where: path, lines: text.trimEnd().split('\n').length }))
    expect(files.filter(({ lines }) => lines > 400)).toEqual([])
    expect(sources.flatMap(ownLines).filter(({ lines }) => lines > 60)).toEqual([])
  })
})

const ALLOWED = {
  rooms: ['workflows', 'activities', 'workers', 'client', 'domain', 'store', 'test', 'docs'],
  pages: ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE'],
  settings: [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'vitest.config.ts',
    'docker-compose.yml',
    '.env.example',
  ],
  tools: ['.ci', '.gitignore', '.oxlintrc.json', '.prettierrc.json', '.prettierignore'],
}

describe('names', () => {
  it('of files are in kebab-case and say their room', () => {
    const vague = /^(utils?|helpers?|common|shared|types?|managers?|services?)$/
    const wrong = sources.filter(({ path }) => {
      const name = basename(path, '.ts').replace(/\.(test|config)$/, '')
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || (!path.startsWith('test/') && vague.test(name))
    })
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  it('at the top of the repository are the agreed ones', () => {
    const allowed = Object.values(ALLOWED).flat()
    expect(topLevel().filter((name) => !allowed.includes(name))).toEqual([])
    expect(allowed.filter((name) => !existsSync(join(ROOT, name)))).toEqual([])
  })

  it('of journeys are those of their tests and of their recorded histories', () => {
    expect(journeys.length).toBeGreaterThan(1)
    for (const name of journeys) {
      expect(existsSync(join(ROOT, `test/journeys/${name}.test.ts`)), `test/journeys/${name}.test.ts`).toBe(true)
      const folder = join(ROOT, 'test/histories', name)
      const recorded = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.json')) : []
      expect(recorded.length, `test/histories/${name}/*.json`).toBeGreaterThan(0)
    }
  })
})

const json = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))

describe('packages', () => {
  it('of Temporal are all at one exact version', () => {
    const { dependencies } = json('package.json') as { dependencies: Record<string, string> }
    const { packages } = json('package-lock.json') as { packages: Record<string, { version?: string }> }
    const asked = Object.entries(dependencies).filter(([name]) => name.startsWith('@temporalio/'))
    const locked = Object.entries(packages).filter(([path]) => /(^|\/)node_modules\/@temporalio\/[^/]+$/.test(path))
    const versions = new Set([...asked.map(([, version]) => version), ...locked.map(([, { version }]) => version)])
    expect(asked.length).toBeGreaterThan(4)
    expect(locked.length).toBeGreaterThanOrEqual(asked.length)
    expect([...versions]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/)])
    expect(Object.keys(packages)).not.toContain('node_modules/temporalio')
  })

  it('in the workflow bundle are those of the workflow SDK, and no built-in', async () => {
    const code = await readFile(inject('bundleFile'), 'utf8')
    const [, map = ''] = /sourceMappingURL=data:application\/json[^,]*,(\S+)/.exec(code) ?? []
    const { sources: modules } = JSON.parse(Buffer.from(map, 'base64').toString()) as { sources: string[] }
    for (const name of journeys)
      expect(
        modules.some((one) => one.endsWith(`/workflows/${name}.ts`)),
        name,
      ).toBe(true)
    const packages = modules.flatMap((one) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(one)?.[1] ?? [])
    expect([...new Set(packages)].sort()).toEqual([
      '@temporalio/common',
      '@temporalio/workflow',
      'long',
      'ms',
      'nexus-rpc',
    ])
    expect(modules.filter((one) => /^external |node:/.test(one))).toEqual([])
    expect(code).not.toMatch(/require\("node:|from "node:/)
    expect(modules.filter((one) => HEAVY.some((file) => one.endsWith(`/${file}`)))).toEqual([])
    expect(modules.filter((one) => /\/(store|activities|client|domain\/contracts)\/[^/]+\.ts$/.test(one))).toEqual([])
  })
})
