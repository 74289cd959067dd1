import { assert, describe, it } from "@effect/vitest"
import { type AnswerPolicy, noPolicy } from "../../src/dns/AnswerPolicy.ts"
import { clientNetworks } from "../../src/dns/ClientNetwork.ts"
import { Cookies } from "../../src/dns/Cookies.ts"
import { decodeQuery } from "../../src/dns/decodeQuery.ts"
import { RateLimiter, type RateLimits, seedWords } from "../../src/dns/RateLimiter.ts"
import { ask, message, opt, option, question, read, subnetOption } from "./packets.ts"
import { sampleResponder, sampleZone } from "./samples.ts"

const client = "0102030405060708"
const nsid = option(3, Buffer.from("ns1-tokyo"))

/** A responder with a policy, whose clock can be set, and what it held back. */
const protectedBy = (policy: Partial<AnswerPolicy> & { readonly limits?: RateLimits }) => {
  const clock = { now: 1_800_000_000_000 }
  const limited: Array<string> = []
  const { limits, ...rest } = policy
  const now: AnswerPolicy = {
    ...noPolicy,
    limiter: limits === undefined ? undefined : new RateLimiter(limits, new Uint32Array(seedWords)),
    ...rest
  }
  const sample = sampleResponder(sampleZone, undefined, {
    policy: () => now,
    now: () => clock.now,
    limited: (verdict, remote) => void limited.push(`${verdict} ${remote}`)
  })
  const over = (transport: "udp" | "tcp") => (packet: Buffer, remote = "203.0.113.9") => {
    const response = sample.respond(packet, transport, remote)
    return response === undefined ? undefined : read(response)
  }
  return { ...sample, clock, limited, udp: over("udp"), tcp: over("tcp") }
}

const cookies = new Cookies([Buffer.alloc(16, 7)])
const withOptions = (options: ReadonlyArray<Buffer>, name = "demo.example", type = "A") =>
  message({ questions: [question(name, type)], additional: [opt({ options })] })
const withCookie = (hex: string, name?: string, type?: string) =>
  withOptions([option(10, Buffer.from(hex, "hex"))], name, type)

describe("rate limit", () => {
  const two = { responsesPerSecond: 2, slip: 2 }

  it("drops what is too much, sends every second one truncated, and goes on with time", () => {
    const { clock, hits, limited, tally, udp } = protectedBy({ limits: two })
    const query = ask("rpc.demo.example", "A")
    const answers = Array.from({ length: 6 }, () => udp(query))
    assert.deepStrictEqual(answers.map((each) => each?.answers.length), [1, 1, undefined, 0, undefined, 0])
    assert.deepInclude(answers[3]!, {
      rcode: 0,
      tc: true,
      aa: true,
      question: "rpc.demo.example A",
      answers: [],
      authority: [],
      opts: 1
    })
    assert.deepStrictEqual(limited, ["drop", "truncate", "drop", "truncate"].map((each) => `${each} 203.0.113.9`))
    // What a client did not get is no usage; what it got truncated was answered.
    assert.lengthOf(hits, 2)
    assert.lengthOf(tally, 4)
    clock.now += 500
    assert.isFalse(udp(query)!.tc)
    assert.isUndefined(udp(query))
  })

  it("never holds back over TCP", () => {
    const { limited, tcp, udp } = protectedBy({ limits: { responsesPerSecond: 1, slip: 0 } })
    const query = ask("rpc.demo.example", "A")
    udp(query)
    assert.isUndefined(udp(query))
    for (let i = 0; i < 20; i++) assert.lengthOf(tcp(query)!.answers, 1)
    assert.lengthOf(limited, 1)
  })

  it("counts names apart that have data, and together what anybody can make up", () => {
    const sent = (...queries: ReadonlyArray<Buffer>) => {
      const { udp } = protectedBy({ limits: { responsesPerSecond: 1, slip: 0 } })
      return queries.map((query) => udp(query) !== undefined)
    }
    assert.deepStrictEqual(sent(ask("rpc.demo.example", "A"), ask("fixed.demo.example", "A")), [true, true])
    assert.deepStrictEqual(sent(ask("rpc.demo.example", "A"), ask("RPC.demo.example", "AAAA")), [true, false])
    assert.deepStrictEqual(sent(ask("a.demo.example", "A"), ask("b.c.demo.example", "TXT")), [true, false])
    assert.deepStrictEqual(sent(ask("a.demo.example", "A"), ask("a.own.example", "A")), [true, true])
    assert.deepStrictEqual(sent(ask("a.wild.demo.example", "A"), ask("b.wild.demo.example", "A")), [true, false])
    assert.deepStrictEqual(sent(ask("a.alias.demo.example", "A"), ask("b.alias.demo.example", "A")), [true, false])
    assert.deepStrictEqual(sent(ask("a.child.demo.example", "A"), ask("b.child.demo.example", "A")), [true, false])
    assert.deepStrictEqual(sent(ask("a.test", "A"), ask("b.example.org", "MX")), [true, false])
    assert.deepStrictEqual(sent(message({}), Buffer.concat([ask("a.test", "A"), Buffer.alloc(1)])), [true, false])
    const update = message({ flags: 0x2800 })
    assert.deepStrictEqual(sent(message({}), update, ask("a.test", "A"), update), [true, true, true, false])
  })

  it("counts a client's network, not the subnet that it asks for", () => {
    const { udp } = protectedBy({ limits: { responsesPerSecond: 1, slip: 0 } })
    const query = (last: number) => ask("rpc.demo.example", "A", { subnet: subnetOption(1, 24, [198, 18, last]) })
    assert.isDefined(udp(query(1), "192.0.2.1"))
    assert.isUndefined(udp(query(2), "192.0.2.99"))
    assert.isDefined(udp(query(2), "192.0.3.1"))
    assert.isDefined(udp(query(1), "fe80::1%eth0"))
    assert.isUndefined(udp(query(1), "fe80::2%eth1"))
  })

  it("leaves alone whom the settings exempt", () => {
    const exempt = clientNetworks(["203.0.113.0/28", "2001:db8::/32"])
    const { limited, udp } = protectedBy({ limits: { responsesPerSecond: 1, slip: 0 }, exempt })
    const query = ask("demo.example", "A")
    for (const remote of ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1"]) {
      for (let i = 0; i < 5; i++) assert.isDefined(udp(query, remote))
    }
    assert.deepStrictEqual(limited, [])
    udp(query, "203.0.113.77")
    assert.isUndefined(udp(query, "203.0.113.77"))
  })

  it("leaves alone who has a cookie of ours, and nobody else", () => {
    const { clock, udp } = protectedBy({ limits: { responsesPerSecond: 1, slip: 0 }, cookies })
    const given = udp(withCookie(client))!.cookie!
    assert.isUndefined(udp(withCookie(client)))
    for (let i = 0; i < 5; i++) assert.isFalse(udp(withCookie(given))!.tc)
    assert.isDefined(udp(withCookie(given), "192.0.2.2"))
    assert.isUndefined(udp(withCookie(given), "192.0.2.2"))
    clock.now += 3_601_000
    udp(withCookie(given))
    assert.isUndefined(udp(withCookie(given)))
  })

  it("leaves alone who has one that is renewed, as long as it holds", () => {
    const { clock, udp } = protectedBy({ limits: { responsesPerSecond: 1, slip: 0 }, cookies })
    const given = udp(withCookie(client))!.cookie!
    for (const age of [0, 1_799, 1_800, 3_600]) {
      clock.now = 1_800_000_000_000 + age * 1_000
      const answers = Array.from({ length: 5 }, () => udp(withCookie(given)))
      assert.deepStrictEqual(answers.map((answer) => answer?.answers.length), [1, 1, 1, 1, 1], `after ${age} s`)
      assert.isTrue(answers.every((answer) => (answer!.cookie === given) === age < 1_800), `after ${age} s`)
    }
  })

  it("gives a cookie with what it truncates", () => {
    const { udp } = protectedBy({ limits: { responsesPerSecond: 1, slip: 1 }, cookies })
    udp(withCookie(client))
    const { cookie, tc } = udp(withCookie(client))!
    assert.isTrue(tc)
    assert.isFalse(udp(withCookie(cookie!))!.tc)
  })
})

describe("cookies", () => {
  it("come with every answer to a client that sends one, and with no other", () => {
    const { tcp, udp } = protectedBy({ cookies })
    for (const exchange of [udp, tcp]) {
      for (
        const name of ["demo.example", "rpc.demo.example", "nothing.demo.example", "example.org", "big.demo.example"]
      ) {
        const { cookie } = exchange(withCookie(client, name, "TXT"))!
        assert.match(cookie!, /^010203040506070801000000[0-9a-f]{24}$/, name)
        assert.strictEqual(exchange(ask(name, "TXT"))!.cookie, "", name)
      }
    }
    const bad = udp(withOptions([option(10, Buffer.from(client, "hex")), subnetOption(9, 0, [])]))!
    assert.strictEqual(bad.rcode, 1)
    assert.lengthOf(bad.cookie!, 48)
    assert.strictEqual(udp(withCookie(client, "demo.example", "AXFR"))!.cookie!.length, 48)
  })

  it("stay the same for half an hour, then there is a new one", () => {
    const { clock, udp } = protectedBy({ cookies })
    const first = udp(withCookie(client))!.cookie!
    clock.now += 1_799_000
    assert.strictEqual(udp(withCookie(first))!.cookie, first)
    clock.now += 1_000
    const second = udp(withCookie(first))!.cookie!
    assert.notStrictEqual(second, first)
    assert.strictEqual(udp(withCookie(second))!.cookie, second)
  })

  it("that are not ours are answered as if there were none", () => {
    const { udp } = protectedBy({ cookies })
    for (const server of ["00".repeat(8), "01".repeat(16), "02".repeat(32)]) {
      const answer = udp(withCookie(client + server))!
      assert.deepInclude(answer, { rcode: 0, answers: ["demo.example 300 A 192.0.2.10"] })
      assert.lengthOf(answer.cookie!, 48)
      assert.notInclude(answer.cookie!, server)
    }
  })

  it("of several the first counts (RFC 7873, 5.2)", () => {
    const { udp } = protectedBy({ cookies })
    const options = [option(10, Buffer.alloc(8, 1)), option(10, Buffer.alloc(8, 2)), option(10, Buffer.alloc(3))]
    assert.isTrue(udp(withOptions(options))!.cookie!.startsWith("01".repeat(8)))
  })

  it("may be asked for without a question (RFC 7873, 5.4)", () => {
    const { respond, tally, udp } = protectedBy({ cookies })
    const alone = (hex: string) => message({ additional: [opt({ options: [option(10, Buffer.from(hex, "hex"))] })] })
    const first = udp(alone(client))!
    assert.deepInclude(first, { rcode: 0, question: "", answers: [], authority: [], opts: 1 })
    assert.deepInclude(udp(alone(first.cookie!))!, { rcode: 0, cookie: first.cookie })
    const wrong = udp(alone(client + "01".repeat(16)))!
    assert.deepInclude(wrong, { rcode: 23, answers: [] })
    assert.deepInclude(udp(alone(wrong.cookie!))!, { rcode: 0 })
    assert.deepStrictEqual(tally.map(([type]) => type), [0, 0, 0, 0])
    // Without a cookie, or with a broken one, no question is still an error.
    for (const options of [[], [option(10, Buffer.alloc(9))], [option(3, [])]]) {
      assert.strictEqual(read(respond(message({ additional: [opt({ options })] }), "udp", "192.0.2.1")!).rcode, 1)
    }
    assert.strictEqual(read(respond(message({}), "udp", "192.0.2.1")!).rcode, 1)
    assert.strictEqual(decodeQuery(message({ additional: [opt()] }))!.rcode, 1)
    assert.strictEqual(decodeQuery(message({}))!.rcode, 1)
  })

  it("that are off are not looked at, and no question is an error", () => {
    const { udp } = protectedBy({})
    assert.deepInclude(udp(withCookie(client))!, { rcode: 0, cookie: "" })
    const alone = message({ additional: [opt({ options: [option(10, Buffer.alloc(8))] })] })
    assert.deepInclude(udp(alone)!, { rcode: 1, cookie: "" })
  })

  it("hold for one address, whatever family the socket has", () => {
    const { udp } = protectedBy({ cookies, limits: { responsesPerSecond: 1, slip: 0 } })
    const six = udp(withCookie(client), "2001:db8::1")!.cookie!
    const four = udp(withCookie(client), "::ffff:192.0.2.1")!.cookie!
    for (let i = 0; i < 3; i++) {
      assert.strictEqual(udp(withCookie(six), "2001:db8::1")!.cookie, six)
      assert.strictEqual(udp(withCookie(four), "192.0.2.1")!.cookie, four)
    }
    assert.isUndefined(udp(withCookie(six), "2001:db8::2"))
  })
})

describe("NSID", () => {
  it("comes only when it is asked for, whatever the answer (RFC 5001)", () => {
    const { tcp, udp } = protectedBy({ nsid })
    for (const name of ["demo.example", "nothing.demo.example", "example.org"]) {
      assert.strictEqual(udp(withOptions([option(3, [])], name))!.nsid, "ns1-tokyo")
      assert.strictEqual(tcp(withOptions([option(3, [])], name))!.nsid, "ns1-tokyo")
      assert.strictEqual(udp(ask(name, "A"))!.nsid, "")
    }
    assert.strictEqual(udp(ask("demo.example", "A", { edns: false }))!.opts, 0)
  })

  it("does not come when none is set", () => {
    assert.strictEqual(protectedBy({}).udp(withOptions([option(3, [])]))!.nsid, "")
  })

  it("fits into what is truncated, with cookie, subnet and the longest name", () => {
    const longest = option(3, Buffer.alloc(128, 0x61))
    const { respond } = protectedBy({ nsid: longest, cookies, limits: { responsesPerSecond: 1, slip: 1 } })
    const label = (char: string, length: number) => char.repeat(length)
    const name = `${label("a", 60)}.${label("b", 60)}.${label("c", 60)}.${label("d", 57)}.demo.example`
    const query = message({
      questions: [question(name, "A")],
      additional: [opt({
        bytes: 512,
        options: [option(3, []), option(10, Buffer.alloc(8, 1)), subnetOption(2, 128, Array(16).fill(1))]
      })]
    })
    for (const tc of [true, true]) {
      const response = respond(query, "udp", "203.0.113.9")!
      assert.isAtMost(response.length, 512)
      const reading = read(response)
      assert.deepInclude(reading, { tc, nsid: "a".repeat(128), used: response.length })
      assert.lengthOf(reading.cookie!, 48)
      assert.lengthOf(reading.subnet!, 40)
    }
  })
})
