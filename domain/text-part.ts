/** The text part of a mail out of its HTML, for those whose program shows no HTML. It stands on html-to-text. */
import { convert } from 'html-to-text'

/** Liquid stands as it is, so that the text part is filled in as the HTML is. Done once, when words are saved, never at a send. */
export function textOfHtml(html: string): string {
  return convert(html, {
    wordwrap: false,
    selectors: [
      { selector: 'a', options: { linkBrackets: false, hideLinkHrefIfSameAsText: true, ignoreHref: false } },
      { selector: 'img', format: 'skip' },
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    ],
  }).trim()
}
