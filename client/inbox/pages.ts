import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { html, page, type Html } from '../http/html.ts'
import type { Inbox, MailSummary, StoredMail } from './smtp.ts'

const NEWEST = 200
/** A mail is somebody else's markup: no script runs and nothing is fetched, whatever it asks for. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/**
 * The pages of the local inbox, as a fastify plugin: `GET /inbox?q=` (the newest 200), `GET /inbox/:id` and
 * `GET /inbox/:id/raw`. An unknown id answers 404 with a page. They have no login: register them in development only.
 */
export function inboxPages({ inbox }: { inbox: Pick<Inbox, 'find' | 'read'> }): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Querystring: { q?: string | string[] } }>('/inbox', async (request, reply) => {
      const search = [request.query.q ?? ''].flat()[0] ?? ''
      const found = await inbox.find({ search, limit: NEWEST })
      return show(reply, page('Inbox', listOf(found, search)))
    })
    app.get<{ Params: { id: string } }>('/inbox/:id', async (request, reply) => {
      const mail = await inbox.read(request.params.id)
      return mail === undefined ? showMissing(reply) : show(reply, page(subjectOf(mail), bodyOf(mail)))
    })
    app.get<{ Params: { id: string } }>('/inbox/:id/raw', async (request, reply) => {
      const mail = await inbox.read(request.params.id)
      if (mail === undefined) return showMissing(reply)
      return reply.header('x-content-type-options', 'nosniff').type('text/plain; charset=utf-8').send(mail.raw)
    })
  }
}

function show(reply: FastifyReply, document: string): FastifyReply {
  return reply.header('content-security-policy', POLICY).type('text/html; charset=utf-8').send(document)
}

function showMissing(reply: FastifyReply): FastifyReply {
  const body = html`<h1>No such mail</h1>
    <p>It is not in this inbox, or was removed. <a href="/inbox">See all mails</a></p>`
  return show(reply.code(404), page('No such mail', body))
}

function listOf(found: Awaited<ReturnType<Inbox['find']>>, search: string): Html {
  return html`<h1>Inbox</h1>
    <form method="get" action="/inbox" role="search">
      <input
        type="search"
        name="q"
        value="${search}"
        placeholder="Recipient or subject"
        aria-label="Recipient or subject"
      />
      <button>Search</button>
    </form>
    <p class="soft" id="count">${countOf(found, search)}</p>
    ${found.mails.length > 0 && tableOf(found.mails)}`
}

function countOf(found: { total: number; matched: number; mails: MailSummary[] }, search: string): string {
  if (found.total === 0) return 'No mail yet.'
  const all = found.total === 1 ? '1 mail' : `${found.total} mails`
  const counted = search.trim() === '' ? all : `${found.matched} of ${all}`
  return found.mails.length < found.matched ? `${counted}, the newest ${found.mails.length} shown` : counted
}

function tableOf(mails: MailSummary[]): Html {
  const rows = mails.map(
    (mail) =>
      html`<tr>
        <td class="time">${timeOf(mail)}</td>
        <td>${mail.to}</td>
        <td><a href="/inbox/${mail.id}">${subjectOf(mail)}</a></td>
      </tr>`,
  )
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Received (UTC)</th>
        <th scope="col">To</th>
        <th scope="col">Subject</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

function bodyOf(mail: StoredMail): Html {
  const links = unsubscribeLinks(mail)
  return html`<p><a href="/inbox">Inbox</a></p>
    <h1>${subjectOf(mail)}</h1>
    <table>
      <tr>
        <th scope="row">From</th>
        <td>${mail.from}</td>
      </tr>
      <tr>
        <th scope="row">To</th>
        <td>${mail.to}</td>
      </tr>
      <tr>
        <th scope="row">Received</th>
        <td>${timeOf(mail)} UTC</td>
      </tr>
      ${
        links.length > 0 &&
        html`<tr>
          <th scope="row">List-Unsubscribe</th>
          <td>${links.map(linkTo)}</td>
        </tr>`
      }
    </table>
    ${
      mail.html !== '' &&
      html`<h2>HTML part</h2>
        ${frameOf(mail.html)}`
    }
    ${
      mail.text !== '' &&
      html`<h2>Text part</h2>
        <pre>${mail.text}</pre>`
    }
    <h2>Headers</h2>
    <pre>${mail.headers.map(({ name, value }) => `${name}: ${value}`).join('\n')}</pre>
    <p><a href="/inbox/${mail.id}/raw">Source</a></p>`
}

/** The mail in a frame without rights of its own; its links open beside this page (`base` comes last, to keep its doctype). */
function frameOf(markup: string): Html {
  return html`<iframe
    title="The mail as it looks"
    sandbox="allow-popups allow-popups-to-escape-sandbox"
    referrerpolicy="no-referrer"
    srcdoc="${`${markup}<base target="_blank">`}"
  ></iframe>`
}

function linkTo(link: string): Html {
  return html`<div><a href="${link}" target="_blank" rel="noopener noreferrer">${link}</a></div>`
}

/** The addresses of the List-Unsubscribe header (RFC 2369) a browser may open. */
function unsubscribeLinks(mail: StoredMail): string[] {
  const header = mail.headers.find(({ name }) => name.toLowerCase() === 'list-unsubscribe')?.value ?? ''
  const links = [...header.matchAll(/<([^>]+)>/g)].map((match) => (match[1] ?? '').replace(/\s+/g, ''))
  return links.filter((link) => /^(https?|mailto):/i.test(link))
}

function subjectOf(mail: MailSummary): string {
  return mail.subject === '' ? '(no subject)' : mail.subject
}

function timeOf(mail: MailSummary): string {
  return mail.at.slice(0, 19).replace('T', ' ')
}
