/** The consent an event tells of, as it is kept: where it came from as hashes alone. */
import { createHmac } from 'node:crypto'
import type { EventRead } from '../domain/contracts/event.ts'
import type { ConsentGiven, Proof } from '../domain/consent.ts'
import type { CustomerChange } from '../store/customers.ts'

type Told = Omit<Extract<EventRead['customer'], { consent?: unknown }>, 'device' | 'payment' | 'address'>

/** The customer of an event as the store takes it. */
export function customerOf({ consent, reach, ...customer }: Told, secret: string): CustomerChange {
  const kept = Object.entries(consent ?? {}).map(([topic, said]) => [topic, consentOf(said, secret)] as const)
  return {
    ...customer,
    ...(reach && { reach: Object.fromEntries(Object.entries(reach).filter(([, place]) => place !== undefined)) }),
    ...(consent && { consent: Object.fromEntries(kept) }),
  }
}

type Said = NonNullable<Told['consent']>[string]

function consentOf(said: Said, secret: string): boolean | ConsentGiven {
  if (typeof said === 'boolean') return said
  const { granted, channels, purpose, text, ip, agent } = said
  return { granted, channels, purpose, proof: proofOf({ text, ip, agent }, secret) }
}

/** The proof of consent, without the address it came from and the program that was used: hashes tell whether a claim fits. */
export function proofOf(
  { text, ip, agent }: { text?: string | undefined; ip?: string | undefined; agent?: string | undefined },
  secret: string,
): Proof {
  return {
    ...(text !== undefined && { text }),
    ...(ip !== undefined && { ipHash: hashed('ip', ip, secret) }),
    ...(agent !== undefined && { agentHash: hashed('agent', agent, secret) }),
  }
}

const hashed = (kind: string, value: string, secret: string): string =>
  createHmac('sha256', secret).update(`${kind}\u0000${value}`).digest('base64url')
