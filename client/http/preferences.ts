/** The page of preferences by topic and channel, and the one that confirms consent. Both work without scripts. */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { PerennialError } from '../../domain/errors.ts'
import { addressHash, readConfirmationToken, readPreferencesToken } from '../../domain/token.ts'
import { customer as customerBy } from '../../store/customers.ts'
import { proofOf } from '../consent.ts'
import { type Preferences, type Wanted, choose, confirmAll, preferencesOf, topicTitles } from '../preferences.ts'
import { type Html, html } from './html.ts'
import {
  type Asked,
  type Lang,
  type PersonPagesParts,
  fieldsOf,
  langOf,
  prepareForPersons,
  show,
} from './person-pages.ts'

const SAID = {
  en: {
    title: 'Preferences',
    head: 'What do you want to hear about?',
    saved: 'Saved. From now on it is as below.',
    same: 'Nothing was different, so nothing has changed.',
    waits: 'waits until you confirm it',
    save: 'Save',
    none: 'Nothing at all, please',
    empty: 'There is nothing to choose yet.',
    needed: 'Messages you need, such as those about an order, still come.',
    confirmTitle: 'Confirm',
    confirmAsk: 'Do you want to hear from us?',
    confirmWhy: 'Press the button to confirm. Until then we do not write to you.',
    confirm: 'Yes, I do',
    confirmed: 'Thank you',
    confirmedWhy: (topics: string) => `It is confirmed: ${topics}.`,
    nothing: 'There was nothing left to confirm.',
    late: 'This link is too old',
    lateWhy: 'A link to confirm is good for seven days. Please sign up again, and we send you a new one.',
    elsewhere: 'This link is of another address',
    elsewhereWhy: 'Your address has changed since the mail was sent. Please sign up again.',
    channels: {
      email: 'E-mail',
      sms: 'SMS',
      wecom: 'WeCom',
      wechat: 'WeChat',
      push: 'App notifications',
      'web-push': 'Browser notifications',
    } as Record<string, string>,
  },
  zh: {
    title: '订阅设置',
    head: '您想收到哪些内容？',
    saved: '已保存，从现在起按以下设置。',
    same: '没有不同之处，未作更改。',
    waits: '等待您确认',
    save: '保存',
    none: '全部不要',
    empty: '目前没有可选择的内容。',
    needed: '订单通知等必要的消息仍会发送。',
    confirmTitle: '确认订阅',
    confirmAsk: '您愿意收到我们的消息吗？',
    confirmWhy: '请点击按钮确认。在此之前我们不会给您写信。',
    confirm: '是的，我愿意',
    confirmed: '谢谢您',
    confirmedWhy: (topics: string) => `已确认：${topics}。`,
    nothing: '没有需要确认的内容了。',
    late: '链接已过期',
    lateWhy: '确认链接七天内有效。请重新订阅，我们会再发一封邮件。',
    elsewhere: '这是另一个邮箱的链接',
    elsewhereWhy: '邮件发出后您的邮箱已更改。请重新订阅。',
    channels: {
      email: '邮件',
      sms: '短信',
      wecom: '企业微信',
      wechat: '微信',
      push: '应用通知',
      'web-push': '浏览器通知',
    } as Record<string, string>,
  },
} as const

/** GET and POST /p/:token (preferences) and /c/:token (confirm). A GET changes nothing. */
export function preferencePages(parts: PersonPagesParts): FastifyPluginAsync {
  const { db, secret } = parts
  const proof = (request: FastifyRequest, text: string) =>
    proofOf({ text, ip: request.ip, agent: request.headers['user-agent'] }, secret)
  return async (app) => {
    await prepareForPersons(app)
    app.get<Asked>('/p/:token', async (request, reply) => {
      const { lang, preferences } = await personIn(parts, request)
      return show(reply, SAID[lang].title, form(preferences, lang), lang)
    })
    app.post<Asked>('/p/:token', async (request, reply) => {
      const { lang, preferences } = await personIn(parts, request)
      const wanted = wantedIn(fieldsOf(request), preferences)
      const chosen = { customer: preferences.person.id, wanted, proof: proof(request, 'preferences') }
      const changed = await choose(parts, chosen)
      const now = (await preferencesOf(db, preferences.person.id, lang)) ?? preferences
      const said = SAID[lang]
      const told = html`<p role="status"><strong>${changed > 0 ? said.saved : said.same}</strong></p>`
      return show(reply, said.title, form(now, lang, told), lang)
    })
    app.get<Asked>('/c/:token', async (request, reply) => {
      const { lang, refused } = await confirmationIn(parts, request)
      const said = SAID[lang]
      if (refused) return show(reply.code(410), said[refused], wontDo(refused, lang), lang)
      const body = html`<h1>${said.confirmAsk}</h1>
        <p>${said.confirmWhy}</p>
        <form method="post"><button>${said.confirm}</button></form>`
      return show(reply, said.confirmTitle, body, lang)
    })
    app.post<Asked>('/c/:token', async (request, reply) => {
      const { lang, refused, customer } = await confirmationIn(parts, request)
      const said = SAID[lang]
      if (refused) return show(reply.code(410), said[refused], wontDo(refused, lang), lang)
      const topics = await confirmAll(parts, { customer, proof: proof(request, 'confirmation') })
      const titleOf = await topicTitles(db, lang)
      const told = topics.length > 0 ? said.confirmedWhy(topics.map(titleOf).join(', ')) : said.nothing
      return show(
        reply,
        said.confirmed,
        html`<h1>${said.confirmed}</h1>
          <p>${told}</p>`,
        lang,
      )
    })
  }
}

async function personIn(
  { db, secret }: PersonPagesParts,
  request: FastifyRequest<Asked>,
): Promise<{ lang: Lang; preferences: Preferences }> {
  const id = readPreferencesToken(request.params.token, secret)
  const person = id === undefined ? undefined : await customerBy(db, id)
  const lang = langOf(request, person?.locale)
  const preferences = person && (await preferencesOf(db, person.id, lang))
  if (!preferences) throw new PerennialError('TOKEN_INVALID', 'the link is not signed by us', { field: 'token' })
  return { lang, preferences }
}

async function confirmationIn(
  { db, clock, secret }: PersonPagesParts,
  request: FastifyRequest<Asked>,
): Promise<{ lang: Lang; customer: string; refused?: 'late' | 'elsewhere' }> {
  const of = readConfirmationToken(request.params.token, secret)
  const person = of && (await customerBy(db, of.customer))
  if (!of || !person) throw new PerennialError('TOKEN_INVALID', 'the link is not signed by us', { field: 'token' })
  const lang = langOf(request, person.locale)
  const answer = { lang, customer: person.id }
  if (clock.now() > of.expires) return { ...answer, refused: 'late' }
  if (person.email === null || addressHash(person.email) !== of.address) return { ...answer, refused: 'elsewhere' }
  return answer
}

const wontDo = (why: 'late' | 'elsewhere', lang: Lang): Html =>
  html`<h1>${SAID[lang][why]}</h1>
    <p>${SAID[lang][`${why}Why`]}</p>`

/** The name of a box; topics and channels have no slash. */
const boxOf = (topic: string, channel: string): string => `${topic}/${channel}`

/** Only boxes that the page showed count: one that came later is not refused by somebody who never saw it. */
function wantedIn(fields: URLSearchParams, { topics }: Preferences): Wanted[] {
  const shown = new Set(fields.getAll('shown'))
  const ticked = new Set(fields.has('none') ? [] : fields.getAll('want'))
  return topics.flatMap(({ topic, choices }) =>
    choices
      .filter(({ channel }) => shown.has(boxOf(topic, channel)))
      .map(({ channel }) => ({ topic, channel, granted: ticked.has(boxOf(topic, channel)) })),
  )
}

function form({ topics }: Preferences, lang: Lang, told?: Html): Html {
  const said = SAID[lang]
  const shown = topics.filter(({ choices }) => choices.length > 0)
  if (shown.length === 0)
    return html`<h1>${said.head}</h1>
      <p>${said.empty}</p>`
  const box = (topic: string, { channel, state }: { channel: string; state: string }): Html =>
    html`<label
        ><input
          type="checkbox"
          name="want"
          value="${boxOf(topic, channel)}"
          ${state !== 'refused' && html`checked`}
        /><span
          >${said.channels[channel] ?? channel}${state === 'pending' && html` <span class="soft">(${said.waits})</span>`}</span
        ></label
      ><input type="hidden" name="shown" value="${boxOf(topic, channel)}" />`
  const sets = shown.map(
    ({ topic, title, description, choices }) =>
      html`<fieldset>
        <legend>${title}</legend>
        ${description !== '' && html`<p class="soft">${description}</p>`} ${choices.map((one) => box(topic, one))}
      </fieldset>`,
  )
  return html`<h1>${said.head}</h1>
    ${told}
    <form method="post" class="tall">
      ${sets}
      <p><button>${said.save}</button> <button name="none" value="1">${said.none}</button></p>
    </form>
    <p class="soft">${said.needed}</p>`
}
