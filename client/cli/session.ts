/** What every word of the command line stands on: where to print, and how to reach Perennial. */
import { userInfo } from 'node:os'
import { PerennialError } from '../../domain/errors.ts'
import { type Catalogue, type CatalogueEntry, readCatalogue } from '../catalogue.ts'
import type { Perennial } from '../operator.ts'
import { nearest, problemText } from './problems.ts'
import { readSettings } from './settings.ts'

/** Who gives the order, unless they say another name. */
export const me = (): string => userInfo().username

export interface SessionParts {
  env: Record<string, string | undefined>
  json: boolean
  out: (text: string) => void
  err: (text: string) => void
}

export class Session {
  /** Set by a word that was carried out and has bad news, e.g. a check that does not hold. */
  exitCode = 0
  readonly json: boolean
  private readonly parts: SessionParts
  private read: Promise<Catalogue> | undefined

  constructor(parts: SessionParts) {
    this.parts = parts
    this.json = parts.json
  }

  /** Prints an answer on stdout: as JSON for programs, else in words. */
  answer(value: unknown, words: () => string): void {
    this.parts.out(`${this.json ? JSON.stringify(value, null, 2) : words()}\n`)
  }

  /** Tells a problem on stderr. */
  tell(error: PerennialError): void {
    this.parts.err(`${problemText(error, this.json)}\n`)
  }

  /** A remark on stderr, for people only. */
  say(remark: string): void {
    if (!this.json) this.parts.err(`${remark}\n\n`)
  }

  catalogue(): Promise<Catalogue> {
    return (this.read ??= readCatalogue())
  }

  /** The journey of a name. Throws JOURNEY_UNKNOWN with the name that was probably meant. */
  async journey(name: string): Promise<CatalogueEntry> {
    const catalogue = await this.catalogue()
    const entry = catalogue.get(name)
    if (entry) return entry
    const names = [...catalogue.keys()]
    const meant = nearest(name, names)
    const hint = meant === undefined ? `there are: ${names.join(', ')}` : `did you mean ${meant}?`
    throw new PerennialError('JOURNEY_UNKNOWN', `no journey '${name}'; ${hint}`, {
      field: 'journey',
      expected: names.join(', '),
    })
  }

  /** Opens Perennial for one piece of work and closes it. `zone` is the shop's, in which times are shown. */
  async perennial<T>(work: (perennial: Perennial, zone: string) => Promise<T>): Promise<T> {
    const settings = await readSettings(this.parts.env)
    // With all of Temporal's client, which words that need no server do without.
    const { openPerennial } = await import('../operator.ts')
    const perennial = await openPerennial(settings, await this.catalogue())
    try {
      return await work(perennial, settings.SHOP_ZONE)
    } finally {
      await perennial.close()
    }
  }
}
