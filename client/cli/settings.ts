/** Where the store and Temporal are: the environment, or what `npm start` wrote about itself. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConnectionConfig, readConnection } from '../../domain/contracts/config.ts'
import { PerennialError } from '../../domain/errors.ts'

type Environment = Record<string, string | undefined>

/** Relative to the working folder; PERENNIAL_HOME names another. */
const HOME = '.perennial'
const RUN_FILE = 'run.json'

/** One source or the other, never a mixture: a store and the tempo it lives by belong together. Throws CONFIG_INVALID. */
export async function readSettings(env: Environment): Promise<ConnectionConfig> {
  if (env['DATABASE_URL']) return readConnection(env)
  const file = join(env['PERENNIAL_HOME'] || HOME, RUN_FILE)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `DATABASE_URL is not set, and there is no ${file} of a running Perennial`,
      {
        field: 'DATABASE_URL',
        expected: 'start it with `npm start`, or set DATABASE_URL and TEMPORAL_ADDRESS',
        cause,
      },
    )
  }
  return readConnection(environmentIn(file, text))
}

function environmentIn(file: string, text: string): Environment {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    found = undefined
  }
  const env = found !== null && typeof found === 'object' && 'env' in found ? found.env : undefined
  if (env === null || typeof env !== 'object') {
    throw new PerennialError('CONFIG_INVALID', `${file} cannot be read`, {
      field: file,
      expected: 'what `npm start` writes; start it again, or set DATABASE_URL and TEMPORAL_ADDRESS',
    })
  }
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]))
}
