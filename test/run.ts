/**
 * `npm test`, here and in CI: types and lint side by side, then every test. The last line says `N passed, N failed`. Words after
 * `npm test --` go to vitest: `npm test -- test/domain`.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function run(command: string, words: string[], quiet: boolean): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }))
  })
}

/** A script of package.json; its output is shown only when it fails. */
async function gate(script: string): Promise<boolean> {
  const began = Date.now()
  const { code, output } = await run('npm', ['run', '--silent', script], true)
  if (code !== 0) process.stdout.write(output)
  say(`${script}: ${code === 0 ? 'ok' : 'FAILED'} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  return code === 0
}

/** A file that could not be read, and an error outside of any test, count as one failure each. */
function countsOf(report: Report | undefined, code: number): Counts {
  if (!report) return { passed: 0, failed: 1, skipped: 0 }
  const unread = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  )
  const failed = report.numFailedTests + unread.length
  return {
    passed: report.numPassedTests,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

async function tests(words: string[]): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'perennial-run-'))
  const file = join(directory, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { code } = await run('node_modules/.bin/vitest', ['run', ...reporters, ...words], false)
    const text = await readFile(file, 'utf8').catch(() => undefined)
    return countsOf(text === undefined ? undefined : (JSON.parse(text) as Report), code)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const gates = await Promise.all([gate('types'), gate('lint')])
const counts = gates.every(Boolean) ? await tests(process.argv.slice(2)) : { passed: 0, failed: 1, skipped: 0 }
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
say(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`)
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0
