/**
 * WeCom. To a customer: a customer-message task, which an employee must confirm before the customer gets anything, so that it is
 * `accepted` and its result is polled. To a member of the shop ('member:zhangsan'): a message of the app, taken at once.
 * Sources: developer.work.weixin.qq.com, "创建企业群发" (92135), "获取企业群发成员执行结果" (93338), "发送应用消息" (90236),
 * "获取access_token" (91039), "全局错误码" (90313).
 */
import { CAPABILITIES } from '../../domain/channel.ts'
import { accessToken } from './access-token.ts'
import type { Channel, Outgoing, Readiness, Receipt } from './channel.ts'
import { openCaller } from './request.ts'
import { errcodeReceipt, lentIn, post, saidIn } from './wechat-api.ts'

export interface WecomOptions {
  corpId: string
  /** The secret of the app that may use customer contact. */
  secret: string
  /** The member in whose name tasks are made. */
  sender: string
  agentId: number
  /** https://qyapi.weixin.qq.com unless told. */
  endpoint?: string
  answerMs?: number
  now: () => number
}

/** An address that is a member of the shop and not a customer. */
const MEMBER = 'member:'
/** The longest window in which WeCom drops the same app message (duplicate_check_interval), seconds. */
const SAME_FOR_S = 1800

const CODES: Readonly<Record<number, Omit<Receipt, 'detail'>>> = {
  // System busy.
  [-1]: { is: 'transient' },
  45009: { is: 'transient', retryAfterMs: 60_000 },
  45033: { is: 'transient' },
  // The secret, the caller's address or the app's rights: the operator's to mend.
  40013: { is: 'transient' },
  48002: { is: 'transient' },
  60011: { is: 'transient' },
  60020: { is: 'transient' },
  // More customer messages than a customer may have today or this month.
  45003: { is: 'refused' },
  41048: { is: 'refused' },
  // Not (or no longer) a contact; not a member; not an id.
  40096: { is: 'refused', deadAddress: true },
  84061: { is: 'refused', deadAddress: true },
  60111: { is: 'refused', deadAddress: true },
  40003: { is: 'refused', deadAddress: true },
  81013: { is: 'refused', deadAddress: true },
}

export function wecomChannel(options: WecomOptions, ready: Readiness = { ok: true }): Channel {
  const { corpId, secret, sender, agentId, now, endpoint = 'https://qyapi.weixin.qq.com' } = options
  const caller = openCaller(options.answerMs === undefined ? {} : { answerMs: options.answerMs })
  const token = accessToken(async () => {
    const url = new URL('/cgi-bin/gettoken', endpoint)
    url.search = new URLSearchParams({ corpid: corpId, corpsecret: secret }).toString()
    return lentIn(await caller.ask({ method: 'GET', url }))
  }, now)
  const to = { caller, token, endpoint }

  async function taskFor(message: Outgoing, begin: () => Promise<boolean>): Promise<Receipt> {
    const body = {
      chat_type: 'single',
      external_userid: [message.to],
      sender,
      text: { content: textOf(message) },
    }
    const heard = await post({ ...to, path: '/cgi-bin/externalcontact/add_msg_template', body, begin })
    return errcodeReceipt(heard, CODES, (said) => {
      const failed = Array.isArray(said['fail_list']) && said['fail_list'].length > 0
      if (failed || typeof said['msgid'] !== 'string') {
        return { is: 'refused', detail: 'the customer cannot get customer messages from this member' }
      }
      return { is: 'accepted', detail: 'waits for the member to confirm', providerId: said['msgid'] }
    })
  }

  async function messageFor(message: Outgoing, begin: () => Promise<boolean>): Promise<Receipt> {
    const body = {
      touser: message.to.slice(MEMBER.length),
      msgtype: 'text',
      agentid: agentId,
      text: { content: textOf(message) },
      enable_duplicate_check: 1,
      duplicate_check_interval: SAME_FOR_S,
    }
    const heard = await post({ ...to, path: '/cgi-bin/message/send', body, begin })
    return errcodeReceipt(heard, CODES, (said) => {
      if (said['invaliduser']) return { is: 'refused', detail: 'not a member who may see the app', deadAddress: true }
      return { is: 'sent', detail: 'ok', ...(typeof said['msgid'] === 'string' && { providerId: said['msgid'] }) }
    })
  }

  return {
    name: 'wecom',
    provider: 'wecom',
    ready,
    can: CAPABILITIES.wecom,
    async send(message, begin) {
      if (!ready.ok) return { is: 'transient', detail: `not set: ${ready.missing.join(', ')}` }
      return message.to.startsWith(MEMBER) ? messageFor(message, begin) : taskFor(message, begin)
    },
    /** Only a task whose id is known can be asked about. */
    async lookUp({ providerId, to: customer }) {
      if (!ready.ok || providerId === undefined || customer.startsWith(MEMBER)) return undefined
      const body = { msgid: providerId, userid: sender, limit: 500 }
      const heard = await post({ ...to, path: '/cgi-bin/externalcontact/get_groupmsg_send_result', body })
      const list = saidIn(heard)?.['send_list'] as { external_userid?: string; status?: number }[] | undefined
      const found = list?.find((one) => one.external_userid === customer)
      return found && RESULTS[found.status ?? 0]
    },
    close: () => caller.close(),
  }
}

/** `status` of get_groupmsg_send_result. */
const RESULTS: Readonly<Record<number, Receipt>> = {
  0: { is: 'accepted', detail: 'waits for the member to confirm' },
  1: { is: 'sent', detail: 'the member sent it' },
  2: { is: 'refused', detail: 'not a contact any more', deadAddress: true },
  3: { is: 'refused', detail: 'the customer has had as many customer messages as WeCom allows' },
}

function textOf({ words }: Pick<Outgoing, 'words'>): string {
  return words.text.trim()
}
