/** Words sent to a colleague to look at: no run, no message of a customer, no cap, and to no address but those of the list. */
import { localDate } from '../domain/calendar.ts'
import { PerennialError } from '../domain/errors.ts'
import { renderMail } from '../domain/mail-rules.ts'
import { type Wording, variablesOf } from '../domain/template.ts'
import { type WordSource, recordTest, wordsToTest } from '../store/test-mails.ts'
import type { Now, Parts } from './index.ts'

export interface TestMailRequest {
  journey: string
  message: string
  /** Of the allow-list; capitals do not matter. */
  to: string
  /** Whose facts they are filled in with. */
  customer?: string
  locale?: string
  by: string
  /** What is asked once is sent once: a part of its Message-ID. */
  id: string
  asked: number
}

export interface TestMailResult {
  is: 'sent' | 'accepted' | 'refused' | 'unknown' | 'transient'
  detail: string
  locale: string
  version: number | null
  subject: string
}

const MARK = '[Test] '

export function testMailActivities(parts: Parts, now: Now) {
  return {
    /** Tried once: a colleague who got none asks again. */
    async sendTestMail(request: TestMailRequest): Promise<TestMailResult> {
      const { journey, message, to, customer, locale, by, id } = request
      const plan = parts.plans.get(journey)
      const copy = plan?.copy[message]
      if (!plan || !copy)
        throw new PerennialError('WORDS_UNKNOWN', `no message '${message}' in '${journey}'`, { field: 'message' })
      const allowed = parts.words?.testRecipients ?? []
      if (!allowed.includes(to.toLowerCase()))
        throw new PerennialError('TEST_ADDRESS_REFUSED', `'${to}' is not on the list`, {
          field: 'to',
          expected: allowed.join(', ') || 'TEST_RECIPIENTS is empty',
        })
      const channel = parts.channels.get('email')
      if (!channel) throw new PerennialError('INTERNAL', 'the e-mail channel is not there')
      const at = now(request.asked)
      const { shopLocale, address } = parts.words ?? {}
      const source = await wordsToTest(parts.db, { journey, message, copy, customer, locale, shopLocale })
      const variables = sampled(source, localDate(at + WEEK, parts.policy.shopZone))
      const url = `${parts.publicUrl}/u/test`
      const rendered = renderMail(source.words, variables, {
        class: plan.class,
        locale: source.locale,
        china: source.china,
        address,
        // A test's link is nobody's: it would take a real customer off the list.
        ...(plan.class !== 'transactional' && { unsubscribeUrl: url }),
      })
      if (!rendered.ok) throw new PerennialError('WORDS_REFUSED', `${rendered.code}: ${rendered.detail}`)
      const words = { ...rendered.words, subject: `${MARK}${rendered.words.subject}` }
      const messageId = `<test-${id}@${new URL(parts.publicUrl).hostname}>`
      const outgoing = { key: `test/${id}`, to, messageId, words, class: plan.class, locale: source.locale }
      const { is, detail } = await channel.send(outgoing, () => Promise.resolve(true))
      const told = { journey, message, locale: source.locale, customer, recipient: to, by, now: at, status: is, detail }
      await recordTest(parts.db, told)
      return { is, detail, locale: source.locale, version: source.version, subject: words.subject }
    },
  }
}

const WEEK = 7 * 86_400_000

/** What a story would hand over, as something that is seen at once to be a sample; the name is the customer's. */
function sampled({ words, name }: { words: Wording } & Pick<WordSource, 'name'>, date: string) {
  const variables: Record<string, unknown> = {}
  for (const path of variablesOf(words)) {
    const parts = path.split('.')
    const last = parts.pop() ?? ''
    let at = variables
    for (const part of parts) at = (at[part] ??= {}) as Record<string, unknown>
    at[last] ??= /expires|date|until/.test(last) ? date : last === 'code' ? 'SAMPLE-CODE' : `[${path}]`
  }
  return { ...variables, ...(name !== null && { name }) }
}
