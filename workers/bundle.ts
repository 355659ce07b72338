/** The workflow bundle, generated from the catalogue: one export a journey file, and the sweep. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Logger, bundleWorkflowCode } from '@temporalio/worker'
import { type Catalogue, WORKFLOWS_FOLDER } from '../client/catalogue.ts'

/** Where `npm run build` leaves the bundle, beside the compiled code. */
export const BUILT_BUNDLE = new URL('../workflow-bundle.js', import.meta.url)

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

/** The built bundle where there is one (production), a fresh one otherwise. */
export async function workflowBundle(catalogue: Catalogue, logger?: Logger): Promise<string> {
  try {
    return await readFile(BUILT_BUNDLE, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return bundleWorkflows(catalogue, logger ? { logger } : {})
  }
}

function entryCode(catalogue: Catalogue): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const path = (url: URL): string => JSON.stringify(fileURLToPath(url))
  const journeys = [...catalogue.values()].map(
    ({ plan, file }, index) =>
      `import j${index} from ${path(file)}\nconst w${index} = workflowOf(j${index})\nexport { w${index} as ${JSON.stringify(plan.name)} }`,
  )
  return [
    `import { workflowOf } from ${path(new URL(`kit/run.${extension}`, WORKFLOWS_FOLDER))}`,
    `export { sweep } from ${path(new URL(`kit/sweep.${extension}`, WORKFLOWS_FOLDER))}`,
    ...journeys,
    '',
  ].join('\n')
}
