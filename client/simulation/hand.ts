/** A thread of a crew: plays the people it is handed, by the journeys that it has loaded. */
import { parentPort, workerData } from 'node:worker_threads'
import { entryOf, readCatalogue } from '../catalogue.ts'
import { READY, type Task, tried } from './crew.ts'
import { outcomeOf } from './outcome.ts'
import { play } from './simulate.ts'

const { folder } = workerData as { folder: string }
const catalogue = await readCatalogue(new URL(folder))

parentPort?.on('message', ({ journeys, ...task }: Task) => {
  const entries = journeys.map((name) => entryOf(catalogue, name))
  void tried(() => play({ ...task, entries }).then(outcomeOf)).then((answer) => parentPort?.postMessage(answer))
})
parentPort?.postMessage(READY)
