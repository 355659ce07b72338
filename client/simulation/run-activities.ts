/** The activities of one run in a population: those of a preview, and what follows from them for the customer and for others. */
import { TAGS } from '../../domain/audience-review.ts'
import type { Host } from '../catalogue.ts'
import { RunActivities } from '../preview/activities.ts'
import { refundsAmong } from '../preview/routing.ts'
import { noteLink } from './double-opt-in.ts'
import type { PopulationRun } from './run.ts'
import type { PopulationShop } from './shop.ts'

type Calls = Host['activities']
type Call<K extends keyof Calls> = Parameters<Calls[K]>[0]

export class PopulationActivities extends RunActivities {
  private readonly of: PopulationRun
  private readonly shop: PopulationShop

  constructor(of: PopulationRun, shop: PopulationShop) {
    super(of)
    this.of = of
    this.shop = shop
  }

  override async sendMessage(request: Call<'sendMessage'>) {
    const result = await super.sendMessage(request)
    if (result.is !== 'held') this.of.ticket = null
    if (result.is === 'sent') noteLink(this.of, request.message)
    return result
  }

  override awardPoints(request: Call<'awardPoints'>) {
    const { of } = this
    const { begun, person, status } = of
    const award = this.shop.reviewing(person, 'growth', () => super.awardPoints(request))
    // A part of the order may have been refunded before anything was earned by it.
    if (begun) of.points.takeBackParts(refundsAmong(person.events, begun), { now: of.now(), status })
    return award
  }

  override settlePoints() {
    return this.shop.reviewing(this.of.person, 'growth', () => super.settlePoints())
  }

  override takeBackPoints() {
    return this.shop.reviewing(this.of.person, 'refund', () => super.takeBackPoints())
  }

  override async giveTag(asked: Call<'giveTag'>) {
    const answer = await super.giveTag(asked)
    if (answer.is === 'done') this.shop.audiences.review(this.of.person, [TAGS])
    return answer
  }

  override async takeTagOff(asked: Call<'takeTagOff'>) {
    const answer = await super.takeTagOff(asked)
    if (answer.untagged) this.shop.audiences.review(this.of.person, [TAGS])
    return answer
  }

  override async referralCode(asked: Call<'referralCode'>) {
    const result = await super.referralCode(asked)
    if (result.is === 'given') this.shop.referrals.giveCode(this.of.person.id, asked.programme, this.of.now())
    return result
  }

  override async approveReferral() {
    const result = await super.approveReferral()
    if (result.is === 'approved') this.shop.referrals.approve(this.of.occasion)
    return result
  }
}
