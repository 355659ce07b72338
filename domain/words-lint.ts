/**
 * What is wrong with words before anybody gets them: read off the templates, so that a flaw is found when words are saved and not
 * by the first customer. An error is never published; what is for review needs a person's yes or a proof; a note is told.
 */
import { CAPABILITIES, type ChannelName } from './channel.ts'
import { PARTIALS, partialsIn } from './partials.ts'
import type { MessageClass } from './sending.ts'
import { type Wording, renderWords, variablesOf } from './template.ts'
import { type WordingLeave, checkWording, textOfWords, textSeenIn } from './wording.ts'
import type { Term } from './wording-terms.ts'

export const FLAWS = {
  SUBJECT_MISSING: { severity: 'error', meaning: 'There is no subject.' },
  SUBJECT_LONG: { severity: 'note', meaning: 'The subject is longer than most programs show.' },
  TEXT_LONG: { severity: 'error', meaning: 'The text is longer than the channel takes.' },
  SMS_SEGMENTS: { severity: 'note', meaning: 'As a short message the text takes several segments, each paid for.' },
  VARIABLE_UNKNOWN: { severity: 'error', meaning: 'The words name a variable that the plan’s own words do not.' },
  PARTIAL_UNKNOWN: { severity: 'error', meaning: 'The words ask for a partial that does not exist.' },
  PARTIAL_NESTED: { severity: 'error', meaning: 'A partial asks for a partial.' },
  LINK_DEAD: { severity: 'error', meaning: 'A link leads nowhere.' },
  LINK_UNSAFE: {
    severity: 'error',
    meaning: 'A link is a variable alone, without the filter safe_url.',
  },
  LINK_RESERVED: { severity: 'note', meaning: 'A link leads to a name that is reserved for examples.' },
  UNSUBSCRIBE_HIDDEN: {
    severity: 'error',
    meaning: 'The HTML hides what we add at its end: the way out and the address.',
  },
  WORDING_BLOCKED: { severity: 'error', meaning: 'The words say what advertising may never say.' },
  WORDING_REVIEW: { severity: 'review', meaning: 'The words say what a person has to approve.' },
  WORDING_EVIDENCE: { severity: 'review', meaning: 'The words claim what needs proof.' },
} as const

export type FlawCode = keyof typeof FLAWS

export interface Flaw {
  code: FlawCode
  severity: (typeof FLAWS)[FlawCode]['severity']
  /** What in particular: the variable, the link, the term. */
  detail: string
  todo: string
}

export interface LintContext extends WordingLeave {
  class: MessageClass
  /** The channels the words may go by; e-mail unless said. */
  channels?: readonly ChannelName[]
  /** What the words may name beside the customer's name; undefined where nobody knows. */
  variables?: ReadonlySet<string> | undefined
  /** Partials are held to what a part of words is held to: no subject, no partial. */
  partial?: boolean
  /** The shop's own terms and ours; ours unless said. */
  terms?: readonly Term[]
}

/** About what a phone shows of a subject; what a mail program shows in a list. */
const SUBJECT_SHOWN = 60
/** RFC 5322 2.1.1 allows 998 octets a line; nothing sensible comes near. */
const SUBJECT_MOST = 200
/** The names the engine gives to all words. */
export const GIVEN: ReadonlySet<string> = new Set(['name', 'links.preferences', 'links.confirm'])

const flaw = (code: FlawCode, detail: string, todo: string): Flaw => ({
  code,
  severity: FLAWS[code].severity,
  detail,
  todo,
})

/** Liquid taken out: what it prints is one letter of no language, so that words on both sides stay apart. */
const withoutLiquid = (source: string): string => source.replace(/\{\{.*?\}\}/gs, ' ⁂ ').replace(/\{%.*?%\}/gs, '')

/** All flaws of one wording whose MJML is compiled; `draft` has its partials still in it, `words` has them put in. */
export function lintWords(draft: Wording, words: Wording, about: LintContext): Flaw[] {
  const flaws = [
    ...partialFlaws(draft, about),
    ...lengthFlaws(words, about),
    ...variableFlaws(words, about),
    ...linkFlaws(words),
    ...wordingFlaws(words, about),
  ]
  if (!about.partial && about.class !== 'transactional') flaws.push(...footerFlaws(words))
  return flaws
}

function partialFlaws(draft: Wording, { partial }: LintContext): Flaw[] {
  const asked = partialsIn(draft)
  if (partial) return asked.map((name) => flaw('PARTIAL_NESTED', name, 'write it out'))
  const names = Object.keys(PARTIALS)
  return asked
    .filter((name) => !names.includes(name))
    .map((name) => flaw('PARTIAL_UNKNOWN', name, `there are: ${names.join(', ')}`))
}

function lengthFlaws({ subject, text }: Wording, { channels = ['email'], partial }: LintContext): Flaw[] {
  const flaws: Flaw[] = []
  const shown = withoutLiquid(subject).trim()
  if (!partial && channels.some((channel) => CAPABILITIES[channel].subject)) {
    if (shown === '') flaws.push(flaw('SUBJECT_MISSING', 'subject', 'write one'))
    if (shown.length > SUBJECT_MOST)
      flaws.push(flaw('TEXT_LONG', `subject: ${shown.length}`, `at most ${SUBJECT_MOST}`))
    else if (shown.length > SUBJECT_SHOWN)
      flaws.push(flaw('SUBJECT_LONG', `${shown.length} characters`, `${SUBJECT_SHOWN} are shown`))
  }
  const { length } = [...withoutLiquid(text)]
  for (const channel of channels) {
    const { longest } = CAPABILITIES[channel]
    if (longest !== null && length > longest)
      flaws.push(flaw('TEXT_LONG', `${channel}: ${length} characters`, `${channel} takes ${longest}`))
  }
  const segments = channels.includes('sms') ? smsSegments(withoutLiquid(text)) : 1
  if (segments > 1) flaws.push(flaw('SMS_SEGMENTS', String(segments), 'shorten it, or accept the cost'))
  return flaws
}

/**
 * How many segments a short message takes as the Chinese carriers count: 70 characters in one, 67 in each of several. Variables
 * count as what stands in `text` for them.
 */
export function smsSegments(text: string): number {
  const { length } = text
  return length <= 70 ? 1 : Math.ceil(length / 67)
}

function variableFlaws(words: Wording, { variables }: LintContext): Flaw[] {
  if (variables === undefined) return []
  const known = [...variables, ...GIVEN]
  const isKnown = (name: string): boolean => known.includes(name) || known.some((one) => one.startsWith(`${name}.`))
  return [...variablesOf(words)]
    .filter((name) => !isKnown(name))
    .map((name) => flaw('VARIABLE_UNKNOWN', name, `the plan's own words name: ${known.join(', ')}`))
}

const HREF = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi
const ADDRESS = /\bhttps?:\/\/[^\s<>"')\]，。；！）]*/gi
const RESERVED = /(^|\.)(example|test|invalid|localhost)$|(^|\.)example\.(com|net|org)$/

function linkFlaws({ text, html = '' }: Wording): Flaw[] {
  const flaws: Flaw[] = []
  for (const [, one, two, three] of html.matchAll(HREF)) {
    const link = (one ?? two ?? three ?? '').trim()
    if (/^\{\{.*\}\}$/s.test(link)) {
      if (!/\|\s*safe_url\s*-?\}\}$/.test(link)) flaws.push(flaw('LINK_UNSAFE', link, 'end it with | safe_url'))
    } else if (!/^(mailto:|tel:).+/i.test(link)) flaws.push(...addressFlaws(link))
  }
  for (const [link] of text.matchAll(ADDRESS)) flaws.push(...addressFlaws(link))
  return flaws.filter((one, i) => flaws.findIndex((two) => two.code === one.code && two.detail === one.detail) === i)
}

function addressFlaws(link: string): Flaw[] {
  const filled = link.replace(/\{\{.*?\}\}|\{%.*?%\}/gs, 'x')
  const todo = 'write a whole address: https://shop.com/page'
  if (!/^https?:\/\//i.test(filled) || !URL.canParse(filled)) return [flaw('LINK_DEAD', link || '(empty)', todo)]
  const { hostname } = new URL(filled)
  if (RESERVED.test(hostname)) return [flaw('LINK_RESERVED', link, 'name the shop’s own')]
  return hostname.includes('.') || hostname.startsWith('[') ? [] : [flaw('LINK_DEAD', link, todo)]
}

function wordingFlaws(words: Wording, { evidence = [], approved = [], terms, class: of }: LintContext): Flaw[] {
  // Advertising law is about advertising; a receipt may say what it must.
  if (of === 'transactional') return []
  const plain = {
    subject: withoutLiquid(words.subject),
    text: withoutLiquid(words.text),
    ...(words.html !== undefined && { html: withoutLiquid(words.html) }),
  }
  const code = { block: 'WORDING_BLOCKED', review: 'WORDING_REVIEW', evidence: 'WORDING_EVIDENCE' } as const
  return checkWording(textOfWords(plain), { evidence, approved, ...(terms && { terms }) }).map((found) =>
    flaw(code[found.severity], found.term, `${found.suggestion} (${found.basis})`),
  )
}

const MARK = 'https://unsubscribe.invalid/'

/** A comment, a style or a hidden block that is not closed swallows what comes after it. */
function footerFlaws({ html }: Wording): Flaw[] {
  if (html === undefined) return []
  const rendered = renderWords(
    { subject: 'x', text: 'x', html: withoutLiquid(html) },
    {},
    { text: 'UNSUBSCRIBE', url: MARK },
  )
  const visible = rendered.ok && textSeenIn(hiddenCut(rendered.words.html)).includes('UNSUBSCRIBE')
  return visible ? [] : [flaw('UNSUBSCRIBE_HIDDEN', 'html', 'close every comment, style and hidden block')]
}

const hiddenCut = (html: string): string =>
  html
    .replace(/<!--.*?-->/gs, '')
    .replace(/<!--.*$|<(style|script|title|textarea|template|select)\b(?!.*<\/\1).*$/is, '')
