/** The workflow bundle, generated from the catalogue: one export a journey file, all campaigns, the sweep, the upkeep and the test mail. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Logger, bundleWorkflowCode } from '@temporalio/worker'
import { type Catalogue, WORKFLOWS_FOLDER } from '../client/catalogue.ts'

/** Where `npm run build` leaves the bundle, beside the compiled code. */
export const BUILT_BUNDLE = new URL('../workflow-bundle.js', import.meta.url)

/** Sources are .ts in the checkout and .js once built. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/** The code of the bundle. Takes about two seconds; share it between workers of one build. */
export async function bundleWorkflows(
  catalogue: Catalogue,
  { folder = WORKFLOWS_FOLDER, logger }: { folder?: URL; logger?: Logger } = {},
): Promise<string> {
  // Beside the workflows, since the bundler looks for packages from here upwards.
  const directory = await mkdtemp(fileURLToPath(new URL('../.bundle-', folder)))
  try {
    const entry = join(directory, 'entry.mjs')
    await writeFile(entry, entryCode(catalogue))
    const { code } = await bundleWorkflowCode({ workflowsPath: entry, ...(logger && { logger }) })
    return code
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/**
 * The built bundle where there is one (production), a fresh one otherwise: made in a process of its own, since the bundler
 * takes a few hundred MB that it would not give back.
 */
export async function workflowBundle(): Promise<string> {
  try {
    return await readFile(BUILT_BUNDLE, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const directory = await mkdtemp(join(tmpdir(), 'perennial-bundle-'))
  try {
    const file = join(directory, 'bundle.js')
    const program = new URL(`./write-bundle.${EXTENSION}`, import.meta.url)
    await promisify(execFile)(process.execPath, [...process.execArgv, fileURLToPath(program), file])
    return await readFile(file, 'utf8')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function entryCode(catalogue: Catalogue): string {
  const path = (url: URL): string => JSON.stringify(fileURLToPath(url))
  const entries = [...catalogue.values()]
  const journeys = entries
    .filter(({ campaign }) => !campaign)
    .map(
      ({ plan, file }, index) =>
        `import j${index} from ${path(file)}\nconst w${index} = workflowOf(j${index})\nexport { w${index} as ${JSON.stringify(plan.name)} }`,
    )
  const campaigns = entries.filter(({ campaign }) => campaign)
  const named = campaigns.map(({ plan }, index) => `${JSON.stringify(plan.name)}: c${index}`)
  return [
    `import { workflowOf } from ${path(new URL(`kit/run.${EXTENSION}`, WORKFLOWS_FOLDER))}`,
    `export { sweep } from ${path(new URL(`kit/sweep.${EXTENSION}`, WORKFLOWS_FOLDER))}`,
    `export { upkeep } from ${path(new URL(`kit/upkeep.${EXTENSION}`, WORKFLOWS_FOLDER))}`,
    `export { testMail as "test-mail" } from ${path(new URL(`kit/test-mail.${EXTENSION}`, WORKFLOWS_FOLDER))}`,
    ...journeys,
    `import { campaignsOf } from ${path(new URL(`kit/campaign.${EXTENSION}`, WORKFLOWS_FOLDER))}`,
    ...campaigns.map(({ file }, index) => `import c${index} from ${path(file)}`),
    `export const campaign = campaignsOf({ ${named.join(', ')} })`,
    '',
  ].join('\n')
}
