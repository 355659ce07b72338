/** Signs of life of an activity that takes long. Called outside of Temporal, as a test may, they say nothing. */
import { asyncLocalStorage } from '@temporalio/activity'

export function beat(details: unknown): void {
  asyncLocalStorage.getStore()?.heartbeat(details)
}

/** True once the worker is to end: what is in hand is finished, and nothing more is begun. */
export function isEnding(): boolean {
  return asyncLocalStorage.getStore()?.cancellationSignal.aborted ?? false
}

const EVERY = 500

/** Beats while `work` is going on, so that a page may take its time. */
export async function beating<T>(work: () => Promise<T>, details: () => unknown): Promise<T> {
  const timer = setInterval(() => beat(details()), EVERY)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
