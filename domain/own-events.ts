/**
 * Events that Perennial tells itself, in the transaction that made them true; journeys begin with them and wait for them as for
 * the shop's. Their ids have slashes, which a shop's cannot, so the two never meet.
 */
export const OWN_EVENTS: readonly string[] = [
  'consent.asked',
  'consent.confirmed',
  'silence.broken',
  'referral.accepted',
  'referral.qualified',
  'referral.voided',
  'stage.changed',
  'tier.upgraded',
  'tier.kept',
  'tier.downgraded',
  'audience.entered',
  'audience.left',
]
