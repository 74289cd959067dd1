import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { domainName, isWildcard, type NameKey, parentKey } from "../../src/dns/DomainName.ts"
import { RecordType } from "../../src/dns/protocol.ts"
import { makeZoneData, zoneDataInSlices } from "../../src/dns/ZoneBuilder.ts"
import type { ZoneData, ZoneSources } from "../../src/dns/ZoneData.ts"
import { zoneFingerprint } from "../../src/dns/zoneSerial.ts"
import { StaticDns } from "../../src/domain/documents/StaticDns.ts"
import { ask, read } from "./packets.ts"
import { records, sampleRecords, sampleResponder, sampleServed, sampleZone } from "./samples.ts"

const zoneOf = (text: string, more: Partial<ZoneSources> = {}): ZoneData =>
  makeZoneData({ records: records(text), zones: {}, served: [], serial: 5, ...more })

const find = (zone: ZoneData, name: string, type: keyof typeof RecordType) =>
  zone.lookup(domainName(name)!.key, RecordType[type])

const tagOf = (zone: ZoneData, name: string, type: keyof typeof RecordType) => find(zone, name, type)._tag

const problems = (zone: ZoneData) => zone.problems.map(({ name, problem, type }) => `${name} ${type}: ${problem}`)

describe("names", () => {
  it("are the same in any case, with or without the last dot", () => {
    const { key, text, wire } = domainName("RPC.Demo.Example.")!
    assert.strictEqual(text, "rpc.demo.example")
    assert.strictEqual(key, "\x03rpc\x04demo\x07example")
    assert.strictEqual(Buffer.from(wire).toString("latin1"), `${key}\0`)
    assert.strictEqual(domainName("rpc.demo.example")!.key, key)
    assert.strictEqual(parentKey(key), domainName("demo.example")!.key)
    assert.strictEqual(parentKey(domainName("example")!.key), "")
    assert.isTrue(isWildcard(domainName("*.example")!.key))
    assert.isFalse(isWildcard(domainName("*x.example")!.key))
  })

  it("fit a message", () => {
    fc.assert(fc.property(fc.string({ maxLength: 300, size: "max" }), (text) => {
      const name = domainName(text)
      if (name === undefined) return
      assert.isAtMost(name.wire.length, 255)
      for (let key = name.key; key !== ""; key = parentKey(key)) {
        assert.isTrue(key.charCodeAt(0) >= 1 && key.charCodeAt(0) < 64)
      }
    }))
    assert.isDefined(domainName(`${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`))
    assert.isUndefined(domainName(`${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(62)}`))
    assert.isUndefined(domainName("."))
  })
})

describe("where zones begin", () => {
  it("at SOA and NS records, at settings, and else at the last two labels of served names", () => {
    const zone = zoneOf(
      `
      soa.example NS 1 ns.soa.example
      sub.soa.example SOA 1 ns.x h.x 1 1 1 1 1
      cut.soa.example NS 1 ns.else.test
      ns.example NS 1 ns.ns.example`,
      {
        zones: { "Set.Example.": { mname: "", rname: "", refresh: 1, retry: 1, expire: 1, minimum: 1 } },
        served: ["rpc.net.test", "wss.net.test", "a.b.c.soa.example", "single", "198.51.100.1", "[2001:db8::1]"]
      }
    )
    assert.deepStrictEqual(zone.zones, [
      "net.test",
      "ns.example",
      "set.example",
      "single",
      "soa.example",
      "sub.soa.example"
    ])
    assert.deepStrictEqual(problems(zone), [])
    assert.strictEqual(tagOf(zone, "rpc.net.test", "A"), "Steered")
    assert.strictEqual(tagOf(zone, "b.c.soa.example", "A"), "NoData")
    assert.strictEqual(tagOf(zone, "single", "A"), "Steered")
  })

  it("with the names between two zones in the outer one, whichever comes first", () => {
    const outer = "outer.example SOA 1 ns.x h.x 1 1 1 1 1"
    const inner = "in.between.outer.example SOA 1 ns.x h.x 1 1 1 1 1"
    for (const text of [`${outer}\n${inner}`, `${inner}\n${outer}`]) {
      const zone = zoneOf(text)
      assert.strictEqual(tagOf(zone, "between.outer.example", "A"), "NoData")
      assert.strictEqual(tagOf(zone, "x.between.outer.example", "A"), "NoName")
      assert.strictEqual(tagOf(zone, "in.between.outer.example", "SOA"), "Answer")
    }
  })

  it("not at NS records below a zone that is made for a served name, unless only a zone can have what is there", () => {
    const text = "sub.example.com NS 1 ns.sub.example.com\nns.sub.example.com A 1 192.0.2.53"
    const delegated = zoneOf(text, { served: ["www.example.com"] })
    assert.deepStrictEqual(delegated.zones, ["example.com"])
    assert.strictEqual(tagOf(delegated, "x.sub.example.com", "A"), "Referral")
    assert.deepStrictEqual([delegated.problems, delegated.doubts], [[], []])
    const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
      [text, ["www.example.com", "rpc.sub.example.com"]],
      [`${text}\nx.sub.example.com TXT 1 ours`, ["www.example.com"]],
      [`${text}\nx.sub.example.com A 1 192.0.2.1`, ["www.example.com"]]
    ]
    for (const [text, served] of cases) {
      const own = zoneOf(text, { served })
      assert.deepStrictEqual(own.zones, ["example.com", "sub.example.com"])
      assert.deepStrictEqual(own.doubts.map(({ name, type }) => `${name} ${type}`), ["sub.example.com NS"])
    }
    assert.deepStrictEqual(zoneOf(text).zones, ["sub.example.com"])
  })

  it("never at a level of a registry", () => {
    const zone = zoneOf("", { served: ["api.foo.co.uk", "api.foo.co", "co.uk", "rpc.co.example"] })
    assert.includeMembers([...zone.zones], ["foo.co.uk", "foo.co"])
    assert.strictEqual(tagOf(zoneOf("", { served: ["api.foo.co.uk"] }), "other.co.uk", "A"), "Outside")
  })

  it("also when the SOA or NS record itself is bad", () => {
    const zone = zoneOf(`
      demo.example SOA 1 not a soa
      demo.example A 1 192.0.2.1
      other.example NS 1 ..
      x.other.example A 1 192.0.2.1`)
    assert.deepStrictEqual(zone.zones, ["demo.example", "other.example"])
    assert.lengthOf(zone.problems, 2)
    assert.strictEqual(tagOf(zone, "demo.example", "A"), "Answer")
    assert.strictEqual(tagOf(zone, "demo.example", "SOA"), "Answer")
    assert.strictEqual(tagOf(zone, "x.other.example", "A"), "Answer")
  })

  it("with a SOA record of the settings, minimum at most 60", () => {
    const settings = {
      mname: "NS0.example.",
      rname: "me@demo.example",
      refresh: 1.5,
      retry: 2,
      expire: 3,
      minimum: 300
    }
    const zone = zoneOf("demo.example NS 9 ns1.demo.example", { zones: { "demo.example": settings } })
    const found = find(zone, "demo.example", "SOA")
    assert.strictEqual(found._tag, "Answer")
    const data = found._tag === "Answer" ? Buffer.from(found.set.data[0]!) : Buffer.alloc(0)
    assert.include(data.toString("latin1"), "\x03ns0\x07example\0\x02me\x04demo\x07example\0")
    assert.deepStrictEqual([20, 16, 12, 8, 4].map((at) => data.readUInt32BE(data.length - at)), [5, 1, 2, 3, 60])
    assert.deepStrictEqual(zone.problems, [])
  })

  it("with names that are none reported, and defaults in their place", () => {
    const settings = { mname: "a..b", rname: "no mailbox", refresh: 1, retry: 1, expire: 1, minimum: 1 }
    const zone = zoneOf("", { zones: { "demo.example": settings, "bad..name": settings } })
    assert.deepStrictEqual(zone.zones, ["demo.example"])
    assert.lengthOf(zone.problems, 3)
    assert.strictEqual(tagOf(zone, "demo.example", "SOA"), "Answer")
  })
})

describe("what cannot be served", () => {
  it("is left out and told, and nothing else is disturbed", () => {
    const zone = zoneOf(
      `
      demo.example      NS    1 ns1.demo.example
      demo.example      CNAME 1 other.example
      ns1.demo.example  A     1 192.0.2.1
      ns1.demo.example  A     1 192.0.2.999
      ns1.demo.example  CNAME 1 demo.example
      two.demo.example  CNAME 1 a.example
      two.demo.example  CNAME 1 b.example
      rpc.demo.example  CNAME 1 a.example
      spf.demo.example  SPF   1 v=spf1
      *.demo.example    NS    1 ns1.demo.example
      a..b.demo.example A     1 192.0.2.1
      elsewhere.test    A     1 192.0.2.1
      cut.demo.example  NS    1 ns.cut.demo.example
      x.cut.demo.example TXT  1 never seen
      y.cut.demo.example CNAME 1 x.example`,
      { served: ["rpc.demo.example", "rpc.cut.demo.example"] }
    )
    const expected = [
      "demo.example CNAME: a zone's own name",
      'ns1.demo.example A: "192.0.2.999" is no IPv4 address',
      "ns1.demo.example CNAME: an alias cannot have other records",
      "two.demo.example CNAME: there is one already",
      "rpc.demo.example CNAME: services have URLs",
      "spf.demo.example SPF: type SPF is not served",
      "*.demo.example NS: a wildcard cannot",
      "a..b.demo.example A: this is no domain name",
      "elsewhere.test A: the name is in no zone",
      "x.cut.demo.example TXT: the name is delegated",
      "y.cut.demo.example CNAME: the name is delegated",
      "rpc.cut.demo.example A: services have URLs on this name, but it is delegated"
    ]
    const told = problems(zone)
    for (const problem of expected) assert.isTrue(told.some((line) => line.startsWith(problem)), problem)
    assert.lengthOf(told, expected.length)
    assert.strictEqual(tagOf(zone, "demo.example", "CNAME"), "NoData")
    assert.strictEqual(tagOf(zone, "demo.example", "NS"), "Answer")
    assert.strictEqual(tagOf(zone, "ns1.demo.example", "A"), "Answer")
    assert.strictEqual(tagOf(zone, "ns1.demo.example", "AAAA"), "NoData")
    assert.strictEqual(tagOf(zone, "two.demo.example", "A"), "Alias")
    assert.strictEqual(tagOf(zone, "rpc.demo.example", "A"), "Steered")
    assert.strictEqual(tagOf(zone, "spf.demo.example", "TXT"), "NoName")
    assert.strictEqual(tagOf(zone, "elsewhere.test", "A"), "Outside")
    assert.strictEqual(tagOf(zone, "rpc.cut.demo.example", "A"), "Referral")
    assert.strictEqual(tagOf(zone, "deep.y.cut.demo.example", "A"), "Referral")
  })

  it("does not reach the parts of a delegation by the way of an empty name", () => {
    const zone = zoneOf(`
      demo.example NS 1 ns1.demo.example
      cut.demo.example NS 1 ns.a.b.cut.demo.example
      ns.a.b.cut.demo.example A 1 192.0.2.1
      below.a.cut.demo.example NS 1 ns.else.test`)
    assert.strictEqual(tagOf(zone, "b.cut.demo.example", "A"), "Referral")
    assert.strictEqual(tagOf(zone, "x.b.cut.demo.example", "A"), "Referral")
    const found = find(zone, "x.below.a.cut.demo.example", "A")
    assert.isTrue(found._tag === "Referral" && found.cut.length === domainName("cut.demo.example")!.wire.length)
  })

  it("bounds all records of one name and type", () => {
    const many = Array.from({ length: 9000 }, (_, i) => `x.demo.example A 1 10.0.${i >> 8}.${i & 255}`).join("\n")
    const zone = zoneOf(`demo.example NS 1 ns.demo.example\n${many}`)
    const found = find(zone, "x.demo.example", "A")
    // Each with its name (16 bytes), type, class and TTL.
    const taken = Math.floor(48 * 1024 / (16 + 8 + 6))
    assert.isTrue(found._tag === "Answer" && found.set.data.length === taken)
    assert.lengthOf(zone.problems, 9000 - taken)
    const alias = zoneOf(`demo.example NS 1 ns.demo.example\na.demo.example CNAME 1 x.demo.example\n${many}`)
    const { respond } = sampleResponder(alias)
    for (const name of ["x.demo.example", "a.demo.example"]) {
      const { answers, tc } = read(respond(ask(name, "A"), "tcp", "127.0.0.1")!)
      assert.deepStrictEqual([tc, answers.length], [false, taken + (name === "a.demo.example" ? 1 : 0)], name)
    }
  })

  it("and what counts does not depend on the order of the records", () => {
    const text = `
      demo.example NS 9 ns2.demo.example
      demo.example NS 5 ns1.demo.example
      demo.example NS 3 NS1.demo.example.
      two.demo.example CNAME 1 bb.example
      two.demo.example CNAME 1 abc.example
      ${Array.from({ length: 2000 }, (_, i) => `x.demo.example A 1 10.0.${i >> 8}.${i & 255}`).join("\n")}`
    const said = (zone: ZoneData) =>
      [["demo.example", "SOA"], ["demo.example", "NS"], ["two.demo.example", "CNAME"], ["x.demo.example", "A"]].map(
        ([name, type]) => {
          const found = find(zone, name!, type as "A")
          const set = found._tag === "Answer" || found._tag === "Alias" ? found.set : assert.fail(found._tag)
          return { ttl: set.ttl, data: set.data.map((data) => Buffer.from(data).toString("latin1")).sort() }
        }
      )
    const all = records(text)
    const [one, other] = [all, all.toReversed()].map((records) => said(zoneOf("", { records })))
    assert.deepStrictEqual(one, other)
    assert.include(one![0]!.data[0], "\x03ns1\x04demo")
    assert.include(one![2]!.data[0], "\x03abc")
    assert.strictEqual(one![1]!.ttl, 3)
  })

  it("bounds the addresses of a delegation's servers, so that a referral always fits a message over TCP", () => {
    const addresses = (i: number) =>
      Array.from({ length: 1000 }, (_, j) => `ns${i}.cut.demo.example A 1 10.${i}.${j >> 8}.${j & 255}`)
    const zone = zoneOf([
      "demo.example NS 1 ns.demo.example",
      ...[1, 2, 3].flatMap((i) => [`cut.demo.example NS 1 ns${i}.cut.demo.example`, ...addresses(i)])
    ].join("\n"))
    const { respond } = sampleResponder(zone)
    const { authority, tc } = read(respond(ask("x.cut.demo.example", "A"), "tcp", "127.0.0.1")!)
    assert.deepStrictEqual([tc, authority.length], [false, 3])
    const found = find(zone, "x.cut.demo.example", "A")
    assert.isTrue(found._tag === "Referral" && found.glue.length === 1)
  })

  it("is not asked of a zone when the records are above it: DS at a zone's own name", () => {
    const zone = zoneOf(`
      demo.example SOA 1 ns.demo.example h.demo.example 1 1 1 1 1
      in.demo.example SOA 1 ns.in.demo.example h.demo.example 1 1 1 1 1
      cut.demo.example NS 1 ns.else.test
      below.cut.demo.example SOA 1 ns.else.test h.demo.example 1 1 1 1 1`)
    const apexOf = (name: string) => {
      const found = find(zone, name, "DS")
      return found._tag === "NoData" ? Buffer.from(found.apex).toString("latin1") : found._tag
    }
    assert.strictEqual(apexOf("in.demo.example"), "\x04demo\x07example\0")
    assert.strictEqual(apexOf("demo.example"), "\x04demo\x07example\0")
    assert.strictEqual(apexOf("below.cut.demo.example"), "Referral")
    assert.strictEqual(tagOf(zone, "in.demo.example", "A"), "NoData")
  })

  it("is not the same record twice", () => {
    const zone = zoneOf(`
      demo.example NS 5 ns.demo.example
      demo.example NS 9 NS.demo.example.
      x.demo.example CNAME 1 a.test
      x.demo.example CNAME 1 A.test.`)
    const found = find(zone, "demo.example", "NS")
    assert.isTrue(found._tag === "Answer" && found.set.data.length === 1 && found.set.ttl === 5)
    assert.deepStrictEqual(zone.problems, [])
  })
})

describe("ACME challenges", () => {
  it("that are a URL are not data, however they are written", () => {
    const contents = ["http://x/y", '"https://x/y"', '"\\104ttp://x"', '"htt" "p://x"', "HTTPS://x", '" http://x"']
    for (const content of contents) {
      const zone = zoneOf(`demo.example NS 1 ns.demo.example\n_ACME-Challenge.demo.example TXT 0 ${content}`)
      assert.strictEqual(tagOf(zone, "_acme-challenge.demo.example", "TXT"), "Fetched", content)
    }
    const both = zoneOf(`
      demo.example NS 1 ns.demo.example
      _acme-challenge.demo.example TXT 0 token
      _acme-challenge.demo.example TXT 0 http://x/y
      url.demo.example TXT 0 http://x/y`)
    const found = find(both, "_acme-challenge.demo.example", "TXT")
    assert.isTrue(found._tag === "Fetched" && found.addresses.join() === "http://x/y" && found.set.data.length === 1)
    assert.deepStrictEqual([...both.challenges], [["http://x/y", "_acme-challenge.demo.example"]])
    assert.strictEqual(tagOf(both, "url.demo.example", "TXT"), "Answer")
  })

  it("are read from http and https alone, and from a bounded number of addresses", () => {
    const zone = zoneOf(`
      demo.example NS 1 ns.demo.example
      _acme-challenge.file.demo.example TXT 9 file:///etc/passwd
      _acme-challenge.bad.demo.example TXT 9 http://[/
      _acme-challenge.same.demo.example TXT 900 http://x/0
      ${Array.from({ length: 66 }, (_, i) => `_acme-challenge.n${i}.demo.example TXT 9 http://x/${i}`).join("\n")}`)
    assert.strictEqual(zone.challenges.size, 64)
    assert.sameMembers(zone.problems.map(({ name, problem }) => `${name.split(".")[1]} ${problem}`), [
      "file no http or https URL: a challenge is not read from there",
      "bad no http or https URL: a challenge is not read from there",
      "n64 challenges are read from 64 addresses at most",
      "n65 challenges are read from 64 addresses at most"
    ])
    // Not the address, and nothing that could be cached for long.
    const found = find(zone, "_acme-challenge.file.demo.example", "TXT")
    assert.isTrue(found._tag === "Fetched" && found.set.data.length === 0 && found.addresses.length === 0)
    const same = find(zone, "_acme-challenge.same.demo.example", "TXT")
    assert.isTrue(same._tag === "Fetched" && same.set.ttl === 60)
  })
})

describe("names that explain", () => {
  it("are beside those that are served, unless something else is written there", () => {
    const zone = makeZoneData({
      records: records(`
        demo.example NS 1 ns.demo.example
        www.demo.example NS 1 ns.elsewhere.test
        web.demo.example CNAME 1 rpc.demo.example
        *.any.demo.example CNAME 1 rpc.demo.example
        x.www.demo.example A 1 192.0.2.9
        explain.text.demo.example TXT 1 written
        explain.mail.demo.example MX 1 10 mail.demo.example
        explain.alias.demo.example CNAME 1 www.demo.example
        explain.away.demo.example NS 1 ns.elsewhere.test`),
      zones: {},
      served: ["rpc.demo.example", "text.demo.example", "mail.demo.example", "alias.demo.example", "away.demo.example"],
      explained: true,
      serial: 1
    })
    const tag = (name: string, type: keyof typeof RecordType) => tagOf(zone, `explain.${name}.demo.example`, type)
    assert.deepStrictEqual(zone.problems, [])
    assert.deepInclude(find(zone, "explain.rpc.demo.example", "TXT"), { _tag: "Explained", name: "rpc.demo.example" })
    assert.deepStrictEqual([tag("rpc", "A"), tag("mail", "TXT"), tag("mail", "MX")], ["NoData", "Explained", "Answer"])
    assert.deepStrictEqual([tag("text", "TXT"), tag("alias", "TXT"), tag("away", "TXT")], [
      "Answer",
      "Alias",
      "Referral"
    ])
    assert.strictEqual(tagOf(zone, "explain.ns.demo.example", "TXT"), "NoName")
    // So are they beside aliases.
    assert.deepInclude(find(zone, "explain.web.demo.example", "TXT"), { _tag: "Explained", name: "web.demo.example" })
    assert.strictEqual(tag("*.any", "TXT"), "NoName")
  })

  it("change the serial", () => {
    const sources = { records: [], zones: {}, served: ["rpc.demo.example"] }
    assert.notStrictEqual(zoneFingerprint(sources), zoneFingerprint({ ...sources, explained: true }))
    assert.strictEqual(zoneFingerprint(sources), zoneFingerprint({ ...sources, explained: false }))
  })
})

describe("zone data", () => {
  it("of an operator's documents have no problems", () => {
    const path = new URL("../fixtures/config/geodns-static.json", import.meta.url)
    const document = Schema.decodeUnknownSync(StaticDns)(JSON.parse(readFileSync(path, "utf8")))
    const zone = makeZoneData({ records: document, zones: {}, served: ["rpc.dotters.example"], serial: 1 })
    assert.deepStrictEqual(problems(zone), [])
    assert.deepStrictEqual(zone.zones, ["dotters.example", "network.example"])
    assert.strictEqual(tagOf(zone, "_acme-challenge.dotters.example", "TXT"), "Fetched")
    assert.strictEqual(tagOf(zone, "www.network.example", "A"), "Alias")
  })

  it("are built in slices", () => {
    const text = Array.from({ length: 2000 }, (_, i) => `h${i}.demo.example A 1 192.0.2.1`).join("\n")
    const slices = zoneDataInSlices({
      records: records(`demo.example NS 1 ns.demo.example\n${text}`),
      zones: {},
      served: Array.from({ length: 2000 }, (_, i) => `s${i}.demo.example`),
      serial: 1
    })
    let pauses = 0
    let step = slices.next()
    for (; step.done !== true; step = slices.next()) pauses++
    assert.isAbove(pauses, 20)
    assert.strictEqual(tagOf(step.value, "h1999.demo.example", "A"), "Answer")
  })

  it("answer for any documents and names without throwing, and only of our zones", () => {
    const label = fc.constantFrom("a", "b", "*", "example", "_acme-challenge")
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join("."))
    const record = fc.record({
      qname: name,
      qtype: fc.constantFrom("A", "NS", "SOA", "CNAME", "TXT", "MX"),
      content: fc.oneof(name, fc.constantFrom("192.0.2.1", "10 a.b", "a b 1 2 3 4 5")),
      ttl: fc.nat(100),
      auth: fc.constant(true),
      domain_id: fc.constant(0)
    })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.array(name, { maxLength: 4 }), name, (all, served, asked) => {
        const zone = makeZoneData({ records: all, zones: {}, served, serial: 1 })
        const key = domainName(asked)!.key
        const isOurs = zone.zones.some((apex) => `.${asked}`.endsWith(`.${apex}`))
        for (const type of [RecordType.A, RecordType.SOA, RecordType.CNAME, RecordType.ANY, 999]) {
          assert.strictEqual(zone.lookup(key, type)._tag !== "Outside", isOurs)
        }
      }),
      { numRuns: 1_500 }
    )
  })

  it("say the same whatever the order of the records", () => {
    const reversed = makeZoneData({
      records: sampleRecords.toReversed(),
      zones: {},
      served: sampleServed.toReversed(),
      serial: sampleZone.serial
    })
    assert.deepStrictEqual(reversed.zones, sampleZone.zones)
    for (const { qname } of [...sampleRecords, { qname: "x.y.child.demo.example" }, { qname: "z.demo.example" }]) {
      for (const type of Object.values(RecordType)) {
        const key: NameKey = domainName(qname)!.key
        assert.strictEqual(reversed.lookup(key, type)._tag, sampleZone.lookup(key, type)._tag, `${qname} ${type}`)
      }
    }
  })
})

describe("accounts", () => {
  const zone = zoneOf(
    `
    demo.example NS 1 ns.demo.example
    ns.demo.example A 1 192.0.2.1
    two.demo.example A 1 192.0.2.2
    *.wild.demo.example A 1 192.0.2.3
    cut.demo.example NS 1 ns.else.test
    other.example NS 1 ns.else.test`,
    { served: ["rpc.demo.example", "api.demo.example"] }
  )
  const account = (name: string, type: keyof typeof RecordType = "A") => {
    const found = find(zone, name, type)
    return found._tag === "Outside" ? assert.fail(name) : found.account
  }

  it("are apart for what has data of its own, and from 1 on", () => {
    const all = [
      account("ns.demo.example"),
      account("two.demo.example"),
      account("x.wild.demo.example"),
      account("rpc.demo.example"),
      account("api.demo.example"),
      account("x.cut.demo.example"),
      account("nothing.demo.example"),
      account("two.demo.example", "TXT"),
      account("nothing.other.example"),
      account("other.example", "MX")
    ]
    assert.strictEqual(new Set(all).size, all.length)
    assert.isTrue(all.every((each) => each >= 1))
  })

  it("are one for all names that can be made up", () => {
    const label = fc.string({ unit: fc.constantFrom(..."abcxyz019"), minLength: 1, maxLength: 20 })
    fc.assert(fc.property(label, label, (one, two) => {
      const names = [`${one}.q.demo.example`, `${two}.q.demo.example`]
      assert.strictEqual(account(names[0]!), account(names[1]!))
      assert.strictEqual(account(`${one}.wild.demo.example`), account(`${two}.${one}.wild.demo.example`))
      assert.strictEqual(account(`${one}.wild.demo.example`, "TXT"), account(`${two}.wild.demo.example`, "MX"))
      assert.strictEqual(account(`${one}.cut.demo.example`), account(`${two}.cut.demo.example`))
    }))
  })
})
