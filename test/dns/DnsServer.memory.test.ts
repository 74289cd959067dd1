import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Stream } from "effect"
import { ask } from "../../src/dns/DnsClient.ts"
import { DnsServer } from "../../src/dns/DnsServer.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { UsageStore } from "../../src/store/UsageStore.ts"
import { Usage } from "../../src/usage/Usage.ts"
import { records } from "./samples.ts"
import { quiet, servicesOn } from "./serving.ts"

const host = "rpc.demo.example"

const member = (name: string, last: number, Latitude: number, Longitude: number) => ({
  Details: { Name: name },
  Membership: { MemberLevel: 5 },
  Service: { Active: 1 as const, ServiceIPv4: `198.51.100.${last}`, ServiceIPv6: `2001:db8:ffff::${last}` },
  ServiceAssignments: { All: ["rpc"] },
  Location: { Latitude, Longitude }
})

const world = DnsServer.layerMemory(
  {
    staticDns: records("demo.example NS 300 ns1.demo.example"),
    services: servicesOn([host]),
    members: {
      osaka: member("Osaka", 1, 34.7, 135.5),
      berlin: member("Berlin", 2, 52.5, 13.4),
      island: member("Null Island", 3, 0, 0)
    }
  },
  [
    { cidr: "203.0.112.0/20", location: { latitude: 35.7, longitude: 139.7 }, country: "JP", countryName: "Japan" },
    { cidr: "2001:db8:49::/48", location: { latitude: 48.1, longitude: 11.6 }, country: "DE", countryName: "Germany" }
  ]
).pipe(Layer.provide(quiet))

/** The address that a client there gets, and for how many bits of the subnet. */
const addressFor = (subnet: string, type = "A") =>
  Effect.gen(function*() {
    const { host: server, port } = yield* DnsServer
    const { answers, subnet: echoed } = yield* ask({ server, port, name: host, type, subnet })
    return [answers[0]?.data, echoed?.scope] as const
  })

describe("DnsServer.layerMemory", () => {
  layer(world, { excludeTestServices: true })("over the real steering, places and usage", (it) => {
    it.effect("answers with the nearest member, for the scope of the database", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* addressFor("203.0.113.0/24"), ["198.51.100.1", 20])
        assert.deepStrictEqual(yield* addressFor("2001:db8:49::/56"), ["198.51.100.2", 48])
        assert.deepStrictEqual(yield* addressFor("203.0.113.0/24", "AAAA"), ["2001:db8:ffff::1", 20])
      }))

    it.effect("does not take clients of unknown place to be at (0, 0)", () =>
      Effect.gen(function*() {
        const addresses = new Set<string | undefined>()
        for (let i = 0; i < 200 && addresses.size < 3; i++) {
          const [address] = yield* addressFor(`${i + 11}.${i}.7.0/24`)
          addresses.add(address)
        }
        assert.isAbove(addresses.size, 1)
      }))

    it.effect("leaves out a member that is down, in that family alone", () =>
      Effect.gen(function*() {
        const official = yield* OfficialStatus
        yield* official.apply({
          id: "outage",
          target: { checkType: "site", check: "ping", member: "Osaka", domain: "", endpoint: "", ipv6: false },
          up: false,
          error: "timeout",
          data: null,
          decidedAt: yield* Clock.currentTimeMillis,
          decidedBy: "monitor-1",
          votes: { "monitor-1": true, "monitor-2": true }
        })
        const [moved] = yield* addressFor("203.0.113.0/24").pipe(
          Effect.repeat({ until: ([address]) => address !== "198.51.100.1" }),
          Effect.timeout("15 seconds")
        )
        assert.strictEqual(moved, "198.51.100.2")
        assert.deepStrictEqual(yield* addressFor("203.0.113.0/24", "AAAA"), ["2001:db8:ffff::1", 20])
      }))

    it.effect("counts what it answered", () =>
      Effect.gen(function*() {
        yield* Usage.use((usage) => usage.flush)
        const stored = yield* UsageStore.use((store) => Stream.runCollect(store.find({ country: "DE" })))
        assert.deepStrictEqual(
          stored.map(({ countryName, domain, hits, ipv6, member, node }) => [
            node,
            domain,
            member,
            countryName,
            ipv6,
            hits
          ]),
          [["dns", host, "Berlin", "Germany", false, 1]]
        )
      }))
  })
})
