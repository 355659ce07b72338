/** The links that mails carry to our own pages, each signed for one customer and one purpose. */
import { CONFIRM_WITHIN } from './consent.ts'
import { type Subscription, addressHash, confirmationToken, preferencesToken, subscriptionToken } from './token.ts'

/** What links are made with. */
export interface LinkParts {
  /** Where the pages are, without a slash at the end. */
  publicUrl: string
  secret: string
}

/** RFC 8058: one POST to it ends the subscription, a GET shows a page. */
export const unsubscribeLink = (of: Subscription, { publicUrl, secret }: LinkParts): string =>
  `${publicUrl}/u/${subscriptionToken(of, secret)}`

/** What words may name: `{{ links.preferences }}`, and in the mail that asks to confirm `{{ links.confirm }}`. */
export interface WordLinks {
  preferences: string
  /** Absent where there is no address to confirm. */
  confirm?: string
}

export function wordLinks(
  { customer, email, now }: { customer: string; email: string | null; now: number },
  { publicUrl, secret }: LinkParts,
): WordLinks {
  const preferences = `${publicUrl}/p/${preferencesToken(customer, secret)}`
  if (email === null) return { preferences }
  const confirmation = { customer, address: addressHash(email), expires: now + CONFIRM_WITHIN }
  return { preferences, confirm: `${publicUrl}/c/${confirmationToken(confirmation, secret)}` }
}
