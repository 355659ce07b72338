/** docs/journeys.md as a newcomer meets it: its two files, as written, in a copy of the house. */
import { spawn } from 'node:child_process'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCatalogue } from '../client/catalogue.ts'
import { bundleWorkflows } from '../workers/bundle.ts'
import { quietSdk } from './quiet-sdk.ts'
import { ROOT } from './sources.ts'

/** Inside the repository, so that packages are found above it; git does not see it. */
const COPY = join(ROOT, '.lesson')
const NEEDED = ['workflows', 'activities', 'store', 'domain', 'client', 'test/walk.ts', 'package.json', 'tsconfig.json']
const JOURNEY = 'workflows/thank-you.ts'
const TEST = 'test/journeys/thank-you.test.ts'

/** The code blocks of the page by the file that their first line names. */
function filesOf(page: string): Map<string, string> {
  const blocks = page.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```$/gm)
  return new Map([...blocks].map(([, name = '', code = '']) => [name, code]))
}

/** Runs a program that came with `npm ci`. */
function run(program: string, words: string[]): Promise<{ code: number | null; output: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST|NODE_ENV)/.test(name)))
  return new Promise((resolve, reject) => {
    const child = spawn(join(ROOT, 'node_modules/.bin', program), words, {
      cwd: COPY,
      env: { ...env, CI: '1', NO_COLOR: '1' },
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** What the compiler has against these files, given their text; '' where it has nothing. */
function complaints(texts: Map<string, string>): string {
  const { config } = ts.readConfigFile(join(COPY, 'tsconfig.json'), ts.sys.readFile) as { config: object }
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['x.ts'] }, ts.sys, COPY)
  const host = ts.createCompilerHost(options)
  const fromDisk = host.readFile.bind(host)
  const given = new Map([...texts].map(([name, text]) => [join(COPY, name), text]))
  host.readFile = (file) => given.get(file) ?? fromDisk(file)
  host.fileExists = (file) => given.has(file) || ts.sys.fileExists(file)
  const program = ts.createProgram({ rootNames: [...given.keys()], options: { ...options, noEmit: true }, host })
  // The house itself is the business of `npm run types`.
  const ours = program.getSourceFiles().filter(({ fileName }) => given.has(fileName))
  const found = ours.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ])
  return ts.formatDiagnostics(found, {
    getCanonicalFileName: (file) => file,
    getCurrentDirectory: () => COPY,
    getNewLine: () => '\n',
  })
}

let files: Map<string, string>

beforeAll(async () => {
  files = filesOf(await readFile(join(ROOT, 'docs/journeys.md'), 'utf8'))
  await rm(COPY, { recursive: true, force: true })
  await mkdir(join(COPY, 'test/journeys'), { recursive: true })
  for (const name of NEEDED) await cp(join(ROOT, name), join(COPY, name), { recursive: true })
  for (const [name, text] of files) await writeFile(join(COPY, name), text)
  const config = `export default { test: { include: ['test/journeys/*.test.ts'] } }\n`
  await writeFile(join(COPY, 'vitest.config.ts'), config)
})

afterAll(() => rm(COPY, { recursive: true, force: true }))

describe('the lesson of docs/journeys.md', () => {
  it('is one file and one test', () => {
    expect([...files.keys()]).toEqual([JOURNEY, TEST])
  })

  it('compiles as written, and not with a message misspelt', () => {
    const misspelt = new Map(files).set(
      `${JOURNEY}.misspelt.ts`,
      (files.get(JOURNEY) ?? '').replace("send('ask')", "send('aks')"),
    )
    const said = complaints(misspelt)
    expect(said).toContain(`Argument of type '"aks"' is not assignable to parameter of type '"ask"'`)
    expect(said.trim().split('\n')).toHaveLength(1)
  })

  it('passes its own test', async () => {
    const { code, output } = await run('vitest', ['run', '--root', COPY])
    expect(output).toMatch(/Tests +4 passed \(4\)/)
    expect(code).toBe(0)
  })

  it('previews as the page shows', async () => {
    const page = await readFile(join(ROOT, 'docs/journeys.md'), 'utf8')
    const [, words = '', shown] = /^```console\n\$ npm run journeys -- (.+)\n([\s\S]*?)^```$/m.exec(page) ?? []
    const { code, output } = await run('tsx', ['client/cli/main.ts', ...words.split(' ')])
    expect(output.trimEnd()).toBe(shown?.trimEnd())
    expect(code).toBe(0)
  })

  it('is in the bundle without being registered', async () => {
    const folder = pathToFileURL(join(COPY, 'workflows/'))
    const catalogue = await readCatalogue(folder)
    expect([...catalogue.keys()]).toContain('thank-you')
    const code = await bundleWorkflows(catalogue, { folder, logger: quietSdk })
    // Compared as truth values: a bundle is nothing to print.
    for (const part of ['"thank-you"', 'How do you like it?']) expect(code.includes(part), part).toBe(true)
  })
})
