import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { wechatChannel } from '../../activities/channels/wechat.ts'
import { wecomChannel } from '../../activities/channels/wecom.ts'
import { type Asked, type HttpReply, startHttpSink } from '../http-sink.ts'
import { beginner, outgoing } from '../outgoing.ts'

/** Lends tokens T1, T2 … and takes only the newest, as WeCom and WeChat do. */
const lender = { lent: 0, good: 'T1', broken: false }
function lend(asked: Asked): HttpReply | undefined {
  if (asked.url.pathname !== '/cgi-bin/gettoken' && asked.url.pathname !== '/cgi-bin/stable_token') {
    const known = asked.url.searchParams.get('access_token') === lender.good
    return known ? undefined : { body: { errcode: 40014, errmsg: 'invalid access_token' } }
  }
  if (lender.broken) return { body: { errcode: 40001, errmsg: 'invalid credential for wxid' } }
  lender.lent += 1
  lender.good = `T${lender.lent}`
  return { body: { errcode: 0, errmsg: 'ok', access_token: lender.good, expires_in: 7200 } }
}

const said = (errcode: number, more: object = {}): HttpReply => ({
  body: { errcode, errmsg: 'words of wm-customer', ...more },
})
const ANSWERS: Record<string, HttpReply> = {
  '/cgi-bin/externalcontact/add_msg_template': said(0, { fail_list: [], msgid: 'msg-1' }),
  '/cgi-bin/message/send': said(0, { msgid: 'app-1' }),
  '/cgi-bin/message/subscribe/send': said(0, { msgid: 17 }),
}
/** What is answered to the next message, once its token is right. */
const planned: HttpReply[] = []
const sink = await startHttpSink(
  (asked) => lend(asked) ?? planned.shift() ?? ANSWERS[asked.url.pathname] ?? { status: 404 },
)

const time = { now: 0 }
const now = (): number => time.now
const open = () =>
  wecomChannel({ corpId: 'ww', secret: 's', sender: 'zhangsan', agentId: 7, endpoint: sink.url, answerMs: 150, now })
let wecom = open()
const templates = { '*': { id: 'tmpl', params: { thing1: 'text', character_string2: 'coupon.code' } } }
const wechat = wechatChannel({ appId: 'wx', secret: 's', templates, endpoint: sink.url, answerMs: 150, now })
afterAll(() => Promise.all([wecom.close(), wechat.close(), sink.stop()]))
beforeEach(() => {
  time.now += 3 * 7_200_000
  lender.broken = false
  lender.lent = 0
  planned.length = 0
  sink.asked.length = 0
  wecom = open()
})

const customer = outgoing('wm-customer')
const paths = (): string[] => sink.asked.map(({ url }) => url.pathname.split('/').at(-1) ?? '')
const bodyOf = (index: number): unknown => JSON.parse(String(sink.asked[index]?.body))

describe('WeCom', () => {
  it('makes a task for a member to confirm: accepted, with its id', async () => {
    const { begin, asked } = beginner()
    expect(await wecom.send(customer, begin)).toEqual({
      is: 'accepted',
      detail: 'waits for the member to confirm',
      providerId: 'msg-1',
    })
    expect(asked()).toBe(1)
    expect(bodyOf(1)).toEqual({
      chat_type: 'single',
      external_userid: ['wm-customer'],
      sender: 'zhangsan',
      text: { content: 'Ten off your first order' },
    })
  })

  it('a member gets a message of the app, sent at once, with the window in which a double is dropped', async () => {
    expect(await wecom.send(outgoing('member:lisi'), beginner().begin)).toMatchObject({
      is: 'sent',
      providerId: 'app-1',
    })
    expect(bodyOf(1)).toMatchObject({
      touser: 'lisi',
      agentid: 7,
      enable_duplicate_check: 1,
      duplicate_check_interval: 1800,
    })
  })

  it('fifty messages at once ask for one token', async () => {
    const all = Array.from({ length: 50 }, () => wecom.send(customer, beginner().begin))
    expect(new Set((await Promise.all(all)).map(({ is }) => is))).toEqual(new Set(['accepted']))
    expect(paths().filter((path) => path === 'gettoken')).toHaveLength(1)
  })

  it('a token that is over is had anew, once, and the message goes out once', async () => {
    await wecom.send(customer, beginner().begin)
    lender.good = 'another process has another'
    sink.asked.length = 0
    const { begin, asked } = beginner()
    expect(await wecom.send(customer, begin)).toMatchObject({ is: 'accepted' })
    expect(paths()).toEqual(['add_msg_template', 'gettoken', 'add_msg_template'])
    expect(asked()).toBe(1)
    planned.push(said(42001), said(42001))
    expect(await wecom.send(customer, beginner().begin)).toEqual({ is: 'transient', detail: 'errcode 42001' })
  })

  it('a token is asked for again shortly before its end', async () => {
    await wecom.send(customer, beginner().begin)
    time.now += 7_100_000
    await wecom.send(customer, beginner().begin)
    time.now += 41_000
    await wecom.send(customer, beginner().begin)
    expect(paths().filter((path) => path === 'gettoken')).toHaveLength(2)
  })

  it('without a token nothing is sent', async () => {
    lender.broken = true
    const { begin, asked } = beginner()
    expect(await wecom.send(customer, begin)).toEqual({ is: 'transient', detail: 'no access token: errcode 40001' })
    expect(asked()).toBe(0)
  })

  it.each<[string, HttpReply, object]>([
    ['busy', said(-1), { is: 'transient' }],
    ['too often', said(45009), { is: 'transient', retryAfterMs: 60_000 }],
    ['no contact', said(84061), { is: 'refused', deadAddress: true }],
    ['a wrong parameter', said(40058), { is: 'refused' }],
    ['not in reach of the member', said(0, { fail_list: ['wm-customer'], msgid: 'm' }), { is: 'refused' }],
    ['429', { status: 429 }, { is: 'transient' }],
    ['500', { status: 500 }, { is: 'transient' }],
    ['200 of a stranger', { body: 'hello' }, { is: 'unknown' }],
    ['no answer', 'hang', { is: 'unknown' }],
    ['dropped', 'drop', { is: 'unknown' }],
    ['half an answer', 'cut', { is: 'unknown' }],
  ])('%s', async (_what, reply, receipt) => {
    planned.push(reply)
    const got = await wecom.send(customer, beginner().begin)
    expect(got).toMatchObject(receipt)
    expect(got.detail).not.toContain('wm-customer')
  })

  it.each<[string, object[] | undefined, object | undefined]>([
    ['not confirmed yet', [{ external_userid: 'wm-customer', status: 0 }], { is: 'accepted' }],
    [
      'confirmed',
      [
        { external_userid: 'other', status: 2 },
        { external_userid: 'wm-customer', status: 1 },
      ],
      { is: 'sent' },
    ],
    ['no contact any more', [{ external_userid: 'wm-customer', status: 2 }], { is: 'refused', deadAddress: true }],
    ['had too many', [{ external_userid: 'wm-customer', status: 3 }], { is: 'refused' }],
    ['not said', undefined, undefined],
  ])('its task is polled: %s', async (_what, list, found) => {
    planned.push(list ? said(0, { send_list: list }) : said(-1))
    const { key, to, messageId } = customer
    const receipt = await wecom.lookUp?.({ key, to, messageId, providerId: 'msg-1' })
    if (found === undefined) expect(receipt).toBeUndefined()
    else expect(receipt).toMatchObject(found)
    expect(bodyOf(1)).toMatchObject({ msgid: 'msg-1', userid: 'zhangsan' })
    expect(await wecom.lookUp?.({ key, to, messageId })).toBeUndefined()
  })
})

describe('WeChat', () => {
  const subscriber = outgoing('openid-1', { data: { coupon: { code: 'ABC' } }, locale: 'en-GB' })

  it('fills the template that was approved, by the stable token', async () => {
    expect(await wechat.send(subscriber, beginner().begin)).toMatchObject({ is: 'sent', providerId: '17' })
    expect(paths()).toEqual(['stable_token', 'send'])
    expect(bodyOf(1)).toEqual({
      touser: 'openid-1',
      template_id: 'tmpl',
      data: { thing1: { value: 'Ten off your first order' }, character_string2: { value: 'ABC' } },
      lang: 'en_US',
    })
  })

  it.each<[string, HttpReply, object]>([
    ['did not allow it', said(43101), { is: 'refused' }],
    ['nobody', said(40003), { is: 'refused', deadAddress: true }],
    ['over the quota', said(45009), { is: 'transient' }],
    ['words it refuses', said(47003), { is: 'refused' }],
    ['no answer', 'hang', { is: 'unknown' }],
  ])('%s', async (_what, reply, receipt) => {
    planned.push(reply)
    const got = await wechat.send(subscriber, beginner().begin)
    expect(got).toMatchObject(receipt)
    expect(got.deadAddress).toBe((receipt as { deadAddress?: boolean }).deadAddress)
  })

  it('carries no marketing', async () => {
    const { begin, asked } = beginner()
    expect(await wechat.send({ ...subscriber, class: 'marketing' }, begin)).toMatchObject({ is: 'refused' })
    expect([asked(), sink.asked.length]).toEqual([0, 0])
  })
})
