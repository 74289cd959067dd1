import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { domainName } from "../../src/dns/DomainName.ts"
import { RecordType } from "../../src/dns/protocol.ts"
import { readRecordData } from "../../src/dns/RecordData.ts"
import { makeZoneData } from "../../src/dns/ZoneBuilder.ts"
import { doubtsAbout, listZones } from "../../src/dns/zoneListing.ts"
import { explainedZone, records, sampleZone } from "./samples.ts"

const zoneOf = (text: string, served: ReadonlyArray<string> = []) =>
  makeZoneData({ records: records(text), zones: {}, served, serial: 7 })

describe("listing zones", () => {
  it("gives every record so that it can be read again", () => {
    const listed = listZones(sampleZone)
    assert.deepStrictEqual(listed.map(({ name }) => name), sampleZone.zones.map((zone) => `${zone}.`))
    let count = 0
    for (const { records } of listed) {
      for (const { content, name, ttl, type } of records) {
        count++
        assert.isTrue(Result.isSuccess(readRecordData(type, content)), `${name} ${ttl} ${type} ${content}`)
      }
    }
    const data = [...sampleZone.nodes.values()].flatMap(({ found }) =>
      [...found.values()].flatMap((there) => there._tag === "Answer" || there._tag === "Fetched" ? there.set.data : [])
    )
    assert.strictEqual(count, data.length)
    const again = makeZoneData({
      records: listed.flatMap(({ records }) => records).map(({ content, name, ttl, type }) => ({
        qname: name,
        qtype: type,
        ttl,
        content,
        auth: true,
        domain_id: 0
      })),
      zones: {},
      served: [],
      serial: sampleZone.serial
    })
    assert.deepStrictEqual(listZones(again).map(({ records }) => records), listed.map(({ records }) => records))
  })

  it("gives back quotes, backslashes and other bytes of texts, however they are written", () => {
    const text = fc.uint8Array({ maxLength: 40 }).map((bytes) =>
      [...bytes].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")
    )
    fc.assert(fc.property(text, text, (value, string) => {
      const written = [
        { qtype: "NS", content: "ns.other.test" },
        { qtype: "CAA", content: `0 issue "${value}"` },
        { qtype: "TXT", content: `"${string}" "x\\"y\\\\"` }
      ].map((record) => ({ qname: "demo.example", ttl: 60, auth: true, domain_id: 0, ...record }))
      const zoneWith = (records: typeof written) => makeZoneData({ records, zones: {}, served: [], serial: 7 })
      const [first] = listZones(zoneWith(written))
      const again = first!.records.map(({ content, name, ttl, type }) => ({
        qname: name,
        qtype: type,
        ttl,
        content,
        auth: true,
        domain_id: 0
      }))
      const [second] = listZones(zoneWith(again))
      assert.lengthOf(first!.records, 4)
      assert.deepStrictEqual(second!.records, first!.records)
      const dataOf = (zone: ReturnType<typeof zoneWith>, type: number) => {
        const found = zone.lookup(domainName("demo.example")!.key, type)
        return found._tag === "Answer" ? found.set.data.map((data) => Buffer.from(data).toString("hex")) : []
      }
      for (const type of [RecordType.CAA, RecordType.TXT]) {
        assert.lengthOf(dataOf(zoneWith(written), type), 1)
        assert.deepStrictEqual(dataOf(zoneWith(again), type), dataOf(zoneWith(written), type))
      }
    }))
  })

  it("begins with SOA and NS, then has a name before what is below it", () => {
    const [zone] = listZones(zoneOf(`
      b.demo.example A 1 192.0.2.1
      a.b.demo.example A 1 192.0.2.2
      z.a.demo.example A 1 192.0.2.3
      c.demo.example MX 1 5 b.demo.example
      demo.example TXT 1 apex
      demo.example NS 1 b.demo.example`))
    assert.deepStrictEqual(zone!.records.map(({ name, type }) => `${name} ${type}`), [
      "demo.example. SOA",
      "demo.example. NS",
      "demo.example. TXT",
      "z.a.demo.example. A",
      "b.demo.example. A",
      "a.b.demo.example. A",
      "c.demo.example. MX"
    ])
    assert.strictEqual(zone!.records.at(-1)!.content, "5 b.demo.example.")
  })

  it("names what is found out for each question, and never the address of a challenge", () => {
    const answers = (zone: typeof sampleZone) =>
      listZones(zone).flatMap(({ answers }) => answers).map(({ from, name, type }) => `${name} ${type} ${from}`)
    assert.include(answers(sampleZone), "rpc.demo.example. A/AAAA members")
    assert.include(answers(sampleZone), "_acme-challenge.demo.example. TXT challenge")
    assert.include(answers(explainedZone), "explain.rpc.demo.example. TXT explanation")
    assert.notInclude(JSON.stringify(listZones(sampleZone)), "http")
    const away = zoneOf("demo.example NS 1 ns.demo.example\nchild.demo.example NS 1 ns.other.test", [
      "x.child.demo.example"
    ])
    assert.deepStrictEqual(answers(away), [])
  })
})

describe("doubts about zones", () => {
  const doubts = (text: string, served: ReadonlyArray<string> = []) =>
    doubtsAbout(zoneOf(text, served)).map(({ name, problem, type }) => `${name} ${type}: ${problem}`)

  it("are names of ours that are not there, and servers that are aliases", () => {
    assert.sameMembers(
      doubts(`
        demo.example NS 1 gone.demo.example
        demo.example MX 1 10 alias.demo.example
        alias.demo.example CNAME 1 demo.example
        _x._tcp.demo.example SRV 1 1 2 3 missing.demo.example
        lost.demo.example CNAME 1 nowhere.demo.example`),
      [
        "demo.example NS: gone.demo.example does not exist",
        "demo.example MX: alias.demo.example is an alias (RFC 2181, 10.3)",
        "_x._tcp.demo.example SRV: missing.demo.example does not exist",
        "lost.demo.example CNAME: nowhere.demo.example does not exist"
      ]
    )
  })

  it("are servers that nobody can reach, and addresses in place of members", () => {
    assert.sameMembers(
      doubts(
        `
        demo.example NS 1 ns.elsewhere.test
        child.demo.example NS 1 ns.child.demo.example
        child.demo.example NS 1 ns2.child.demo.example
        ns2.child.demo.example AAAA 1 2001:db8::1
        rpc.demo.example AAAA 1 2001:db8::2`,
        ["rpc.demo.example"]
      ),
      [
        "child.demo.example NS: ns.child.demo.example is in what it delegates: without an A or AAAA record here nobody can reach it",
        "rpc.demo.example AAAA: services have URLs on this name: the address that is written here is answered instead of their members"
      ]
    )
  })

  it("are not about what others know, steered names, wildcards and aliases of aliases", () => {
    assert.deepStrictEqual(
      doubts(
        `
        demo.example NS 1 ns.elsewhere.test
        demo.example MX 1 0 .
        child.demo.example NS 1 ns.child.demo.example
        ns.child.demo.example A 1 192.0.2.53
        www.demo.example CNAME 1 rpc.demo.example
        web.demo.example CNAME 1 www.demo.example
        any.demo.example CNAME 1 x.wild.demo.example
        below.demo.example CNAME 1 host.child.demo.example
        *.wild.demo.example A 1 192.0.2.1`,
        ["rpc.demo.example"]
      ),
      []
    )
  })

  it("are aliases in a circle, and such as end nowhere however long the way is", () => {
    assert.sameMembers(
      doubts(`
        demo.example NS 1 ns.elsewhere.test
        l1.demo.example CNAME 1 l2.demo.example
        l2.demo.example CNAME 1 l1.demo.example
        in.demo.example CNAME 1 l1.demo.example
        self.demo.example CNAME 1 self.demo.example
        a.demo.example CNAME 1 b.demo.example
        b.demo.example CNAME 1 gone.demo.example
        empty.demo.example CNAME 1 ent.demo.example
        x.ent.demo.example A 1 192.0.2.1
        text.demo.example CNAME 1 here.demo.example
        here.demo.example TXT 1 no address and yet something`),
      [
        "l1.demo.example CNAME: aliases in a circle have no answer: l1.demo.example → l2.demo.example → l1.demo.example",
        "l2.demo.example CNAME: aliases in a circle have no answer: l2.demo.example → l1.demo.example → l2.demo.example",
        "in.demo.example CNAME: aliases in a circle have no answer: l1.demo.example → l2.demo.example → l1.demo.example",
        "self.demo.example CNAME: aliases in a circle have no answer: self.demo.example → self.demo.example",
        "a.demo.example CNAME: gone.demo.example does not exist (a.demo.example → b.demo.example → gone.demo.example)",
        "b.demo.example CNAME: gone.demo.example does not exist",
        "empty.demo.example CNAME: ent.demo.example has no records"
      ]
    )
  })

  const delegated = `
    demo.example NS 1 ns.elsewhere.test
    sub.demo.example NS 1 ns.sub.demo.example
    ns.sub.demo.example A 1 192.0.2.53
    sub.demo.example A 1 192.0.2.1
    x.sub.demo.example A 1 192.0.2.2
    deep.sub.demo.example NS 1 ns.elsewhere.test`

  it("are records that a delegation hides, which are listed apart", () => {
    assert.sameMembers(doubts(delegated), [
      "sub.demo.example A: sub.demo.example is delegated: this is no address of one of its servers, and is never answered",
      "x.sub.demo.example A: sub.demo.example is delegated: this is no address of one of its servers, and is never answered",
      "deep.sub.demo.example NS: sub.demo.example is delegated: this is below that, and is never answered"
    ])
    const [zone] = listZones(zoneOf(delegated))
    const named = (records: ReadonlyArray<{ readonly name: string; readonly type: string }>) =>
      records.map(({ name, type }) => `${name} ${type}`)
    assert.deepStrictEqual(named(zone!.hidden), [
      "sub.demo.example. A",
      "deep.sub.demo.example. NS",
      "x.sub.demo.example. A"
    ])
    assert.includeMembers(named(zone!.records), ["sub.demo.example. NS", "ns.sub.demo.example. A"])
    assert.lengthOf(zone!.records, 4)
  })

  it("are zones that do not say who serves them", () => {
    assert.deepStrictEqual(doubts("", ["rpc.demo.example"]), [
      "demo.example NS: the zone has no NS records: add one for each of its name servers"
    ])
  })

  it("leave to members only the types that are not written", () => {
    const listed = (text: string) =>
      listZones(zoneOf(`demo.example NS 1 ns.elsewhere.test\n${text}`, ["rpc.demo.example"]))
        .flatMap(({ answers }) => answers).map(({ type }) => type)
    const [ipv4, ipv6] = ["rpc.demo.example A 1 192.0.2.1", "rpc.demo.example AAAA 1 2001:db8::1"]
    assert.deepStrictEqual(listed(""), ["A/AAAA"])
    assert.deepStrictEqual(listed(ipv4), ["AAAA"])
    assert.deepStrictEqual(listed(ipv6), ["A"])
    assert.deepStrictEqual(listed(`${ipv4}\n${ipv6}`), [])
  })

  it("the same record twice is served with the lower of its TTLs", () => {
    const [zone] = listZones(zoneOf(`
      demo.example NS 1 ns.elsewhere.test
      a.demo.example A 300 192.0.2.1
      a.demo.example A 60 192.0.2.1`))
    assert.deepStrictEqual(zone!.records.filter(({ type }) => type === "A").map(({ ttl }) => ttl), [60])
  })
})
