import { isIPv4, isIPv6 } from "node:net"
import type { Choice, Client } from "../steering/Choice.ts"
import type { Hit } from "../usage/Hit.ts"
import type { Asker } from "./ClientSubnet.ts"
import { addressCodec } from "./dnsPacket.ts"
import type { RecordSet } from "./encodeResponse.ts"
import { maxTtl, RecordType } from "./protocol.ts"

/** What steering answers at a name. */
export interface SteeredAnswer {
  /** The A or AAAA records; undefined when there is no address to answer with. */
  readonly set: RecordSet | undefined
  /** What to count when the answer is given. */
  readonly hit: Hit
}

/** Answers for one name and IP version; undefined when the name is not steered. */
export type Steer = (name: string, ipv6: boolean, asker: Asker) => SteeredAnswer | undefined

/** Encoded addresses that are kept; there are as many as members have, some more after reloads. */
const maxAddresses = 4096

/** What usage calls an answer without a member. */
const noMember = "(none)"

/** Makes records of what steering chooses. It keeps nothing but the encoded addresses, a bounded number. */
export const makeSteer = (deps: {
  /** As `Steering.choose`. */
  readonly choose: (name: string, ipv6: boolean, client: Client) => Choice | undefined
}): Steer => {
  const addresses = new Map<string, Uint8Array>()

  /** The data of an address record; undefined when steering gave something that is no such address. */
  const addressData = (address: string, ipv6: boolean): Uint8Array | undefined => {
    const known = addresses.get(address)
    if (known !== undefined && known.length === (ipv6 ? 18 : 6)) return known
    if (ipv6 ? !isIPv6(address) || address.includes("%") : !isIPv4(address)) return undefined
    if (addresses.size >= maxAddresses) addresses.clear()
    const data = (ipv6 ? addressCodec.v6 : addressCodec.v4).encode(address)
    addresses.set(address, data)
    return data
  }

  return (name, ipv6, asker) => {
    const choice = deps.choose(name, ipv6, asker.client)
    if (choice === undefined) return undefined
    const data: Array<Uint8Array> = []
    for (const address of choice.addresses) {
      const encoded = addressData(address, ipv6)
      if (encoded !== undefined) data.push(encoded)
    }
    const member = data.length === 0 ? noMember : choice.members[0] ?? noMember
    return {
      set: data.length === 0
        ? undefined
        : { type: ipv6 ? RecordType.AAAA : RecordType.A, ttl: Math.min(choice.ttl, maxTtl), data },
      hit: { domain: name, member, place: asker.place, ipv6 }
    }
  }
}
