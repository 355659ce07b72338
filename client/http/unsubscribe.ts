/** The pages behind the link at the foot of a mail. A GET changes nothing: mail scanners follow links. */
import helmet from '@fastify/helmet'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { PerennialError } from '../../domain/errors.ts'
import { type Subscription, readSubscriptionToken } from '../../domain/token.ts'
import type { Clock } from '../../domain/tempo.ts'
import { lockCustomer, setConsent } from '../../store/customers.ts'
import { type Db, inTransaction } from '../../store/db.ts'
import { prepareProblem } from './answers.ts'
import { type Html, html, page } from './html.ts'

export interface UnsubscribeParts {
  db: Db
  clock: Clock
  /** What the links were signed with. */
  secret: string
}

/** Bytes; a one-click body is 26 of them. */
const BODY_MOST = 64 * 1024

const POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: ["'unsafe-inline'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
}

type Asked = { Params: { token: string } }

/** GET and POST /u/:token. The POST is RFC 8058's: no login, no cookie, no question; asked again it answers the same. */
export function unsubscribePages(parts: UnsubscribeParts): FastifyPluginAsync {
  return async (app) => {
    // TLS ends before us, so whoever ends it says Strict-Transport-Security.
    await app.register(helmet, { contentSecurityPolicy: POLICY, hsts: false })
    app.removeAllContentTypeParsers()
    // Mail programs post a form, urlencoded or multipart, or nothing; the link says all there is to know.
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_MOST }, async () => null)
    app.setErrorHandler((error, request, reply) => {
      const problem = prepareProblem(error, request, reply)
      const title = problem.code === 'TOKEN_INVALID' ? 'This link does not work' : 'That did not work'
      const body = html`<h1>${title}</h1>
        <p>${asked(problem)}</p>
        <p class="soft">${problem.code}</p>`
      return show(reply, title, body)
    })
    app.get<Asked>('/u/:token', async (request, reply) => {
      const { topic } = subscriptionIn(request.params.token, parts.secret)
      return show(
        reply,
        'Unsubscribe',
        html`<h1>No more ${topic} mails?</h1>
          <p>Press the button and we send you no more mails on the topic “${topic}”. Until then nothing has changed.</p>
          <form method="post"><button>Unsubscribe</button></form>
          <p class="soft">Mails you need, such as those about an order, still come.</p>`,
      )
    })
    app.post<Asked>('/u/:token', async (request, reply) => {
      const subscription = subscriptionIn(request.params.token, parts.secret)
      await withdraw(parts, subscription)
      return show(
        reply,
        'Unsubscribed',
        html`<h1>You are unsubscribed</h1>
          <p>We send you no more mails on the topic “${subscription.topic}”. You can close this page.</p>`,
      )
    })
  }
}

function asked({ code, todo }: { code: string; todo: string }): string {
  if (code === 'TOKEN_INVALID') return `The link is not one of ours or was cut. ${todo}`
  return 'Nothing was changed. Please try again in a few minutes.'
}

function subscriptionIn(token: string, secret: string): Subscription {
  const subscription = readSubscriptionToken(token, secret)
  if (!subscription) throw new PerennialError('TOKEN_INVALID', 'the link is not signed by us', { field: 'token' })
  return subscription
}

async function withdraw({ db, clock }: UnsubscribeParts, subscription: Subscription): Promise<void> {
  await inTransaction(db, async (tx) => {
    // Behind the customer's lock: no send that is being decided passes, and two posts at once are one line.
    const person = await lockCustomer(tx, subscription.customer)
    if (!person) throw new PerennialError('TOKEN_INVALID', 'the link names nobody', { field: 'token' })
    await setConsent(tx, { ...subscription, granted: false, source: 'unsubscribe', now: clock.now() })
  })
}

function show(reply: FastifyReply, title: string, body: Html): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .header('x-robots-tag', 'noindex')
    .type('text/html; charset=utf-8')
    .send(page(title, body))
}
