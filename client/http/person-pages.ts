/** What the pages for customers have in common: no script, no frame, no cookie, no index, and a language. */
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isChinese } from '../../domain/locale.ts'
import type { Routing } from '../../domain/journey.ts'
import type { Clock } from '../../domain/tempo.ts'
import type { Db } from '../../store/db.ts'
import { prepareProblem } from './answers.ts'
import { type Html, html, page } from './html.ts'

export interface PersonPagesParts {
  db: Db
  clock: Clock
  /** What the links were signed with. */
  secret: string
  /** Whom consent that is confirmed is told to. */
  plans: readonly Routing[]
  shopZone: string
}

/** Bytes; a one-click body is 26 of them, a page of preferences some thousands. */
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

export type Asked = { Params: { token: string }; Body: Buffer | null }

/** Prepares a scope of the server for such pages. Mail programs post a form, urlencoded or multipart, or nothing at all. */
export async function prepareForPersons(app: FastifyInstance): Promise<void> {
  // TLS ends before us, so whoever ends it says Strict-Transport-Security.
  await app.register(helmet, { contentSecurityPolicy: POLICY, hsts: false })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_MOST }, async (_: unknown, body: unknown) => body)
  app.setErrorHandler((error, request, reply) => {
    const problem = prepareProblem(error, request, reply)
    const lang = langOf(request, null)
    const said = SAID[lang]
    const forged = problem.code === 'TOKEN_INVALID'
    const body = html`<h1>${forged ? said.badLink : said.failed}</h1>
      <p>${forged ? said.badLinkWhy : said.failedWhy}</p>
      <p class="soft">${problem.code}</p>`
    return show(reply, forged ? said.badLink : said.failed, body, lang)
  })
}

const SAID = {
  en: {
    badLink: 'This link does not work',
    badLinkWhy: 'The link is not one of ours or was cut. Open the whole link from the mail.',
    failed: 'That did not work',
    failedWhy: 'Nothing was changed. Please try again in a few minutes.',
  },
  zh: {
    badLink: '链接无效',
    badLinkWhy: '这不是我们的链接，或者链接不完整。请打开邮件中的完整链接。',
    failed: '操作没有成功',
    failedWhy: '没有任何更改。请过几分钟再试。',
  },
} as const

export type Lang = keyof typeof SAID

/** The customer's own language where they told one, else what their browser asks for. */
export function langOf(request: FastifyRequest, locale: string | null | undefined): Lang {
  const asked = locale ?? request.headers['accept-language'] ?? ''
  return isChinese(asked) ? 'zh' : 'en'
}

export const HTML_LANG: Record<Lang, string> = { en: 'en', zh: 'zh-CN' }

export function show(reply: FastifyReply, title: string, body: Html, lang: Lang): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .header('x-robots-tag', 'noindex')
    .type('text/html; charset=utf-8')
    .send(page(title, body, HTML_LANG[lang]))
}

/** The fields of a form as a browser posts it; empty for anything else. */
export function fieldsOf(request: FastifyRequest<Asked>): URLSearchParams {
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
  return new URLSearchParams(isForm && request.body ? request.body.toString('utf8') : '')
}
