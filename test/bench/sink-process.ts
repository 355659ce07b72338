/** The SMTP sink of the bench in a process of its own, so that both sides share one and neither pays for it. */
import { startSink } from '../smtp-sink.ts'

const sink = await startSink()
process.on('message', (word) => word === 'count' && process.send?.({ taken: sink.taken.length }))
process.once('disconnect', () => process.exit(0))
process.send?.({ url: sink.url })
