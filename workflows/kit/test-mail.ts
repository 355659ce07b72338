/** A test mail, asked for by an operator: one activity, tried once, whose answer the operator gets. */
import { proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../../activities/index.ts'

const { sendTestMail } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '2 minutes',
  retry: { maximumAttempts: 1 },
})

export type TestMailInput = Parameters<Activities['sendTestMail']>[0]
export type TestMailAnswer = Awaited<ReturnType<Activities['sendTestMail']>>

export function testMail(request: TestMailInput): Promise<TestMailAnswer> {
  return sendTestMail(request)
}
