import { assert, describe, it } from "@effect/vitest"
import { explainAnswer, explainAnswerInFull, type ExplainedSnapshot } from "../../src/dns/explainAnswer.ts"
import { makeZoneData } from "../../src/dns/ZoneBuilder.ts"
import type { Client, Explanation } from "../../src/steering/Choice.ts"
import { ask, read } from "./packets.ts"
import { choose, records, sampleResponder, sampleServed, sampleZone } from "./samples.ts"

const nobody: Client = { location: undefined, scope: "" }

const explain = (name: string, ipv6: boolean, client: Client): Explanation | undefined => {
  const choice = choose(name, ipv6, client)
  return choice === undefined
    ? undefined
    : { name, ipv6, client, choice, rule: "unknown-place", because: "", candidates: [] }
}

const samples: ExplainedSnapshot = {
  zones: sampleZone,
  steering: { snapshot: undefined as never, choose, explain, names: new Set(sampleServed) }
}

const about = (name: string, ipv6 = false) => explainAnswerInFull(samples, name, ipv6, nobody)

const lines = (name: string, ipv6 = false) => about(name, ipv6).zone.lines

describe("explaining an answer", () => {
  it("says that a static record answers at a steered name, and members the other type", () => {
    const { steering, zone } = about("fixed.demo.example")
    assert.isUndefined(steering)
    assert.deepInclude(zone, { rule: "static", zone: "demo.example", name: "fixed.demo.example" })
    assert.deepStrictEqual(zone.records, [{ name: "fixed.demo.example", type: "A", ttl: 300, data: "192.0.2.77" }])
    assert.deepStrictEqual(zone.lines, [
      "fixed.demo.example: a static record answers: A 192.0.2.77 (TTL 300), instead of the members that serve the name",
      "For AAAA, fixed.demo.example: members are chosen for each client (zone demo.example)"
    ])
    const other = about("fixed.demo.example", true)
    assert.strictEqual(other.steering?.choice.members[0], "Spread")
    assert.match(other.zone.lines[1]!, /^For A, fixed\.demo\.example: a static record answers: A 192\.0\.2\.77 /)
  })

  it("follows aliases to the steered name", () => {
    const { steering, zone } = about("web.demo.example")
    assert.strictEqual(steering?.name, "rpc.demo.example")
    assert.deepStrictEqual(zone.records.map(({ data, name }) => `${name} ${data}`), [
      "web.demo.example www.demo.example",
      "www.demo.example rpc.demo.example"
    ])
    assert.deepStrictEqual(zone.lines, [
      "web.demo.example is an alias: CNAME www.demo.example (TTL 600)",
      "www.demo.example is an alias: CNAME rpc.demo.example (TTL 600)",
      "rpc.demo.example: members are chosen for each client (zone demo.example)"
    ])
    assert.strictEqual(
      lines("x.alias.demo.example")[0],
      "x.alias.demo.example is an alias: CNAME rpc.demo.example (TTL 300), by the wildcard *.alias.demo.example"
    )
    assert.match(lines("ping.demo.example").at(-1)!, /circle/)
    assert.match(lines("away.demo.example").at(-1)!, /^somewhere\.else\.test: in no zone .* goes on from there$/)
  })

  it("says that a name below a delegation is not answered, steered or not", () => {
    const zones = makeZoneData({
      records: records(`
        geodns.example NS 60 ns.geodns.example
        sub.geodns.example NS 60 ns.sub.geodns.example`),
      zones: {},
      served: ["rpc.sub.geodns.example"],
      serial: 1
    })
    const steered = () => assert.fail("no member is chosen")
    const { steering, zone } = explainAnswer(
      { zones, steering: { ...samples.steering, explain: steered } },
      "rpc.sub.geodns.example",
      false,
      nobody
    )
    assert.isUndefined(steering)
    assert.deepInclude(zone, { rule: "delegated", servers: ["ns.sub.geodns.example"] })
    assert.deepStrictEqual(zone.lines, [
      "rpc.sub.geodns.example: delegated to ns.sub.geodns.example from sub.geodns.example on: their servers answer, this node does not"
    ])
  })

  it("says that a name has no address, does not exist, is elsewhere, or cannot be answered now", () => {
    assert.deepInclude(about("_sip._tcp.demo.example").zone, { rule: "no-data" })
    assert.match(lines("mail.demo.example", true)[0]!, /without a record of type AAAA: an empty answer \(NODATA\)$/)
    assert.match(lines("mail.demo.example", true)[1]!, /^For A, mail\.demo\.example: a static record answers/)
    const typo = about("rcp.demo.example").zone
    assert.deepInclude(typo, { rule: "no-name", nearest: ["rpc.demo.example"] })
    assert.deepStrictEqual(typo.lines, [
      "rcp.demo.example: there is no such name in the zone demo.example (NXDOMAIN)",
      "Did you mean rpc.demo.example?"
    ])
    assert.deepStrictEqual(about("webb.demo.example").zone.nearest, ["web.demo.example"])
    // Whoever asks must not find out by it what else there is.
    assert.deepStrictEqual(about("maill.demo.example").zone.nearest, [])
    assert.deepInclude(about("x.test").zone, { rule: "outside", zone: "" })
    assert.deepInclude(about("lost.demo.example"), { steering: undefined })
    assert.match(lines("lost.demo.example")[0]!, /SERVFAIL/)
  })

  it("never contradicts the answer", () => {
    const { respond } = sampleResponder()
    const rules = new Set<string>()
    const names = new Set([
      ...sampleServed,
      ...["rcp", "x.wild", "host.wild", "x.alias", "er.ent", "deep.er.ent", "a.child", "child", "www", "web", "gone"]
        .concat(["below", "away", "ping", "mail", "_sip._tcp", "ns.child"]).map((label) => `${label}.demo.example`),
      "demo.example",
      "other.test",
      "x.test"
    ])
    for (const name of names) {
      for (const ipv6 of [false, true]) {
        const type = ipv6 ? "AAAA" : "A"
        const said = read(respond(ask(name, type), "tcp", "127.0.0.1")!)
        const { steering, zone } = about(name, ipv6)
        rules.add(zone.rule)
        const written = zone.records.map(({ data, name, ttl, type }) => `${name} ${ttl} ${type} ${data}`)
        const chosen = steering?.choice.addresses.map((address) => `${zone.name} 30 ${type} ${address}`) ?? []
        assert.sameMembers(zone.rule === "unavailable" ? [] : [...written, ...chosen], said.answers, `${name} ${type}`)
        const rcode = zone.rule === "no-name"
          ? 3
          : zone.rule === "unavailable"
          ? 2
          : zone.rule === "outside" && zone.records.length === 0
          ? 5
          : 0
        assert.strictEqual(said.rcode, rcode, `${name} ${type}`)
        assert.strictEqual(zone.rule === "delegated", said.authority.some((line) => / NS /.test(line)), name)
      }
    }
    assert.deepStrictEqual([...rules].sort(), [
      "delegated",
      "endless",
      "members",
      "no-data",
      "no-name",
      "outside",
      "static",
      "unavailable"
    ])
  })

  it("is bounded, however many names there are", () => {
    const served = Array.from({ length: 20_000 }, (_, i) => `n${i}.demo.example`)
    const zones = makeZoneData({ records: [], zones: {}, served, serial: 1 })
    const snapshot = { zones, steering: { ...samples.steering, names: new Set(served) } }
    const { zone } = explainAnswerInFull(snapshot, `nn1.demo.example`, false, nobody)
    assert.isAtMost(zone.nearest.length, 3)
    assert.include(zone.nearest, "n1.demo.example")
  })
})
