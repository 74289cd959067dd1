import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import { readChallenges } from "../../../src/dns/challengeRecords.ts"
import { makePdnsHandler } from "../../../src/dns/pdns/handler.ts"
import { readRequest } from "../../../src/dns/pdns/request.ts"
import { makeZoneData } from "../../../src/dns/ZoneBuilder.ts"
import type { Client } from "../../../src/steering/Choice.ts"
import type { Hit } from "../../../src/usage/Usage.ts"
import {
  challengeUrl,
  choose,
  explainedZone,
  locate,
  records,
  sampleRecords,
  sampleSerial,
  sampleServed,
  sampleZone,
  textRecord
} from "../samples.ts"

const backend = (zone = sampleZone, challenges: Readonly<Record<string, string>> = {}) => {
  const hits: Array<Hit> = []
  const clients: Array<Client> = []
  const methods: Array<string> = []
  const handle = makePdnsHandler({
    zone: () => zone,
    choose: (name, ipv6, client) => {
      clients.push(client)
      return choose(name, ipv6, client)
    },
    explain: (name, { scope }) => scope === "" ? undefined : textRecord(`${name} for ${scope}`),
    challenge: (address) => challenges[address] === undefined ? undefined : readChallenges(challenges[address]),
    locate,
    record: (hit) => void hits.push(hit),
    tally: (method) => void methods.push(method),
    keys: new Map([["demo.example", [{ flags: 257, content: Redacted.make("Private-key-format: v1.2\n") }]]])
  })
  const call = (method: string, parameters: object = {}) => JSON.parse(handle(JSON.stringify({ method, parameters })))
  const lookup = (qname: string, qtype = "ANY", from: string = "203.0.113.7/32", remote = "192.0.2.53") =>
    call("lookup", { qname, qtype, remote, "real-remote": from, local: "127.0.0.1", "zone-id": 1 })
  /** `type content ttl scope` of each record. */
  const found = (...question: Parameters<typeof lookup>): ReadonlyArray<string> =>
    lookup(...question).result.map((r: any) => `${r.qtype} ${r.content} ${r.ttl} ${r.scopeMask}`)
  return { handle, call, lookup, found, hits, clients, methods }
}

const idOf = (zone: string) => backend().call("getDomainInfo", { name: zone }).result.id

describe("the backend of PowerDNS", () => {
  it("gives everything at a name for ANY, and the type alone for others", () => {
    const { found } = backend()
    assert.sameMembers([...found("ns1.demo.example.")], ["A 192.0.2.1 300 0", "AAAA 2001:db8::53 300 0"])
    assert.deepStrictEqual(found("ns1.demo.example.", "A"), ["A 192.0.2.1 300 0"])
    assert.deepStrictEqual(found("NS1.Demo.Example.", "AAAA"), ["AAAA 2001:db8::53 300 0"])
    assert.deepStrictEqual(found("ns1.demo.example.", "MX"), [])
    assert.lengthOf(found("demo.example."), 7)
    assert.deepStrictEqual(found("demo.example.", "SOA").map((line) => line.split(" ")[1]), ["ns1.demo.example"])
  })

  it("echoes the name as it was asked for, with the zone's number and whether it is ours to say", () => {
    const { lookup } = backend()
    assert.deepStrictEqual(lookup("FIXED.demo.example.", "A").result, [{
      qtype: "A",
      qname: "FIXED.demo.example.",
      content: "192.0.2.77",
      ttl: 300,
      domain_id: idOf("demo.example"),
      auth: 1,
      scopeMask: 0
    }])
    const auth = (qname: string) => lookup(qname).result.map((r: any) => [r.qtype, r.auth])
    assert.deepStrictEqual(auth("child.demo.example."), [["NS", 0], ["NS", 0]])
    assert.deepStrictEqual(auth("ns.child.demo.example."), [["A", 0], ["AAAA", 0]])
  })

  it("says ENT beside a SOA record alone, which PowerDNS does not count", () => {
    const { found } = backend(makeZoneData({
      records: records("in.demo.example SOA 60 ns.x h.x 1 1 1 1 1\ndemo.example NS 60 ns.x"),
      zones: {},
      served: [],
      serial: 1
    }))
    assert.deepStrictEqual(found("in.demo.example.").map((line) => line.split(" ")[0]), ["SOA", "ENT"])
    assert.deepStrictEqual(found("in.demo.example.", "SOA").map((line) => line.split(" ")[0]), ["SOA"])
    assert.deepStrictEqual(found("demo.example.").map((line) => line.split(" ")[0]), ["SOA", "NS"])
  })

  it("says ENT where a name exists without data, and nothing where it does not", () => {
    const { found, lookup } = backend()
    for (const name of ["ent.demo.example.", "er.ent.demo.example.", "_tcp.demo.example.", "empty.demo.example."]) {
      assert.deepStrictEqual(found(name), ["ENT  0 0"], name)
      assert.deepStrictEqual(found(name, "NS"), [], name)
    }
    // Steered by the documents, and not yet by steering: SERVFAIL.
    assert.notProperty(lookup("lost.demo.example."), "result")
    for (const name of ["nothing.demo.example.", "elsewhere.test.", ".", "", "x.ent.demo.example.", "a..b."]) {
      assert.deepStrictEqual(found(name), [], name)
    }
    // Only the apex has a SOA record.
    assert.deepStrictEqual(found("rpc.demo.example.", "SOA"), [])
    // Below a delegation others know what there is.
    assert.deepStrictEqual(found("host.child.demo.example."), [])
  })

  it("leaves wildcards and aliases to PowerDNS", () => {
    const { found } = backend()
    assert.deepStrictEqual(found("x.wild.demo.example."), [])
    assert.lengthOf(found("*.wild.demo.example."), 2)
    assert.deepStrictEqual(found("www.demo.example."), ["CNAME rpc.demo.example 600 0"])
  })

  it("steers by the client subnet, with a scope in the client's family", () => {
    const { clients, found } = backend()
    const name = "rpc.demo.example."
    const text = 'TXT "beside the members" 300 0'
    assert.deepStrictEqual(found(name, "ANY", "203.0.113.0/24"), [
      text,
      "A 198.51.100.1 30 20",
      "AAAA 2001:db8:ffff::1 30 20"
    ])
    assert.deepStrictEqual(found(name, "A", "2001:db8:81::/48"), ["A 198.51.100.2 30 48"])
    assert.deepStrictEqual(found(name, "AAAA", "9.9.9.0/24"), ["AAAA 2001:db8:ffff::3 30 24"])
    // Without an address the client is where its resolver is; the answer is for it alone, and kept by nobody.
    clients.length = 0
    assert.deepStrictEqual(found(name, "A", "0.0.0.0/0", "203.0.113.9"), ["A 198.51.100.1 30 0"])
    assert.deepStrictEqual(found(name, "A", "::/0", "203.0.113.9/32"), ["A 198.51.100.1 30 0"])
    // Private subnets, and IPv4 in disguise, say nothing of where a client is.
    assert.deepStrictEqual(found(name, "A", "10.1.2.0/24", "203.0.113.9"), ["A 198.51.100.1 30 24"])
    assert.deepStrictEqual(found(name, "A", "::ffff:9.9.9.0/120", "203.0.113.9"), ["A 198.51.100.1 30 56"])
    assert.deepStrictEqual([...new Set(clients.map(({ scope }) => scope))], ["203.0.112.0/20"])
    // A static record of the type comes first.
    assert.deepStrictEqual(found("fixed.demo.example.", "ANY", "203.0.113.0/24"), [
      "A 192.0.2.77 300 0",
      "AAAA 2001:db8:ffff::1 30 20"
    ])
  })

  it("counts one answer for ANY, in the client's family, and none when PowerDNS asks for itself", () => {
    const { found, hits } = backend()
    const counted = () => hits.splice(0).map(({ domain, ipv6, member }) => `${domain} ${member} ${ipv6 ? 6 : 4}`)
    found("rpc.demo.example.", "ANY", "203.0.113.0/24")
    assert.deepStrictEqual(counted(), ["rpc.demo.example Osaka 4"])
    found("rpc.demo.example.", "ANY", "2001:db8:81::/48")
    assert.deepStrictEqual(counted(), ["rpc.demo.example Berlin 6"])
    found("rpc.demo.example.", "ANY", "0.0.0.0/0", "2001:db8::53")
    assert.deepStrictEqual(counted(), ["rpc.demo.example Spread 6"])
    found("empty.demo.example.")
    assert.deepStrictEqual(counted(), ["empty.demo.example (none) 4"])
    found("rpc.demo.example.", "A", "203.0.113.0/24")
    found("rpc.demo.example.", "NS", "203.0.113.0/24")
    found("rpc.demo.example.", "ANY", "0.0.0.0/0", "0.0.0.0")
    found("rpc.demo.example.", "ANY", "0.0.0.0/0", "0.0.0.0/0")
    found("demo.example.")
    found("x.demo.example.")
    assert.deepStrictEqual(counted(), [])
  })

  it("gives no result for records that are not there yet: SERVFAIL", () => {
    const { lookup } = backend()
    const reply = lookup("_acme-challenge.demo.example.")
    assert.notProperty(reply, "result")
    assert.notInclude(JSON.stringify(reply), "http")
    assert.deepStrictEqual(backend().found("_acme-challenge.rpc.demo.example."), ['TXT "a-token" 0 0'])
  })

  it("gives the challenges of now, and the name as one with nothing when there are none", () => {
    const bodies: Record<string, string> = { [challengeUrl]: "one\ntwo" }
    const { found } = backend(sampleZone, bodies)
    const ask = () => found("_acme-challenge.demo.example.")
    assert.deepStrictEqual(ask(), ['TXT "one" 0 0', 'TXT "two" 0 0'])
    bodies[challengeUrl] = "three"
    assert.deepStrictEqual(ask(), ['TXT "three" 0 0'])
    bodies[challengeUrl] = ""
    assert.deepStrictEqual(ask(), ["ENT  0 0"])
  })

  it("explains for the client, when that is wanted", () => {
    const { call, found, lookup } = backend(explainedZone)
    const ask = (from: string) => found("Explain.rpc.demo.example.", "ANY", from)
    assert.deepStrictEqual(ask("203.0.113.0/24"), ['TXT "rpc.demo.example for 203.0.112.0/20" 5 20'])
    assert.deepStrictEqual(ask("198.18.7.0/24"), ['TXT "rpc.demo.example for 198.18.7.0/24" 5 24'])
    // Too many ask: SERVFAIL.
    assert.notProperty(lookup("explain.rpc.demo.example.", "ANY", "", "nobody"), "result")
    assert.notInclude(JSON.stringify(call("list", { zonename: "demo.example." })), " for ")
    assert.deepStrictEqual(backend().found("explain.rpc.demo.example."), [])
  })

  it("lists no challenges: they are gone before the list is", () => {
    const { call } = backend(sampleZone, { [challengeUrl]: "one" })
    const listed = JSON.stringify(call("list", { zonename: "demo.example." }))
    assert.include(listed, "a-token")
    assert.notInclude(listed, '\\"one\\"')
  })

  it("reads names with escapes", () => {
    const { found } = backend()
    for (const name of ["\\102ixed.demo.example.", "f\\ixed.demo.example.", "FIXED.demo.example"]) {
      assert.deepStrictEqual(found(name, "A"), ["A 192.0.2.77 300 0"], name)
    }
    // A dot within a label divides nothing.
    for (
      const name of [
        "fixed\\.demo.example.",
        "\\999fixed.demo.example.",
        "fixed.demo.example\\",
        "\u0166ixed.demo.example."
      ]
    ) {
      assert.deepStrictEqual(found(name, "A"), [], name)
    }
    assert.deepStrictEqual(found(`${"a".repeat(64)}.demo.example.`), [])
    assert.deepStrictEqual(found(`${"a.".repeat(200)}demo.example.`), [])
  })

  it("knows its zones, by numbers that stay when others come", () => {
    const { call } = backend()
    const all = call("getAllDomains", { include_disabled: true }).result
    assert.deepStrictEqual(all.map(({ zone }: any) => zone), sampleZone.zones.map((zone) => `${zone}.`))
    assert.lengthOf([...new Set(all.map(({ id }: any) => id))], all.length)
    const demo = all.find(({ zone }: any) => zone === "demo.example.")
    assert.deepStrictEqual(call("getDomainInfo", { name: "Demo.Example." }).result, demo)
    assert.deepStrictEqual(demo, {
      id: demo.id,
      zone: "demo.example.",
      masters: [],
      notified_serial: sampleSerial,
      serial: sampleSerial,
      last_check: 0,
      kind: "native"
    })
    // A serial that is written by hand stays.
    assert.strictEqual(call("getDomainInfo", { name: "own.example." }).result.serial, 7)
    assert.isFalse(call("getDomainInfo", { name: "rpc.demo.example." }).result)
    const more = makeZoneData({
      records: [...records("aaa.example NS 300 ns.aaa.example"), ...sampleRecords],
      zones: {},
      served: sampleServed,
      serial: 1
    })
    assert.strictEqual(backend(more).call("getDomainInfo", { name: "demo.example." }).result.id, demo.id)
  })

  it("lists a zone without its members", () => {
    const { call } = backend()
    const listed = call("list", { zonename: "demo.example.", domain_id: 1 }).result
    const of = (name: string) => listed.filter((r: any) => r.qname === name).map((r: any) => r.qtype)
    assert.deepStrictEqual(of("rpc.demo.example."), ["TXT"])
    assert.deepStrictEqual(of("*.wild.demo.example.").sort(), ["A", "MX"])
    assert.isEmpty(listed.filter((r: any) => r.qname.endsWith("own.example.")))
    assert.isFalse(call("list", { zonename: "elsewhere.test.", domain_id: 1 }).result)
  })

  it("has keys and metadata for zones with keys alone", () => {
    const { call } = backend()
    assert.deepStrictEqual(call("getDomainKeys", { name: "demo.example." }).result, [
      { id: 1, flags: 257, active: true, published: true, content: "Private-key-format: v1.2\n" }
    ])
    assert.isFalse(call("getDomainKeys", { name: "own.example." }).result)
    const metadata = (name: string, kind: string) => call("getDomainMetadata", { name, kind }).result
    assert.deepStrictEqual(metadata("demo.example.", "NSEC3NARROW"), ["1"])
    assert.deepStrictEqual(metadata("demo.example.", "NSEC3PARAM"), ["1 0 0 -"])
    for (const kind of ["PRESIGNED", "constructor", "__proto__"]) {
      assert.deepStrictEqual(metadata("demo.example.", kind), [])
    }
    assert.deepStrictEqual(metadata("own.example.", "NSEC3PARAM"), [])
    assert.deepStrictEqual(call("getAllDomainMetadata", { name: "own.example." }).result, {})
    assert.deepStrictEqual(Object.keys(call("getAllDomainMetadata", { name: "demo.example." }).result), [
      "NSEC3PARAM",
      "NSEC3NARROW"
    ])
  })

  it("says no to all else, and that it cannot read what is no request", () => {
    const { call, handle, methods } = backend()
    assert.isTrue(call("initialize", { path: "/run/pdns.sock", timeout: "2000" }).result)
    for (const method of ["startTransaction", "getTSIGKey", "setNotified", "constructor", "searchRecords"]) {
      assert.isFalse(call(method, { name: "demo.example." }).result)
    }
    methods.length = 0
    for (
      const text of ["", "{", "null", "[]", "7", '"lookup"', '{"method":7}', '{"method":"lookup","parameters":[]}']
    ) {
      const reply = JSON.parse(handle(text))
      assert.isString(reply.error, text)
      assert.notProperty(reply, "result")
    }
    assert.deepStrictEqual([...new Set(methods)], [""])
  })

  it("reads a look-up as PowerDNS writes it as it reads any other JSON", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("rpc.demo.example.", "ANY", "SOA", "203.0.113.0/24", "a\\b", "\u0007")
    )
    fc.assert(
      fc.property(fc.tuple(word, word, word, word, word, fc.integer()), ([local, qname, qtype, real, remote, id]) => {
        const [l, n, t, r, m] = [local, qname, qtype, real, remote].map((text) => JSON.stringify(text))
        const parameters =
          `{"local": ${l}, "qname": ${n}, "qtype": ${t}, "real-remote": ${r}, "remote": ${m}, "zone-id": ${id}}`
        const text = `{"method": "lookup", "parameters": ${parameters}}`
        const read = readRequest(text)
        const { local: _local, "zone-id": _id, ...wanted } = JSON.parse(text).parameters
        assert.strictEqual(read?.method, "lookup")
        assert.deepInclude(read?.parameters, wanted)
      })
    )
    // What is not quite like it is no JSON either.
    const sound =
      '{"method": "lookup", "parameters": {"local": "", "qname": "a.", "qtype": "A", "real-remote": "", "remote": "", "zone-id": 1}}'
    assert.isDefined(readRequest(sound))
    for (
      const text of [
        sound.replace(": 1}", ": 01}"),
        sound.replace("a.", "a\n"),
        `${sound}}`,
        sound.replace("1}}", "1}")
      ]
    ) {
      assert.isUndefined(readRequest(text), text)
    }
  })

  it("forgets what it said of zones that have changed", () => {
    let zone = sampleZone
    const handle = makePdnsHandler({
      zone: () => zone,
      choose,
      explain: () => undefined,
      challenge: () => undefined,
      locate,
      record: () => {},
      tally: () => {},
      keys: new Map()
    })
    const ask = () => handle('{"method":"lookup","parameters":{"qname":"fixed.demo.example.","qtype":"TXT"}}')
    assert.strictEqual(ask(), '{"result":[]}')
    assert.strictEqual(ask(), '{"result":[]}')
    zone = makeZoneData({
      records: [...sampleRecords, ...records("fixed.demo.example TXT 300 new")],
      zones: {},
      served: sampleServed,
      serial: 1
    })
    assert.include(ask(), "new")
  })

  it("answers whatever is asked with one line of JSON", () => {
    const { handle } = backend()
    const value = fc.oneof(fc.string(), fc.jsonValue(), fc.constantFrom("rpc.demo.example.", "ANY", "203.0.113.0/24"))
    const request = fc.oneof(
      fc.string().map((text) => text),
      fc.record({
        method: fc.constantFrom("lookup", "list", "getDomainInfo", "getDomainMetadata", "getDomainKeys", "x"),
        parameters: fc.dictionary(
          fc.constantFrom("qname", "qtype", "remote", "real-remote", "name", "kind", "zonename", "zone-id"),
          value
        )
      }).map((request) => JSON.stringify(request))
    )
    fc.assert(
      fc.property(request, (text) => {
        const reply = handle(text)
        assert.notInclude(reply, "\n")
        const read = JSON.parse(reply)
        assert.isTrue("result" in read || typeof read.error === "string")
      }),
      { numRuns: 3_000 }
    )
  })
})
