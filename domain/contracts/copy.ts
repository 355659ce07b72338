/** The words of a message as a plan has them: as letters by language, or field by field where a message has HTML of its own. */
import { z } from 'zod'
import { isLocale } from '../locale.ts'
import { type CopyDraft, partsOfLetter } from '../template.ts'

const draft = z.strictObject({
  subject: z.string().min(1),
  text: z.string().min(1).optional(),
  html: z.string().min(1).optional(),
  mjml: z.string().min(1).optional(),
})
type DraftRead = z.output<typeof draft>
const hasBody = ({ text, html, mjml }: DraftRead): boolean => (text ?? html ?? mjml) !== undefined
const oneMarkup = ({ html, mjml }: DraftRead): boolean => html === undefined || mjml === undefined
const BODY = {
  message: "expected text, html or mjml: 'text' makes the HTML part, 'html' and 'mjml' make the text part",
  path: ['text'],
}
const localeTag = z.string().refine(isLocale, "expected a BCP 47 tag: 'zh-CN'")
const fields = draft
  .extend({
    locale: localeTag.optional(),
    locales: z.record(localeTag, draft.refine(hasBody, BODY).refine(oneMarkup, 'html or mjml, not both')).optional(),
  })
  .refine(hasBody, BODY)
  .refine(oneMarkup, 'expected html or mjml, not both')

const parts = z.string("expected a letter: 'Subject\\n\\nText'").transform((letter, context) => {
  const read = partsOfLetter(letter)
  if (read) return read
  context.addIssue("expected the subject in the first line, then an empty line, then the text: 'Subject\\n\\nText'")
  return z.NEVER
})
const letters = z
  .record(localeTag, parts, {
    error: ({ code }) => (code === 'invalid_key' ? "expected letters by language: { 'zh-CN': … }" : undefined),
  })
  .transform((all, context): CopyDraft => {
    const [own, ...others] = Object.entries(all)
    if (own) return { ...own[1], locale: own[0], ...(others.length > 0 && { locales: Object.fromEntries(others) }) }
    context.addIssue("expected at least one letter: { en: 'Subject\\n\\nText' }")
    return z.NEVER
  })

const isFields = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || Object.keys(fields.shape).some((field) => Object.hasOwn(value, field))

/** Reads either, as the fields they come to. An issue names the language or the field. */
export const copyContract = z.unknown().transform((value, context): CopyDraft => {
  const read = isFields(value) ? fields.safeParse(value) : letters.safeParse(value)
  if (read.success) return read.data as CopyDraft
  for (const issue of read.error.issues) context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue)
  return z.NEVER
})
