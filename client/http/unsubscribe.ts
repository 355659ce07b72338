/** The pages behind the link at the foot of a mail. A GET changes nothing: mail scanners follow links. */
import type { FastifyPluginAsync } from 'fastify'
import { PerennialError } from '../../domain/errors.ts'
import { preferencesToken, readSubscriptionToken, type Subscription } from '../../domain/token.ts'
import { topicTitles } from '../preferences.ts'
import { type Customer, customer, lockCustomer, setConsent } from '../../store/customers.ts'
import { inTransaction } from '../../store/db.ts'
import { tellConfirmed } from '../../store/events.ts'
import { html } from './html.ts'
import { type Asked, type Lang, type PersonPagesParts, langOf, prepareForPersons, show } from './person-pages.ts'

export type UnsubscribeParts = PersonPagesParts

const SAID = {
  en: {
    title: 'Unsubscribe',
    ask: (topic: string) => `No more ${topic} mails?`,
    why: (topic: string) =>
      `Press the button and we send you no more mails on the topic “${topic}”. Until then nothing has changed.`,
    button: 'Unsubscribe',
    needed: 'Mails you need, such as those about an order, still come.',
    doneTitle: 'Unsubscribed',
    done: 'You are unsubscribed',
    doneWhy: (topic: string) => `We send you no more mails on the topic “${topic}”. You can close this page.`,
    again: 'It was a mistake: subscribe again',
    back: 'You are subscribed again',
    backWhy: (topic: string) => `We send you mails on the topic “${topic}” as before.`,
    preferences: 'Choose what you want to hear about',
  },
  zh: {
    title: '退订',
    ask: (topic: string) => `不再接收“${topic}”邮件？`,
    why: (topic: string) => `点击按钮后，我们不再向您发送“${topic}”邮件。在此之前没有任何更改。`,
    button: '退订',
    needed: '订单通知等必要的邮件仍会发送。',
    doneTitle: '已退订',
    done: '您已退订',
    doneWhy: (topic: string) => `我们不再向您发送“${topic}”邮件。您可以关闭本页。`,
    again: '点错了，重新订阅',
    back: '您已重新订阅',
    backWhy: (topic: string) => `我们会像以前一样向您发送“${topic}”邮件。`,
    preferences: '选择您想收到的内容',
  },
} as const

/**
 * GET and POST /u/:token, and POST /u/:token/again for who pressed by mistake. The POST is RFC 8058's: no login, no cookie, no
 * question; asked again it answers the same.
 */
export function unsubscribePages(parts: UnsubscribeParts): FastifyPluginAsync {
  const preferences = (of: Subscription, lang: Lang) =>
    html`<p><a href="/p/${preferencesToken(of.customer, parts.secret)}">${SAID[lang].preferences}</a></p>`
  return async (app) => {
    await prepareForPersons(app)
    app.get<Asked>('/u/:token', async (request, reply) => {
      const of = subscriptionIn(request.params.token, parts.secret)
      // Nothing is changed, so the page is shown even while the store does not answer.
      const person = await customer(parts.db, of.customer).catch(() => undefined)
      const lang = langOf(request, person?.locale)
      const said = SAID[lang]
      const topic = await titleOf(parts, of, lang).catch(() => of.topic)
      const body = html`<h1>${said.ask(topic)}</h1>
        <p>${said.why(topic)}</p>
        <form method="post"><button>${said.button}</button></form>
        ${preferences(of, lang)}
        <p class="soft">${said.needed}</p>`
      return show(reply, said.title, body, lang)
    })
    app.post<Asked>('/u/:token', async (request, reply) => {
      const of = subscriptionIn(request.params.token, parts.secret)
      const lang = langOf(request, (await change(parts, of, false)).locale)
      const said = SAID[lang]
      const body = html`<h1>${said.done}</h1>
        <p>${said.doneWhy(await titleOf(parts, of, lang))}</p>
        <form method="post" action="/u/${request.params.token}/again"><button>${said.again}</button></form>
        ${preferences(of, lang)}`
      return show(reply, said.doneTitle, body, lang)
    })
    app.post<Asked>('/u/:token/again', async (request, reply) => {
      const of = subscriptionIn(request.params.token, parts.secret)
      const lang = langOf(request, (await change(parts, of, true)).locale)
      const said = SAID[lang]
      const body = html`<h1>${said.back}</h1>
        <p>${said.backWhy(await titleOf(parts, of, lang))}</p>
        ${preferences(of, lang)}`
      return show(reply, said.back, body, lang)
    })
  }
}

function subscriptionIn(token: string, secret: string): Subscription {
  const subscription = readSubscriptionToken(token, secret)
  if (!subscription) throw new PerennialError('TOKEN_INVALID', 'the link is not signed by us', { field: 'token' })
  return subscription
}

async function titleOf({ db }: UnsubscribeParts, { topic }: Subscription, lang: Lang): Promise<string> {
  return (await topicTitles(db, lang))(topic)
}

function change(
  { db, clock, ...told }: UnsubscribeParts,
  subscription: Subscription,
  granted: boolean,
): Promise<Customer> {
  return inTransaction(db, async (tx) => {
    // Behind the customer's lock: no send that is being decided passes, and two posts at once are one line.
    const person = await lockCustomer(tx, subscription.customer)
    if (!person) throw new PerennialError('TOKEN_INVALID', 'the link names nobody', { field: 'token' })
    // The link came by that very channel, which is what a confirmation shows.
    const source = granted ? 'resubscribe' : 'unsubscribe'
    const now = clock.now()
    await setConsent(tx, { ...subscription, granted, confirmed: granted, source, now })
    await tellConfirmed(tx, subscription.customer, { plans: told.plans, shopZone: told.shopZone, now })
    return person
  })
}
