import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeResponder, serverFailure } from "../../src/dns/Responder.ts"
import type { Hit } from "../../src/usage/Usage.ts"
import { ask, message, question, read, subnetOption } from "./packets.ts"
import { responsesConformance } from "./Responses.conformance.ts"
import { explainedZone, locate, sampleResponder, sampleZone } from "./samples.ts"

responsesConformance("pure", (use) =>
  Effect.suspend(() => {
    const { respond } = sampleResponder()
    return use((packet) => Effect.sync(() => respond(packet, "tcp", "127.0.0.1")))
  }))

const osaka = subnetOption(1, 24, [203, 0, 113])

describe("Responder", () => {
  it("is silent to what is shorter than a header, and to responses", () => {
    const { respond, tally } = sampleResponder()
    const query = ask("demo.example", "A")
    assert.isUndefined(respond(Buffer.alloc(0), "udp", "127.0.0.1"))
    assert.isUndefined(respond(query.subarray(0, 11), "udp", "127.0.0.1"))
    const response = Buffer.from(query)
    response[2]! |= 0x80
    assert.isUndefined(respond(response, "udp", "127.0.0.1"))
    assert.deepStrictEqual(tally, [])
  })

  it("echoes the bytes of the question, whatever they are", () => {
    const { respond } = sampleResponder()
    const asked = question("\xc3(\x00.D\\e.dEMO.example", 65280)
    const response = respond(message({ questions: [asked] }), "udp", "127.0.0.1")!
    assert.deepStrictEqual(response.subarray(12, 12 + asked.length), asked)
  })

  it("sends what does not fit over UDP without records and with TC", () => {
    const { respond } = sampleResponder()
    const small = read(respond(ask("middle.demo.example", "TXT", { edns: false }), "udp", "127.0.0.1")!)
    assert.deepInclude(small, { tc: true, answers: [], aa: true, rcode: 0 })
    assert.deepInclude(read(respond(ask("middle.demo.example", "TXT"), "udp", "127.0.0.1")!), { tc: false })
    const least = ask("middle.demo.example", "TXT", { bytes: 100 })
    assert.deepInclude(read(respond(least, "udp", "127.0.0.1")!), { tc: true, opts: 1 })
    const most = ask("big.demo.example", "TXT", { bytes: 65535 })
    assert.deepInclude(read(respond(most, "udp", "127.0.0.1")!), { tc: true, opts: 1 })
    const whole = read(respond(most, "tcp", "127.0.0.1")!)
    assert.isFalse(whole.tc)
    assert.strictEqual(whole.answers[0]!.replaceAll("|", "").length, "big.demo.example 300 TXT ".length + 3000)
  })

  it("records each steered answer once: name, member, place and family", () => {
    const { hits, respond } = sampleResponder()
    respond(ask("RPC.demo.example", "A", { subnet: osaka }), "udp", "127.0.0.1")
    respond(ask("www.demo.example", "AAAA", { subnet: osaka }), "tcp", "127.0.0.1")
    respond(ask("empty.demo.example", "A"), "udp", "127.0.0.1")
    assert.deepStrictEqual(hits.map(({ domain, ipv6, member, place }) => [domain, member, ipv6, place.country]), [
      ["rpc.demo.example", "Osaka", false, "JP"],
      ["rpc.demo.example", "Osaka", true, "JP"],
      ["empty.demo.example", "(none)", false, "??"]
    ])
  })

  it("records nothing else: static and negative answers, errors, other types, truncated answers", () => {
    const { hits, respond } = sampleResponder()
    const names = ["demo.example", "fixed.demo.example", "nothing.demo.example", "example.org", "lost.demo.example"]
    for (const name of names) respond(ask(name, "A"), "udp", "127.0.0.1")
    for (const type of ["TXT", "CAA", "ANY", "HTTPS"]) respond(ask("rpc.demo.example", type), "udp", "127.0.0.1")
    respond(ask("rpc.demo.example", "A", { subnet: subnetOption(9, 0, []) }), "udp", "127.0.0.1")
    assert.isTrue(read(respond(ask("many.demo.example", "AAAA", { edns: false }), "udp", "127.0.0.1")!).tc)
    assert.deepStrictEqual(hits, [])
    assert.lengthOf(read(respond(ask("many.demo.example", "AAAA"), "tcp", "127.0.0.1")!).answers, 40)
    assert.lengthOf(hits, 1)
  })

  it("asks steering for the client subnet, and never for (0, 0)", () => {
    const { clients, respond } = sampleResponder()
    respond(ask("rpc.demo.example", "A", { subnet: osaka }), "udp", "2001:db8:81::7")
    respond(ask("rpc.demo.example", "A"), "udp", "2001:db8:81:12::7")
    respond(ask("rpc.demo.example", "A"), "udp", "::ffff:203.0.113.99")
    respond(ask("rpc.demo.example", "A"), "udp", "198.18.7.9")
    respond(ask("rpc.demo.example", "A"), "udp", "fe80::1%eth0")
    assert.deepStrictEqual(clients, [
      { location: { latitude: 35, longitude: 135 }, scope: "203.0.112.0/20" },
      { location: { latitude: 52, longitude: 13 }, scope: "2001:db8:81::/48" },
      { location: { latitude: 35, longitude: 135 }, scope: "203.0.112.0/20" },
      { location: undefined, scope: "198.18.7.0/24" },
      { location: undefined, scope: "fe80::/56" }
    ])
  })

  it("counts each response with its type and code", () => {
    const { respond, tally } = sampleResponder()
    respond(ask("rpc.demo.example", "A"), "udp", "127.0.0.1")
    respond(ask("nothing.demo.example", "TXT"), "udp", "127.0.0.1")
    respond(message({}), "udp", "127.0.0.1")
    assert.deepStrictEqual(tally, [[1, 0], [16, 3], [0, 1]])
  })

  it("explains for the client when that is wanted, with its scope, and counts nothing", () => {
    const { hits, respond } = sampleResponder(explainedZone)
    const answer = (name: string, type = "TXT", remote = "127.0.0.1", subnet?: Buffer) =>
      read(respond(ask(name, type, subnet === undefined ? {} : { subnet }), "udp", remote)!)
    const explained = answer("explain.rpc.demo.example", "TXT", "127.0.0.1", osaka)
    assert.deepStrictEqual(explained.answers, ["explain.rpc.demo.example 5 TXT rpc.demo.example for 203.0.112.0/20"])
    assert.deepInclude(explained, { rcode: 0, aa: true })
    assert.deepInclude(answer("explain.rpc.demo.example", "TXT", "nowhere"), { rcode: 2, aa: false, answers: [] })
    assert.deepInclude(answer("explain.rpc.demo.example", "A"), { rcode: 0, answers: [] })
    assert.strictEqual(answer("x.explain.rpc.demo.example").rcode, 3)
    const unexplained = sampleResponder().respond(ask("explain.rpc.demo.example", "TXT"), "udp", "127.0.0.1")!
    assert.strictEqual(read(unexplained).rcode, 3)
    assert.deepStrictEqual(hits, [])
  })

  it("leaves out addresses that are none of the family", () => {
    const hits: Array<Hit> = []
    const respond = makeResponder({
      zone: () => sampleZone,
      choose: () => ({ addresses: ["192.0.2.300", "", "2001:db8::1", "192.0.2.7"], members: ["One"], ttl: 1e12 }),
      explain: () => undefined,
      challenge: () => undefined,
      locate,
      record: (hit) => void hits.push(hit),
      tally: () => {}
    })
    const answers = (type: string) => read(respond(ask("rpc.demo.example", type), "udp", "127.0.0.1")!).answers
    assert.deepStrictEqual(answers("A"), ["rpc.demo.example 2147483647 A 192.0.2.7"])
    assert.deepStrictEqual(answers("AAAA"), ["rpc.demo.example 2147483647 AAAA 2001:db8::1"])
    assert.lengthOf(hits, 2)
  })

  it("answers SERVFAIL for what failed, and nothing to what is no query", () => {
    const query = ask("rpc.demo.example", "A", { subnet: osaka })
    assert.deepInclude(read(serverFailure(query)!), { rcode: 2, question: "rpc.demo.example A", answers: [], opts: 1 })
    assert.isUndefined(serverFailure(query.subarray(0, 8)))
  })
})
