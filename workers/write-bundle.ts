/** Writes the workflow bundle to a file: at `npm run build` beside the compiled code, else where the argument says. */
import { writeFile } from 'node:fs/promises'
import { DefaultLogger } from '@temporalio/worker'
import { readCatalogue } from '../client/catalogue.ts'
import { BUILT_BUNDLE, bundleWorkflows } from './bundle.ts'

const [file] = process.argv.slice(2)
const code = await bundleWorkflows(await readCatalogue(), { logger: new DefaultLogger('WARN') })
await writeFile(file ?? BUILT_BUNDLE, code)
