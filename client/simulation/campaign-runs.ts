/**
 * Campaigns over a population: workflows/kit/campaign.ts in memory. One story of waves for each zone, which all threads tell alike: a wave
 * is over when nobody of it is held any more, in whichever thread, and only then does the story go on.
 */
import type { CampaignTerms, WaveCounts, WaveTerms } from '../../domain/campaign.ts'
import { PerennialError } from '../../domain/errors.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { Beginning } from './campaigns.ts'
import type { CampaignRates } from './campaign-rates.ts'
import type { Person } from './person.ts'
import type { PopulationRun } from './run.ts'
import type { PopulationShop } from './shop.ts'
import { Wave } from './waves.ts'

const IDLE = (): void => {}

export class CampaignTelling {
  readonly shop: PopulationShop
  readonly rates: CampaignRates
  readonly entry: CatalogueEntry
  readonly zone: string
  readonly occasion: string
  /** The day of the occasion. */
  readonly date: string
  private readonly campaign: NonNullable<CatalogueEntry['campaign']>
  /** Those of this thread whom it entered. */
  private readonly members: PopulationRun[] = []
  private rests: () => void = IDLE

  constructor(shop: PopulationShop, rates: CampaignRates, { entry, zone, occasion, date }: Beginning) {
    const { campaign } = entry
    if (!campaign) throw new PerennialError('INTERNAL', `'${entry.plan.name}' is no campaign`)
    this.shop = shop
    this.rates = rates
    this.entry = entry
    this.campaign = campaign
    this.zone = zone
    this.occasion = occasion
    this.date = date
  }

  /** The name of the run in a zone. */
  get id(): string {
    return `${this.entry.plan.name}/${this.occasion}/${this.zone}`
  }

  get terms(): Pick<CampaignTerms, 'audience' | 'hours' | 'rate'> {
    const { campaign } = this.entry.plan
    return campaign ?? { audience: { all: [] }, hours: undefined, rate: undefined }
  }

  /** Tells until it waits for a wave; resolves then. */
  begin(): Promise<void> {
    return this.untilItRests(() => void this.tell())
  }

  private untilItRests(go: () => void): Promise<void> {
    const rested = new Promise<void>((resolve) => (this.rests = resolve))
    go()
    return rested
  }

  private async tell(): Promise<void> {
    try {
      await this.campaign.waves({ wave: (name, words) => this.wave(name, words) })
      this.close('completed', 'the story was told')
    } catch (error) {
      for (const run of this.members) if (run.open) this.shop.tally.failed(run, error)
      this.close('failed', error instanceof Error ? error.message : String(error))
    }
    this.rests()
  }

  private wave(name: string, terms: WaveTerms): Promise<WaveCounts> {
    return new Promise((went) => {
      new Wave(this, { name, terms }, (counts) => this.untilItRests(() => went(counts))).open()
      this.rests()
    })
  }

  private close(status: 'completed' | 'failed', reason: string): void {
    for (const run of this.members) run.finish(status, reason)
  }

  /** Those of the zone whom this thread knows by now, in the order of ids. */
  people(): Person[] {
    const some: Person[] = []
    for (const person of this.shop.people.values()) if (person.zone === this.zone) some.push(person)
    return some.sort((one, other) => one.place - other.place)
  }

  /** The run of a member, whichever zone entered them. */
  runOf(person: Person): PopulationRun | undefined {
    const { plan } = this.entry
    return person.runs.get(plan.name)?.find(({ occasion }) => occasion === this.occasion)
  }

  enter(person: Person): PopulationRun | undefined {
    const { occasion, shop } = this
    const run = shop.admit(person, this.entry, { occasion, startsAt: shop.clock.now, begun: undefined })
    if (run) this.members.push(run)
    return run
  }
}
