/** Operators' words: what there is, what is in force, and new versions that pass the lint before they are. */
import { randomUUID } from 'node:crypto'
import { deliveryOf } from '../domain/delivery.ts'
import { type ErrorCode, ERRORS, PerennialError } from '../domain/errors.ts'
import { PLAN_LOCALE, isLocale } from '../domain/locale.ts'
import { PARTIALS, PARTIALS_JOURNEY, withPartials } from '../domain/partials.ts'
import { compiledWording, flawsOfPlan, readyWording } from '../domain/ready-words.ts'
import type { Clock } from '../domain/tempo.ts'
import { type Copy, type Draft, type Wording, variablesOf } from '../domain/template.ts'
import { type WordVersion, localesOf, partialsFor, plansWords } from '../domain/word-versions.ts'
import { type Flaw, type LintContext, lintWords } from '../domain/words-lint.ts'
import type { Db } from '../store/db.ts'
import { type WordLine, newestWords, publishWords, wordHistory } from '../store/words.ts'
import { termsInForce } from '../store/wording-terms.ts'
import { type Catalogue, TEST_MAIL_WORKFLOW, type TestMailAnswer, type TestMailInput, entryOf } from './catalogue.ts'
import type { Temporal } from './temporal.ts'

export interface WordsParts {
  db: Db
  catalogue: Catalogue
  clock: Clock
  temporal?: () => Promise<Temporal>
}

/** One wording as it stands: the plan's (version null) or an operator's. */
export interface WordsShown {
  journey: string
  message: string
  locale: string
  version: number | null
  words: Wording
  flaws: Flaw[]
}

interface Subject {
  journey: string
  message: string
}

/** The plan's words of a message, or of a partial, and how they are judged. Throws JOURNEY_UNKNOWN, WORDS_UNKNOWN. */
function subjectOf(catalogue: Catalogue, { journey, message }: Subject): { copy: Copy; about: LintContext } {
  if (journey === PARTIALS_JOURNEY) {
    const copy = Object.hasOwn(PARTIALS, message) ? PARTIALS[message] : undefined
    if (!copy) throw unknown(`no partial '${message}'`, Object.keys(PARTIALS))
    return { copy, about: { class: 'marketing', partial: true } }
  }
  const { plan } = entryOf(catalogue, journey)
  const copy = plan.copy[message]
  if (!copy) throw unknown(`'${journey}' has no message '${message}'`, Object.keys(plan.copy))
  const { evidence, channels } = deliveryOf(plan.delivery, message)
  return { copy, about: { class: plan.class, evidence, channels } }
}

const unknown = (what: string, there: readonly string[]): PerennialError =>
  new PerennialError('WORDS_UNKNOWN', `${what}; there are: ${there.join(', ') || 'none'}`, {
    field: 'message',
    expected: there.join(', '),
  })

/** Every wording of a journey (or of the partials), or of one message of it, as it is in force, with what is wrong with it. */
export async function showWords(
  { db, catalogue }: WordsParts,
  { journey, message, locale }: { journey: string; message?: string | undefined; locale?: string | undefined },
): Promise<WordsShown[]> {
  const all = journey === PARTIALS_JOURNEY ? PARTIALS : entryOf(catalogue, journey).plan.copy
  const messages = message === undefined ? Object.keys(all) : [message]
  const [versions, terms] = await Promise.all([newestWords(db, { journey }), termsInForce(db)])
  return messages.flatMap((name) => {
    const { copy, about } = subjectOf(catalogue, { journey, message: name })
    const of = { journey, message: name }
    return localesOf(copy, versions, of)
      .filter((one) => locale === undefined || one === locale)
      .map((one) => {
        const newer = versions.find((two) => two.journey === journey && two.message === name && two.locale === one)
        const words = newer?.words ?? plansWords(copy, one) ?? copy
        const version = newer?.words ? newer.version : null
        const { evidence = [], ...rest } = about
        const proofs = [...evidence, ...Object.keys(newer?.leave.evidence ?? {})]
        const approved = newer?.leave.approved ?? []
        const whole = withPartials(words, partialsFor(one, versions))
        const flaws = lintWords(words, whole, {
          ...rest,
          evidence: proofs,
          approved,
          terms,
          ...(version !== null &&
            !about.partial && { variables: variablesOf(withPartials(copy, partialsFor(one, []))) }),
        })
        return { journey, message: name, locale: one, version, words: bare(words), flaws }
      })
  })
}

const bare = ({ subject, text, html, mjml }: Wording): Wording => ({
  subject,
  text,
  ...(html !== undefined && { html }),
  ...(mjml !== undefined && { mjml }),
})

export interface SetWords extends Subject {
  /** The plan's own language unless told. */
  locale?: string | undefined
  /** What is left out stays as it is in force. */
  change: Partial<Draft>
  by: string
  note?: string | undefined
  /** Terms for review that whoever publishes says yes to, and proofs by term. */
  approved?: readonly string[]
  evidence?: Record<string, string>
}

export interface PublishedVersion {
  journey: string
  message: string
  locale: string
  version: number
  /** What is worth knowing, and no reason to refuse. */
  notes: Flaw[]
}

/**
 * Publishes new words; runs that are on read them at their next send. Throws WORDS_REFUSED with the first flaw that is an error or
 * that nobody has answered for, MJML_INVALID, TEMPLATE_SYNTAX, WORDS_UNKNOWN.
 */
export async function setWords(parts: WordsParts, asked: SetWords): Promise<PublishedVersion> {
  const { journey, message, change, by, note, approved = [], evidence = {} } = asked
  const { copy, about } = subjectOf(parts.catalogue, asked)
  const locale = localeRead(asked.locale ?? copy.locale ?? PLAN_LOCALE)
  const versions = await newestWords(parts.db, { journey })
  const now = versions.find((one) => one.journey === journey && one.message === message && one.locale === locale)
  const before = now?.words ?? plansWords(copy, locale)
  const where = `${journey}.${message}.${locale}`
  const words = await compiledWording(readyWording(draftOf(before, change, where, about), where), where)
  const leave = { approved: [...approved], evidence }
  const flaws = lintWords(words, withPartials(words, partialsFor(locale, versions)), {
    ...about,
    evidence: [...(about.evidence ?? []), ...Object.keys(evidence)],
    approved: [...approved],
    terms: await termsInForce(parts.db),
    ...(about.partial ? {} : { variables: variablesOf(withPartials(copy, partialsFor(locale, []))) }),
  })
  const worst =
    flaws.find(({ severity }) => severity === 'error') ?? flaws.find(({ severity }) => severity === 'review')
  if (worst) {
    throw new PerennialError('WORDS_REFUSED', `${where}: ${worst.code}, ${worst.detail}; ${worst.todo}`, {
      field: worst.code,
      expected: worst.todo,
    })
  }
  const said = { journey, message, locale, by, note }
  const version = await publishWords(parts.db, { ...said, words, leave, now: parts.clock.now() })
  return { journey, message, locale, version, notes: flaws }
}

/** A new markup replaces the other kind, and a text part that was made from it. */
function draftOf(before: Wording | undefined, change: Partial<Draft>, where: string, { partial }: LintContext): Draft {
  const marked = change.html !== undefined || change.mjml !== undefined
  const subject = change.subject ?? before?.subject ?? (partial ? '' : undefined)
  if (subject === undefined)
    throw new PerennialError('WORDS_REFUSED', `${where}: the first words in a language need a subject`, {
      field: 'subject',
    })
  const kept = marked ? {} : { html: before?.mjml === undefined ? before?.html : undefined, mjml: before?.mjml }
  const text = change.text ?? (marked ? undefined : before?.text)
  const draft = { subject, text, ...kept, html: change.html ?? kept.html, mjml: change.mjml ?? kept.mjml }
  if ((draft.text ?? draft.html ?? draft.mjml) === undefined)
    throw new PerennialError('WORDS_REFUSED', `${where}: there is no text, html or mjml`, { field: 'text' })
  return Object.fromEntries(Object.entries(draft).filter(([, part]) => part !== undefined)) as unknown as Draft
}

function localeRead(locale: string): string {
  if (isLocale(locale)) return locale
  throw new PerennialError('COMMAND_INVALID', `'${locale}' is not a language`, { field: 'locale', expected: "'zh-CN'" })
}

/** Every version that was ever published, newest first. Throws WORDS_UNKNOWN, JOURNEY_UNKNOWN. */
export function historyOfWords(
  { db, catalogue }: WordsParts,
  asked: Subject & { locale?: string | undefined },
): Promise<WordLine[]> {
  subjectOf(catalogue, asked)
  return wordHistory(db, asked)
}

/**
 * Publishes an older version anew, or with `to` 0 the plan's own words, as the next version: nothing is taken out of the history.
 * It passed the lint when it was published, and passes today's again. Throws as `setWords` does.
 */
export async function revertWords(
  parts: WordsParts,
  asked: Subject & { locale?: string | undefined; to: number; by: string },
): Promise<PublishedVersion> {
  const { journey, message, to, by } = asked
  const { copy } = subjectOf(parts.catalogue, asked)
  const locale = asked.locale ?? copy.locale ?? PLAN_LOCALE
  const note = to === 0 ? 'back to the words of the plan' : `back to version ${to}`
  if (to === 0) {
    const version = await publishWords(parts.db, {
      journey,
      message,
      locale,
      words: null,
      by,
      note,
      now: parts.clock.now(),
    })
    return { journey, message, locale, version, notes: [] }
  }
  const past = (await wordHistory(parts.db, { journey, message, locale })).find((one) => one.version === to)
  if (!past?.words) throw unknown(`'${journey}' ${message} has no version ${to} in ${locale}`, [])
  const { subject, text, html, mjml } = past.words
  const change = { subject, text, ...(mjml === undefined ? html !== undefined && { html } : { mjml }) }
  const { approved, evidence } = past.leave
  return setWords(parts, {
    journey,
    message,
    locale,
    change,
    by,
    note,
    ...(approved && { approved }),
    ...(evidence && { evidence }),
  })
}

export interface WordsCheck {
  ok: boolean
  flaws: (Flaw & { journey: string; message: string; locale: string })[]
}

/** Every flaw of every wording in force; not ok where one is an error. What is for review is held at the send until somebody agrees. */
export async function checkWords({ db, catalogue }: WordsParts, journey?: string): Promise<WordsCheck> {
  const names = journey === undefined ? [...catalogue.keys(), PARTIALS_JOURNEY] : [journey]
  const shown = await Promise.all(names.map((name) => showWords({ db, catalogue } as WordsParts, { journey: name })))
  const flaws = shown
    .flat()
    .flatMap((one) =>
      one.flaws.map((flaw) => ({ journey: one.journey, message: one.message, locale: one.locale, ...flaw })),
    )
  return { ok: flaws.every(({ severity }) => severity !== 'error'), flaws }
}

/** The same without a store: the plans' own words alone. */
export function checkPlansWords(catalogue: Catalogue, journey?: string): WordsCheck {
  const entries = journey === undefined ? [...catalogue.values()] : [entryOf(catalogue, journey)]
  const flaws = entries.flatMap(({ plan }) => flawsOfPlan(plan).map((flaw) => ({ journey: plan.name, ...flaw })))
  return { ok: flaws.every(({ severity }) => severity !== 'error'), flaws }
}

/** Sends words to a colleague by a worker. Throws TEST_ADDRESS_REFUSED, WORDS_REFUSED, CUSTOMER_UNKNOWN, TEMPORAL_UNAVAILABLE. */
export async function sendTest(
  { catalogue, clock, temporal }: WordsParts,
  asked: Omit<TestMailInput, 'id' | 'asked'>,
  taskQueue: string,
): Promise<TestMailAnswer> {
  subjectOf(catalogue, asked)
  if (!temporal)
    throw new PerennialError('TEMPORAL_UNAVAILABLE', 'a test is sent by a worker, and Temporal is not there')
  const { client } = await temporal()
  const id = randomUUID()
  try {
    const input: TestMailInput = { ...asked, id, asked: clock.now() }
    return await client.workflow.execute<(input: TestMailInput) => Promise<TestMailAnswer>>(TEST_MAIL_WORKFLOW, {
      workflowId: `${TEST_MAIL_WORKFLOW}/${id}`,
      taskQueue,
      args: [input],
      workflowExecutionTimeout: '2 minutes',
    })
  } catch (error) {
    throw refusalIn(error) ?? error
  }
}

/** The error of the catalogue at the bottom of a failed workflow. */
function refusalIn(error: unknown): PerennialError | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const type = 'type' in one ? String(one.type) : ''
    if (Object.hasOwn(ERRORS, type)) return new PerennialError(type as ErrorCode, one.message, { cause: error })
  }
  return undefined
}

export type { WordLine, WordVersion }
