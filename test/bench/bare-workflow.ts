/** What an engineer would write without Perennial, and nothing in it but the calls: the yardstick of the bench. */
import { proxyActivities, proxyLocalActivities, sleep } from '@temporalio/workflow'

export interface BareActivities {
  effect(input: { key: string }): Promise<void>
}

const normal = proxyActivities<BareActivities>({ startToCloseTimeout: '1 minute' })
const local = proxyLocalActivities<BareActivities>({ startToCloseTimeout: '10 seconds' })

interface Input {
  run: string
  waits: [number, number]
}

/** As many activities and timers as first-order has without events, all of them normal activities. */
export async function bare({ run, waits }: Input): Promise<void> {
  const effect = (name: string): Promise<void> => normal.effect({ key: `${run}/${name}` })
  await effect('coupon')
  await effect('welcome')
  await effect('open wait')
  await sleep(waits[0])
  await effect('close wait')
  await effect('saving')
  await sleep(waits[1])
  await effect('last')
  await effect('finish')
}

/** The same with local activities where first-order has them: the least that its history can cost. */
export async function bareMixed({ run, waits }: Input): Promise<void> {
  const effect = (name: string): Promise<void> => normal.effect({ key: `${run}/${name}` })
  const cheap = (name: string): Promise<void> => local.effect({ key: `${run}/${name}` })
  await cheap('coupon')
  await effect('welcome')
  await cheap('open wait')
  await sleep(waits[0])
  await cheap('close wait')
  await effect('saving')
  await sleep(waits[1])
  await effect('last')
  await cheap('finish')
}
