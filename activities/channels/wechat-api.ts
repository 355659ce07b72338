/** What WeCom and WeChat have in common: an access token in the address, and an errcode in an answer of HTTP 200. */
import { type AccessToken, type Lent, NoToken } from './access-token.ts'
import type { Begin, Receipt } from './channel.ts'
import { type Caller, type Heard, jsonOf, silenceReceipt, statusReceipt } from './request.ts'

export interface Said {
  errcode?: number
  errmsg?: string
  [field: string]: unknown
}

/** 40001, 40014: not a token of ours (any more); 42001, 42007, 42009: it is over. */
const TOKEN_OVER: ReadonlySet<number> = new Set([40001, 40014, 42001, 42007, 42009])

export interface Post {
  caller: Caller
  token: AccessToken
  endpoint: string
  path: string
  body: object
  begin?: Begin
}

/** Posts with the token, and once more with a new one where that was over: the provider has then done nothing. */
export async function post({ caller, token, endpoint, path, body, begin }: Post): Promise<Heard> {
  let begun: Promise<boolean> | undefined
  const once: Begin | undefined = begin && (() => (begun ??= begin()))
  for (let again = false; ; again = true) {
    let current: string
    try {
      current = await token.get()
    } catch (error) {
      return { is: 'silence', began: false, detail: error instanceof Error ? error.message : String(error) }
    }
    const url = new URL(path, endpoint)
    url.searchParams.set('access_token', current)
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    const heard = await caller.ask({
      method: 'POST',
      url,
      headers,
      body: JSON.stringify(body),
      ...(once && { begin: once }),
    })
    if (again || heard.is === 'silence' || !TOKEN_OVER.has(saidIn(heard)?.errcode ?? 0)) return heard
    token.forget(current)
  }
}

export function saidIn(heard: Heard): Said | undefined {
  if (heard.is === 'silence') return undefined
  const said = jsonOf(heard.body)
  return typeof said === 'object' && said !== null ? (said as Said) : undefined
}

/** A token out of an answer; throws NoToken, which names the code and nothing of the request. */
export function lentIn(heard: Heard): Lent {
  const said = saidIn(heard)
  if (typeof said?.['access_token'] === 'string' && said['access_token'] !== '') {
    return { token: said['access_token'], forMs: Number(said['expires_in'] ?? 7200) * 1000 }
  }
  const why = heard.is === 'silence' ? heard.detail : `errcode ${said?.errcode ?? `none, HTTP ${heard.status}`}`
  throw new NoToken(`no access token: ${why}`)
}

/** The receipt of an errcode; `taken` where it is 0. A code that no table names is refused, since the provider did answer. */
export function errcodeReceipt(
  heard: Heard,
  table: Readonly<Record<number, Omit<Receipt, 'detail'>>>,
  taken: (said: Said) => Receipt,
): Receipt {
  if (heard.is === 'silence') return silenceReceipt(heard)
  const said = saidIn(heard)
  if (said?.errcode === undefined) {
    const receipt = statusReceipt(heard)
    return receipt.is === 'sent' ? { is: 'unknown', detail: 'HTTP 200 without an errcode' } : receipt
  }
  if (said.errcode === 0) return taken(said)
  // errmsg may hold ids of people and the address of the caller; the code says enough.
  const detail = `errcode ${said.errcode}`
  if (TOKEN_OVER.has(said.errcode)) return { is: 'transient', detail }
  return { ...(table[said.errcode] ?? { is: 'refused' }), detail }
}
