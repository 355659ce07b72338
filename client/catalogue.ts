/**
 * The one door from the client to the workflows: it lists `workflows/*.ts`, and nothing is registered anywhere. A file's name is
 * the journey's name, the workflow type and the word for it everywhere.
 */
import { readdir } from 'node:fs/promises'
import { checkBudgetsAgree } from '../domain/budget.ts'
import { checkCampaign } from '../domain/contracts/campaign.ts'
import { type CheckedPlan, checkPlan } from '../domain/contracts/plan.ts'
import { PerennialError } from '../domain/errors.ts'
import { withReadyWords } from '../domain/ready-words.ts'
import type { Campaign } from '../workflows/kit/campaign-plan.ts'
import { memberJourney } from '../workflows/kit/member.ts'
import type { Journey } from '../workflows/kit/plan.ts'

export { type Host, type RunInput, type Where, playStory } from '../workflows/kit/steps.ts'
export type { CampaignInput } from '../workflows/kit/campaign.ts'
export type { WorkflowInput } from '../workflows/kit/run.ts'
export type { TestMailAnswer, TestMailInput } from '../workflows/kit/test-mail.ts'
export type { SweepInput } from '../workflows/kit/sweep.ts'
export type { Campaign, Journey }
export { memberJourney }

export interface CatalogueEntry {
  plan: CheckedPlan
  /** Of a campaign: as one member lives through it. */
  journey: Journey
  campaign?: Campaign
  /** The file, as a URL. */
  file: URL
}

export type Catalogue = ReadonlyMap<string, CatalogueEntry>

/** The workflow's own names; strings, as importing run.ts would bring the workflow runtime along. */
export const WAKE_SIGNAL = 'wake'
export const WHERE_QUERY = 'where'
export const SWEEP_WORKFLOW = 'sweep'
export const UPKEEP_WORKFLOW = 'upkeep'
export const CAMPAIGN_WORKFLOW = 'campaign'
export const TEST_MAIL_WORKFLOW = 'test-mail'

export const WORKFLOWS_FOLDER = new URL('../workflows/', import.meta.url)

/** Reads and checks every journey of a folder. Throws JOURNEY_INVALID, TEMPLATE_SYNTAX, MJML_INVALID. */
export async function readCatalogue(folder: URL = WORKFLOWS_FOLDER): Promise<Catalogue> {
  const files = (await readdir(folder)).filter((file) => /^[^.]+\.(ts|js)$/.test(file)).sort()
  const entries = await Promise.all(files.map((name) => readJourney(new URL(name, folder))))
  checkBudgetsAgree(entries.map(({ plan }) => plan))
  return new Map(entries.map((entry) => [entry.plan.name, entry]))
}

async function readJourney(file: URL): Promise<CatalogueEntry> {
  const name = file.pathname.replace(/^.*\//, '').replace(/\.(ts|js)$/, '')
  const loaded = (await import(file.href)) as { default?: Partial<Journey> & Partial<Campaign> }
  const journey = loaded.default
  if (typeof journey?.waves === 'function' && journey.plan) return readCampaign(name, journey as Campaign, file)
  if (typeof journey?.story !== 'function' || !journey.plan) {
    throw new PerennialError(
      'JOURNEY_INVALID',
      `workflows/${name}.ts has no journey(…) or campaign(…) as its default export`,
      {
        field: 'default',
      },
    )
  }
  return { plan: await withReadyWords(checkPlan(name, journey.plan)), journey: journey as Journey, file }
}

async function readCampaign(name: string, campaign: Campaign, file: URL): Promise<CatalogueEntry> {
  const plan: CheckedPlan = checkCampaign(name, campaign.plan)
  return { plan: await withReadyWords(plan), journey: memberJourney(campaign), campaign, file }
}

/** The plans by name, as activities and the inbox want them. */
export function plansOf(catalogue: Catalogue): Map<string, CheckedPlan> {
  return new Map([...catalogue].map(([name, { plan }]) => [name, plan]))
}

/** Throws JOURNEY_UNKNOWN with the names there are. */
export function entryOf(catalogue: Catalogue, name: string): CatalogueEntry {
  const entry = catalogue.get(name)
  if (entry) return entry
  throw new PerennialError('JOURNEY_UNKNOWN', `no journey '${name}'; there are: ${[...catalogue.keys()].join(', ')}`, {
    field: 'journey',
    expected: [...catalogue.keys()].join(', '),
  })
}
