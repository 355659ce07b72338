/** `npm run publish-check`: replays the runs that are on with the code of this checkout; exit code 1 where one cannot go on. */
import { parseArgs } from 'node:util'
import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker'
import Table from 'cli-table3'
import { readCatalogue } from '../client/catalogue.ts'
import { asPerennialError, exitCodeOf, problemText } from '../client/cli/problems.ts'
import { readSettings } from '../client/cli/settings.ts'
import { connectTemporal } from '../client/temporal.ts'
import { PerennialError } from '../domain/errors.ts'
import { openStore } from '../store/db.ts'
import { bundleWorkflows } from './bundle.ts'
import { type PublishAnswer, publishCheck } from './publishing.ts'

const HELP = `npm run publish-check -- [--journey <name>] [--limit <runs a journey>] [--json]

Replays the histories of open runs with the code of this checkout: how many stay as they are, how many another journey
takes (\`takes\` in its plan, then \`perennial migrate\`), and which cannot go on, with the first difference.
Exit code 1 where any cannot.
`

interface Asked {
  journey?: string | undefined
  limit?: number | undefined
  json: boolean
}

function read(words: string[]): Asked | undefined {
  try {
    const text = { type: 'string' } as const
    const flag = { type: 'boolean' } as const
    const { values } = parseArgs({ args: words, options: { journey: text, limit: text, json: flag, help: flag } })
    if (values.help) return undefined
    const limit = values.limit === undefined ? undefined : Number(values.limit)
    if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) throw new Error(`--limit ${values.limit}`)
    return { journey: values.journey, limit, json: values.json === true }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new PerennialError('COMMAND_INVALID', message, { expected: '--journey first-order --limit 100', cause })
  }
}

/** What the bundler and the replayer have to say, where it is not what we tell anyway. */
const logger = new DefaultLogger('WARN')

async function check(asked: Asked): Promise<PublishAnswer> {
  // The core prints to stdout of its own accord, where the answer goes; what it warns of is what the check is about.
  const logging = { console: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) }
  Runtime.install({ logger, telemetryOptions: { logging } })
  const settings = await readSettings(process.env)
  const catalogue = await readCatalogue()
  const code = await bundleWorkflows(catalogue, { logger })
  const temporal = await connectTemporal(settings)
  const db = openStore({ url: settings.DATABASE_URL, connections: 2 })
  try {
    return await publishCheck({ db, client: temporal.client, catalogue, code }, asked)
  } finally {
    await Promise.all([db.destroy(), temporal.close()])
  }
}

function inWords({ ok, journeys }: PublishAnswer): string {
  if (journeys.length === 0) return 'No such run is on: nothing stands in the way of a release.'
  const table = new Table({
    head: ['JOURNEY', 'ON', 'REPLAYED', 'STAY', 'MOVE', 'CANNOT'],
    style: { head: [], border: [], compact: true },
  })
  for (const one of journeys) {
    const moves = one.moves === 0 ? '0' : `${one.moves} to ${one.movesTo}`
    table.push([one.journey, one.on, one.checked, one.stays, moves, one.cannot.length])
  }
  const cannot = journeys.flatMap((one) => one.cannot.map(({ run, difference }) => `${run}: ${difference}`))
  const end = ok ? 'Every run that was looked at goes on.' : 'A changed shape is a new file: put the old one back.'
  return [table.toString(), ...cannot, end].join('\n')
}

try {
  const asked = read(process.argv.slice(2))
  if (!asked) process.stdout.write(HELP)
  else {
    const answer = await check(asked)
    process.stdout.write(`${asked.json ? JSON.stringify(answer, null, 2) : inWords(answer)}\n`)
    process.exitCode = answer.ok ? 0 : 1
  }
} catch (error) {
  const known = asPerennialError(error)
  process.stderr.write(`${problemText(known, process.argv.includes('--json'))}\n`)
  process.exitCode = exitCodeOf(known)
}
