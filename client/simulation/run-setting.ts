/** What the desks of one run are told; read where it stands, as a population has a hundred thousand runs. */
import type { ChannelName } from '../../domain/channel.ts'
import type { Setting } from '../preview/setting.ts'
import type { PopulationRun } from './run.ts'
import type { PopulationShop } from './shop.ts'

export class RunSetting implements Setting {
  readonly zone: string
  readonly outside = []
  readonly perishables = []
  readonly couponsLeft = undefined
  readonly couponsHeld = 0
  readonly budgetLeft = undefined
  private readonly of: PopulationRun
  private readonly shop: PopulationShop

  constructor(of: PopulationRun, shop: PopulationShop) {
    this.of = of
    this.shop = shop
    this.zone = of.person.zone
  }

  get plan() {
    return this.of.entry.plan
  }

  get run() {
    return this.of.id
  }

  get arm() {
    return this.of.arm
  }

  get start() {
    return this.of.enteredAt
  }

  get startsAt() {
    return this.of.startsAt
  }

  get customer() {
    return this.of.person.customer
  }

  get begin() {
    return this.of.begun ?? {}
  }

  get published() {
    return this.shop.rules.published
  }

  get letters() {
    return this.shop.letters
  }

  get isUnheard() {
    return !this.of.person.isTold
  }

  get programme() {
    return this.shop.rules.programme
  }

  get quiet() {
    return this.shop.rules.quiet
  }

  get caps() {
    return this.shop.rules.caps
  }

  get auctionMs() {
    return this.shop.rules.auctionMs
  }

  get approved() {
    return this.shop.rules.approved
  }

  get load() {
    return this.of.person.load
  }

  get highest() {
    return this.shop.highest
  }

  /** Where in the morning, is known when that opens. */
  release(asked: { channel: ChannelName; opensAt: number; key: string }): number {
    this.of.ticket = this.shop.morning.ask(asked)
    return asked.opensAt
  }

  /** The risk rules allow whoever they are asked of. */
  get referral() {
    const { person, entry, occasion } = this.of
    return { risk: [], friends: this.shop.referrals.friendsOf(person.id, entry.plan.name, occasion) }
  }
}
