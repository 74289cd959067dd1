import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import type { RawDocuments } from "../../src/config/memoryConfig.ts"
import { AcmeChallenges } from "../../src/dns/AcmeChallenges.ts"
import { answerSources } from "../../src/dns/AnswerSources.ts"
import { AnswerState } from "../../src/dns/AnswerState.ts"
import { writeClientSubnet } from "../../src/dns/ClientSubnet.ts"
import { makeResponder } from "../../src/dns/Responder.ts"
import type { GeoEntry } from "../../src/geo/GeoEntry.ts"
import { GeoIp } from "../../src/geo/GeoIp.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Steering } from "../../src/steering/Steering.ts"
import type { Hit } from "../../src/usage/Hit.ts"
import { Usage } from "../../src/usage/Usage.ts"
import { ask, option, read } from "../dns/packets.ts"
import { decide, membersOf, servicesOf } from "./world.ts"

const tokyo = [35.6762, 139.6503] as const
const frankfurt = [50.1109, 8.6821] as const

const osaka = { latitude: 34.6937, longitude: 135.5023 }
const berlin = { latitude: 52.52, longitude: 13.405 }

const networks: ReadonlyArray<GeoEntry> = [
  { cidr: "203.0.112.0/20", location: osaka, country: "JP", asn: 64500 },
  { cidr: "198.51.96.0/19", location: berlin, country: "DE", asn: 64501 },
  { cidr: "2001:db8:81::/48", location: osaka, country: "JP", asn: 64500 },
  { cidr: "2001:db8:9000::/36", location: berlin, country: "DE", asn: 64501 }
]

const documents: RawDocuments = {
  members: membersOf({
    Fuji: { at: tokyo, ipv4: "192.0.2.1", ipv6: "2001:db8::1", services: ["Main", "Six", "Top", "Off"] },
    Rhine: { at: frankfurt, ipv4: "192.0.2.2", ipv6: "2001:db8::2" },
    // Where v2 thinks that everybody is of whom it knows nothing.
    Guinea: { at: [0, 0], ipv4: "192.0.2.3", ipv6: "2001:db8::3" },
    OnlySix: { at: [52.52, 13.405], ipv4: "", ipv6: "2001:db8::6", services: ["Main", "Six", "Only"] },
    Low: { at: [52.52, 13.405], ipv4: "192.0.2.4", ipv6: "2001:db8::4", level: 3, services: ["Top"] }
  }),
  services: servicesOf({
    Main: {},
    Six: { urls: ["wss://six.example"] },
    Only: { urls: ["wss://only.example"] },
    Top: { urls: ["wss://top.example"], level: 5 },
    Off: { urls: ["wss://off.six.example"], active: false }
  })
}

const layer = (documents: RawDocuments) =>
  Layer.mergeAll(AcmeChallenges.layerMemory(), AnswerState.layer).pipe(
    Layer.provideMerge(Layer.mergeAll(
      Steering.layerMemory(documents),
      GeoIp.layerMemory(networks),
      Usage.layerMemory,
      DurableFiles.layerMemory,
      Conditions.layerMemory
    )),
    Layer.provide(NodeIdentity.layerMemory({ id: "dns", role: "IBPDns" }))
  )

/** Everything from the packet to the packet, but for the socket. */
const serving = Effect.gen(function*() {
  const sources = yield* answerSources
  const hits: Array<Hit> = []
  const respond = makeResponder({ ...sources, record: (hit) => void hits.push(hit), tally: () => {} })
  return (
    type: "A" | "AAAA",
    name: string,
    from: { readonly resolver?: string; readonly subnet?: Buffer | string }
  ) => {
    const subnet = typeof from.subnet === "string" ? option(8, writeClientSubnet(from.subnet)!) : from.subnet
    const packet = ask(name, type, subnet === undefined ? {} : { subnet })
    const answer = read(respond(packet, "udp", from.resolver ?? "198.51.100.53")!)
    const hit = hits.pop()
    return {
      rcode: answer.rcode,
      address: answer.answers.map((line) => line.split(" ").at(-1)).join(),
      soa: answer.authority.length,
      // Undefined when no client subnet is echoed.
      scope: answer.subnet ? Number.parseInt(answer.subnet.slice(6, 8), 16) : undefined,
      member: hit?.member,
      country: hit?.place.country
    }
  }
})

describe("a whole answer", () => {
  it.effect("is for the client subnet, else for the resolver, IPv4-mapped or not", () =>
    Effect.gen(function*() {
      const answer = yield* serving
      const fuji = { rcode: 0, address: "192.0.2.1", soa: 0, member: "Fuji", country: "JP" }
      const rhine = { ...fuji, address: "192.0.2.2", member: "Rhine", country: "DE" }
      const a = (from: Parameters<typeof answer>[2]) => answer("A", "rpc.example", from)
      assert.deepStrictEqual(a({ subnet: "203.0.113.0/24" }), { ...fuji, scope: 20 })
      assert.deepStrictEqual(a({ subnet: "2001:db8:81:2::/64" }), { ...fuji, scope: 48 })
      assert.deepStrictEqual(a({ subnet: "2001:db8:9000::/36" }), { ...rhine, scope: 36 })
      assert.deepStrictEqual(a({ resolver: "203.0.113.9" }), { ...fuji, scope: undefined })
      assert.deepStrictEqual(a({ resolver: "::ffff:203.0.113.9" }), { ...fuji, scope: undefined })
      assert.deepStrictEqual(a({ resolver: "::FFFF:CB00:7109" }), { ...fuji, scope: undefined })
      assert.deepStrictEqual(a({ resolver: "2001:db8:81::9" }), { ...fuji, scope: undefined })
      assert.deepStrictEqual(a({ resolver: "203.0.113.9", subnet: "0.0.0.0/0" }), { ...fuji, scope: 0 })
      // IPv4 in disguise says nothing in a client subnet, and neither do private ones: the resolver in Berlin counts.
      const mapped = option(8, Buffer.from("0002800000000000000000000000ffffcb007109", "hex"))
      assert.deepStrictEqual(a({ subnet: mapped }), { ...rhine, scope: 56 })
      assert.deepStrictEqual(a({ subnet: "10.1.0.0/16" }), { ...rhine, scope: 16 })
      assert.deepStrictEqual(a({ subnet: "192.168.7.0/24" }), { ...rhine, scope: 24 })
      assert.deepStrictEqual(a({ subnet: "fd00:1:2::/48" }), { ...rhine, scope: 48 })
    }).pipe(Effect.provide(layer(documents))))

  it.effect("is spread over all for clients of whom nothing is known, one for each scope, and never by (0, 0)", () =>
    Effect.gen(function*() {
      const answer = yield* serving
      const unknown = [
        ...Array.from({ length: 200 }, (_, i) => ({ resolver: `${2 + i}.7.7.7` })),
        ...Array.from({ length: 40 }, (_, i) => ({ subnet: `100.${i}.0.0/24` })),
        { resolver: "192.168.1.1" },
        { resolver: "::1" },
        { resolver: "fe80::1%eth0" },
        { resolver: "not an address" }
      ]
      const members = new Set<string | undefined>()
      for (const from of unknown) {
        const given = answer("A", "rpc.example", from)
        assert.deepInclude(given, { soa: 0, country: "??" })
        assert.deepStrictEqual(answer("A", "rpc.example", from), given)
        members.add(given.member)
      }
      assert.sameMembers([...members], ["Fuji", "Rhine", "Guinea"])
      // Two that the database does not tell apart are in one scope, and get one answer.
      const one = answer("A", "rpc.example", { subnet: "100.1.0.0/24" })
      assert.deepStrictEqual(answer("A", "rpc.example", { subnet: "100.2.3.0/24" }), one)
      assert.isBelow(one.scope!, 16)
    }).pipe(Effect.provide(layer(documents))))

  it.effect("has a member with IPv6 alone for AAAA alone", () =>
    Effect.gen(function*() {
      const answer = yield* serving
      const from = { subnet: "198.51.100.0/24" }
      assert.deepInclude(answer("AAAA", "rpc.example", from), { address: "2001:db8::6", member: "OnlySix", scope: 19 })
      assert.deepInclude(answer("A", "rpc.example", from), { address: "192.0.2.2", member: "Rhine", scope: 19 })
      // The name is there, and has no address of this family for anybody: no failure, and the name is not denied.
      assert.deepInclude(answer("A", "only.example", from), { rcode: 0, address: "", soa: 1, member: "(none)" })
      assert.deepInclude(answer("AAAA", "only.example", from), { rcode: 0, address: "2001:db8::6", soa: 0 })
    }).pipe(Effect.provide(layer(documents))))

  it.effect("has no member whose level is too low, and nothing of a service that is not active", () =>
    Effect.gen(function*() {
      const answer = yield* serving
      const from = { subnet: "198.51.100.0/24" }
      assert.deepInclude(answer("A", "top.example", from), { address: "192.0.2.1", member: "Fuji" })
      assert.deepInclude(answer("AAAA", "top.example", from), { address: "2001:db8::1", member: "Fuji" })
      assert.deepInclude(answer("A", "off.six.example", from), { rcode: 3, address: "", soa: 1, member: undefined })
    }).pipe(Effect.provide(layer(documents))))

  const down = Effect.gen(function*() {
    const official = yield* OfficialStatus
    // Rhine last, and no two within a minute: nobody is held.
    for (const [i, member] of ["Guinea", "Fuji", "Rhine"].entries()) {
      yield* TestClock.adjust("2 minutes")
      yield* official.apply(decide(member, {}, (i + 1) * 120_000))
      yield* TestClock.adjust("1 second")
    }
    yield* TestClock.adjust("2 minutes")
    const answer = yield* serving
    return answer("A", "rpc.example", { subnet: "203.0.113.0/24" })
  })

  it.effect.each(
    [
      [{}, { rcode: 0, address: "192.0.2.2", soa: 0, member: "Rhine" }],
      [{ AllDown: "last-good" }, { rcode: 0, address: "192.0.2.2", soa: 0, member: "Rhine" }],
      [{ AllDown: "all" }, { rcode: 0, address: "192.0.2.1", soa: 0, member: "Fuji" }],
      [{ AllDown: "fallback", Fallback: "192.0.2.99" }, { rcode: 0, address: "192.0.2.99", soa: 0, member: "(none)" }],
      [{ AllDown: "empty" }, { rcode: 0, address: "", soa: 1, member: "(none)" }]
    ] as const
  )("when all are down, by the policy %j", ([Steering, expected]) =>
    Effect.gen(function*() {
      assert.deepInclude(yield* down, { ...expected, scope: 20 })
    }).pipe(Effect.provide(layer({ ...documents, local: { GeoDNS: { Steering } } }))))
})
