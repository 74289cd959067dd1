import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BlockList, isIPv6 } from "node:net"
import { networkInterfaces } from "node:os"

/** How far this node gets with one IP version: nowhere, to loopback addresses only, or out. */
export type Reach = "none" | "loopback" | "all"

/** How far this node gets with each IP version. */
export interface FamilyReach {
  readonly ipv4: Reach
  readonly ipv6: Reach
}

/**
 * Which IP versions this node can judge members on. A node without IPv6 checks no IPv6 target and votes on none.
 *
 * The test is small: an address of the version on an interface, link-local ones not counted. It shows that the host
 * takes part in such a network, not that the rest of the Internet can be reached from it.
 */
export class Families extends Context.Service<Families, {
  /** The result of the test, done now. */
  readonly reach: Effect.Effect<FamilyReach>
}>()("effect-geodns/monitor/Families") {
  static readonly layer = Layer.succeed(Families, { reach: Effect.sync(() => reachOf(networkInterfaces())) })

  /** A node that gets everywhere. */
  static readonly layerMemory = Families.layerOf({ ipv4: "all", ipv6: "all" })

  /** A node with a reach that is known. */
  static layerOf(reach: FamilyReach): Layer.Layer<Families> {
    return Layer.succeed(Families, { reach: Effect.succeed(reach) })
  }
}

/** The addresses of the interfaces, as `os.networkInterfaces` gives them. */
type Interfaces = Readonly<Record<string, ReadonlyArray<{ readonly address: string }> | undefined>>

const linkLocal = new BlockList()
linkLocal.addSubnet("169.254.0.0", 16, "ipv4")
linkLocal.addSubnet("fe80::", 10, "ipv6")

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")

const versionOf = (address: string) => isIPv6(address) ? "ipv6" : "ipv4"

/** What the addresses of a host say about its reach. */
export const reachOf = (interfaces: Interfaces): FamilyReach => {
  const addresses = Object.values(interfaces).flatMap((list) => list ?? []).map(({ address }) => address)
  const reach = (version: "ipv4" | "ipv6"): Reach => {
    const usable = addresses.filter((a) => versionOf(a) === version && !linkLocal.check(a, version))
    return usable.length === 0 ? "none" : usable.every((a) => loopback.check(a, version)) ? "loopback" : "all"
  }
  return { ipv4: reach("ipv4"), ipv6: reach("ipv6") }
}

/** Whether a node with this reach can judge what is at an address. */
export const canReach = (reach: FamilyReach, address: string): boolean => {
  const version = versionOf(address)
  return reach[version] === "all" || (reach[version] === "loopback" && loopback.check(address, version))
}
