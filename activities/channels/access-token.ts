/** A token that a provider lends for a while: asked for once, however many messages wait for it, and again when it is over. */

export interface Lent {
  token: string
  /** How long it is good for, ms of the machine. */
  forMs: number
}

export interface AccessToken {
  /** The token; rejects where the provider gives none. */
  get(): Promise<string>
  /** The provider no longer takes this one; whoever says so of an older one changes nothing. */
  forget(token: string): void
}

/** Given back a while before its end, so that none dies on its way. */
const MARGIN_MS = 60_000

/** @param now machine time, epoch ms */
export function accessToken(fetch: () => Promise<Lent>, now: () => number): AccessToken {
  let held: { token: string; until: number } | undefined
  let asking: Promise<string> | undefined
  const ask = async (): Promise<string> => {
    const { token, forMs } = await fetch()
    held = { token, until: now() + forMs - Math.min(MARGIN_MS, forMs / 10) }
    return token
  }
  return {
    get() {
      if (held && now() < held.until) return Promise.resolve(held.token)
      asking ??= ask().finally(() => (asking = undefined))
      return asking
    },
    forget(token) {
      if (held?.token === token) held = undefined
    },
  }
}

/** No token could be had, so that surely nothing was sent. */
export class NoToken extends Error {}
