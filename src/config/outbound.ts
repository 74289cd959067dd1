import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { lookup } from "node:dns"
import { isIP, type LookupFunction } from "node:net"
import { plainHost } from "../domain/ListenAddress.ts"

const networks = (...texts: ReadonlyArray<string>): ReadonlyArray<IpNetwork.IpNetwork> =>
  texts.map(IpNetwork.fromStringUnsafe)

/** Addresses that are nobody's on the internet: of this machine, of private networks, of clouds' own services, and others. */
const special = networks(
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  // What embeds an IPv4 address, documentation, and protocol assignments.
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20"
)
const internet6 = IpNetwork.fromStringUnsafe("2000::/3")

/** `::ffff:10.0.0.1` is 10.0.0.1. */
const unmapped = (address: string): string => {
  const parsed = URL.canParse(`http://[${address}]/`) ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(parsed)
  if (mapped === null) return address
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join(".")
}

/**
 * Whether this node may connect to an address for somebody who named a URL: it is one of the internet, or in a network that
 * the operator allows.
 */
export const mayReach = (address: string, allowed: ReadonlyArray<IpNetwork.IpNetwork>): boolean => {
  const parsed = NetAddress.ipFromString(unmapped(address))
  if (Result.isFailure(parsed)) return false
  const ip = parsed.success
  const isIn = (network: IpNetwork.IpNetwork) => IpNetwork.contains(network, ip)
  if (allowed.some(isIn)) return true
  return NetAddress.isIpv4Address(ip) ? !special.some(isIn) : isIn(internet6) && !special.some(isIn)
}

/** The networks of a setting; what is none is left out, as it was refused where the setting is read. */
export const allowedNetworks = (texts: ReadonlyArray<string>): ReadonlyArray<IpNetwork.IpNetwork> =>
  texts.flatMap((text) => Result.match(IpNetwork.fromString(text), { onFailure: () => [], onSuccess: (one) => [one] }))

/** The network of one address that a URL names literally; `localhost` is the machine itself. None for other names. */
export const literalOf = (url: URL): ReadonlyArray<IpNetwork.IpNetwork> => {
  const host = unmapped(plainHost(url.hostname))
  if (host === "localhost") return networks("127.0.0.0/8", "::1/128")
  const version = isIP(host)
  return version === 0 ? [] : networks(`${host}/${version === 4 ? 32 : 128}`)
}

/** Why a connection was refused by ourselves. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed"
  constructor(host: string, address: string) {
    super(
      `${host === address ? host : `${host} is ${address}, which`} is no address of the internet: add its network to ` +
        "GeoDNS.Outbound.Allow if it is to be reached"
    )
  }
}

/**
 * Looks names up for a connection, and gives only addresses that may be reached: at the moment of the connection, so a name
 * that changes its address gains nothing. Addresses that a URL names literally are not looked up: see {@link mayReach}.
 */
export const guardedLookup = (allowed: ReadonlyArray<IpNetwork.IpNetwork>): LookupFunction => (name, options, done) => {
  lookup(name, { ...options, all: true }, (error, found) => {
    if (error !== null) return done(error, "", 0)
    const good = found.filter(({ address }) => mayReach(address, allowed))
    if (good[0] === undefined) return done(new NotAllowed(name, found[0]?.address ?? "nowhere"), "", 0)
    if (options.all === true) done(null, good)
    else done(null, good[0].address, good[0].family)
  })
}
