/**
 * Keeps requests to addresses that others wrote out of our own network (SSRF). The address that is checked is the address that is
 * connected to, so that a name cannot point elsewhere in between.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { type LookupFunction, isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** All addresses of a name; rejects where it has none. */
export type Resolve = (host: string) => Promise<LookupAddress[]>

export const systemResolve: Resolve = (host) =>
  new Promise((resolve, reject) =>
    systemLookup(host, { all: true, verbatim: true }, (error, addresses) =>
      error ? reject(error) : resolve(addresses),
    ),
  )

/** True for an address of the public internet: no private, loopback, link-local, carrier, test or translated one. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  // `process` reads an IPv4 address out of ::ffff:a.b.c.d, which would connect to it.
  return ipaddr.process(address).range() === 'unicast'
}

/**
 * Why an address may not be asked by what it says itself; undefined where it may. `allowed`: host:port that may be asked whatever
 * they resolve to, by the operator's word.
 */
export function refusedUrl(text: string, allowed: ReadonlySet<string>): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url) return 'not an address'
  if (isAllowed(url, allowed)) return undefined
  if (url.protocol !== 'https:') return 'not https'
  if (url.username !== '' || url.password !== '') return 'an address with a login'
  // The parser has made dotted numbers of the decimal, octal and hexadecimal forms.
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !isPublicAddress(host)) return 'an internal address'
  return undefined
}

function isAllowed({ protocol, hostname, port }: URL, allowed: ReadonlySet<string>): boolean {
  return allowed.has(`${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`)
}

/**
 * Why an address is refused, or the look-up for the connection to it. Connections are kept by host and port, so that one that was
 * made for an allowed address is never used for another.
 */
export function guard(
  text: string,
  { resolve = systemResolve, allowed = [] }: { resolve?: Resolve; allowed?: readonly string[] },
): { refused: string } | { url: URL; lookup: LookupFunction } {
  const exempt = new Set(allowed)
  const refused = refusedUrl(text, exempt)
  if (refused !== undefined) return { refused }
  const url = new URL(text)
  return { url, lookup: guardedLookup(resolve, isAllowed(url, exempt)) }
}

/**
 * A look-up for a connection: refuses a name of which any address is internal, unless `trusted`, and answers those that were
 * checked.
 */
export function guardedLookup(resolve: Resolve, trusted: boolean): LookupFunction {
  return (host, options, done) => {
    resolve(host).then(
      (addresses) => {
        const internal = addresses.some(({ address }) => !isPublicAddress(address))
        if (addresses.length === 0 || (internal && !trusted)) {
          return done(Object.assign(new Error('an internal address'), { code: INTERNAL_ADDRESS }), '', 0)
        }
        if (options.all) return done(null, addresses)
        const [first] = addresses
        done(null, first?.address ?? '', first?.family ?? 4)
      },
      (error: NodeJS.ErrnoException) => done(error, '', 0),
    )
  }
}

/** The code of a look-up that was refused. */
export const INTERNAL_ADDRESS = 'EINTERNAL'
