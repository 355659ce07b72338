import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import fastify from 'fastify'
import { createTransport } from 'nodemailer'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { html } from '../client/http/html.ts'
import { inboxPages } from '../client/inbox/pages.ts'
import { startInbox, type Inbox } from '../client/inbox/smtp.ts'
import { underLock } from '../workers/local/machine.ts'
import { startPostgres } from '../workers/local/postgres.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'perennial-local-'))
  // Under root the server's user must be able to come in, or the data is kept in another place.
  await chmod(directory, 0o755)
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function asked(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

describe('the local PostgreSQL', () => {
  test(
    'starts once, is adopted by whoever comes second, and keeps its data over a restart',
    { timeout: 60_000 },
    async () => {
      const home = path.join(directory, 'database')
      const started = await startPostgres({ directory: home, fast: true })
      try {
        expect(started.adopted).toBe(false)
        await asked(started.url, 'CREATE TABLE kept AS SELECT $$春$$ AS word')
        const second = await startPostgres({ directory: home, fast: true })
        expect(second).toMatchObject({ adopted: true, url: started.url })
        await second.stop()
        expect(await asked(started.url, 'SELECT word FROM kept')).toEqual(['春'])
        expect(await asked(started.url, 'SHOW listen_addresses')).toEqual(['127.0.0.1'])
        expect(await asked(started.url, 'SHOW unix_socket_directories')).toEqual([''])
      } finally {
        await started.stop()
      }
      const again = await startPostgres({ directory: home, fast: true })
      try {
        expect(again.adopted).toBe(false)
        expect(await asked(again.url, 'SELECT word FROM kept')).toEqual(['春'])
      } finally {
        await again.stop()
      }
    },
  )

  test('starts one server when several ask at once, and keeps its password private', { timeout: 60_000 }, async () => {
    const home = path.join(directory, 'raced')
    const all = await Promise.all([1, 2, 3].map(() => startPostgres({ directory: home, fast: true })))
    try {
      expect(all.filter(({ adopted }) => !adopted)).toHaveLength(1)
      expect(new Set(all.map(({ url }) => url)).size).toBe(1)
      expect((await stat(path.join(home, 'password'))).mode & 0o777).toBe(0o600)
    } finally {
      await Promise.all(all.map((one) => one.stop()))
    }
  })
})

describe('a lock file', () => {
  test('lets one in at a time and is taken over from the dead', async () => {
    const file = path.join(directory, 'some.lock')
    // No process has this pid: it is above the highest Linux gives out.
    await writeFile(file, '4194999 abandoned')
    let inside = 0
    const seen = await Promise.all(
      Array.from({ length: 8 }, () =>
        underLock(file, 10, async () => {
          inside += 1
          const together = inside
          await new Promise((resolve) => setTimeout(resolve, 2))
          inside -= 1
          return together
        }),
      ),
    )
    expect(seen).toEqual(Array.from({ length: 8 }, () => 1))
    expect((await readdir(directory)).filter((name) => name.startsWith('some.lock'))).toEqual([])
  })

  test('is let go when the work fails', async () => {
    const file = path.join(directory, 'other.lock')
    await expect(underLock(file, 1, async () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await underLock(file, 1, async () => 'in')).toBe('in')
  })
})

describe('the inbox', () => {
  const subject = '<script>alert("x")</script> & 春'
  let inbox: Inbox
  const app = fastify()

  beforeAll(async () => {
    inbox = await startInbox({ port: 0, directory: path.join(directory, 'mails') })
    await app.register(inboxPages({ inbox }))
    const sender = createTransport(`${inbox.url}/?pool=true`)
    await sender.sendMail({
      from: 'Shop <shop@example.com>',
      to: 'Lin <lin@example.com>',
      subject,
      text: 'Plain & <simple>',
      html: '<p title="a">Rich "words"</p>',
      headers: { 'List-Unsubscribe': '<https://example.com/u/1?a=1&b=2>, <javascript:alert(1)>' },
    })
    const many = Array.from({ length: 20 }, (_, n) => ({ to: `n${n}@example.com`, subject: `Number ${n}`, text: '.' }))
    await Promise.all(many.map((mail) => sender.sendMail({ from: 'shop@example.com', ...mail })))
    sender.close()
  })

  afterAll(async () => {
    await app.close()
    await inbox.stop()
  })

  test('keeps each mail as one file and lists the newest first', async () => {
    const mails = await inbox.list()
    expect(mails).toHaveLength(21)
    expect(mails.map(({ id }) => id)).toEqual(
      mails
        .map(({ id }) => id)
        .sort()
        .reverse(),
    )
    expect(mails.at(-1)).toMatchObject({ from: 'Shop <shop@example.com>', to: 'Lin <lin@example.com>', subject })
    expect(mails.at(-1)?.html).toBe('<p title="a">Rich "words"</p>\n')
    const files = await readdir(path.join(directory, 'mails'))
    expect(files.sort()).toEqual(mails.map(({ id }) => `${id}.eml`).sort())
  })

  test('shows a list that can be searched, with markup escaped', async () => {
    const all = await app.inject('/inbox')
    expect(all.statusCode).toBe(200)
    expect(all.body).toContain('21 mails')
    expect(all.body).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; 春')
    expect(all.body).not.toContain('<script')
    const some = await app.inject('/inbox?q=N7%40EXAMPLE')
    expect(some.body).toContain('1 of 21 mails')
    expect(some.body).toContain('Number 7')
    expect(some.body).not.toContain('Number 8')
    const odd = await app.inject('/inbox?q=%22%3E%3Cb%3E&q=2')
    expect(odd.body).toContain('0 of 21 mails')
    expect(odd.body).toContain('value="&quot;&gt;&lt;b&gt;"')
  })

  test('shows a mail with its parts, its headers and its link to unsubscribe', async () => {
    const { mails } = await inbox.find({ search: 'lin@', limit: 1 })
    const id = mails[0]?.id ?? ''
    const shown = await app.inject(`/inbox/${id}`)
    expect(shown.statusCode).toBe(200)
    expect(shown.headers['content-security-policy']).toContain("default-src 'none'")
    expect(shown.body).toContain('srcdoc="&lt;p title=&quot;a&quot;&gt;Rich &quot;words&quot;&lt;/p&gt;')
    expect(shown.body).toContain('Plain &amp; &lt;simple&gt;')
    expect(shown.body).toContain('href="https://example.com/u/1?a=1&amp;b=2"')
    expect(shown.body).not.toContain('href="javascript')
    expect(shown.body).not.toContain('<script')
    const raw = await app.inject(`/inbox/${id}/raw`)
    expect(raw.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(raw.body).toBe(await readFile(path.join(directory, 'mails', `${id}.eml`), 'utf8'))
  })

  test.each([
    '/inbox/none',
    '/inbox/none/raw',
    '/inbox/..%2f..%2fetc%2fpasswd',
    '/inbox/1700000000000-000001-00000000',
  ])('answers 404 with a page for %s', async (url) => {
    const answer = await app.inject(url)
    expect(answer.statusCode).toBe(404)
    expect(answer.body).toContain('No such mail')
  })

  test('refuses a mail that is too large, and goes on', async () => {
    const sender = createTransport(inbox.url)
    const large = { from: 'a@example.com', to: 'b@example.com', subject: 'large', text: 'x'.repeat(1_100_000) }
    await expect(sender.sendMail(large)).rejects.toMatchObject({ responseCode: 552 })
    await sender.sendMail({ ...large, text: 'small' })
    expect((await inbox.list())[0]).toMatchObject({ subject: 'large', text: 'small\n' })
  })
})

describe('html', () => {
  test('escapes words, keeps markup and lists of markup, and leaves out what is nothing', () => {
    const item = html`<b title="${'"\'&'}">${'<i>'}</b>`
    const items = html`${[item, html`!`]}${null}${false}${undefined}${0}`
    expect(items.toString()).toBe('<b title="&quot;&#39;&amp;">&lt;i&gt;</b>!0')
  })
})
