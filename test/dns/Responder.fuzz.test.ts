import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Cookies } from "../../src/dns/Cookies.ts"
import type { Transport } from "../../src/dns/decodeQuery.ts"
import { RateLimiter, seedWords } from "../../src/dns/RateLimiter.ts"
import { heldBytes } from "./heap.ts"
import { ask, message, opt, option, question, read, subnetOption } from "./packets.ts"
import { sampleRecords, sampleResponder, sampleServed, sampleZone } from "./samples.ts"

const names = [
  ...new Set([...sampleRecords.map(({ qname }) => qname), ...sampleServed, "x.wild.demo.example", "", "org"])
]

const label = fc.uint8Array({ minLength: 1, maxLength: 63, size: "max" }).map((bytes) =>
  Buffer.from(bytes).toString("latin1")
)
const name = fc.oneof(
  fc.constantFrom(...names),
  fc.tuple(label, fc.constantFrom(...names)).map(([first, rest]) => `${first.replaceAll(".", "-")}.${rest}`)
)
const type = fc.oneof(fc.constantFrom("A", "AAAA", "TXT", "SOA", "NS", "CNAME", "ANY", "AXFR"), fc.nat(65535))
const options = fc.array(
  fc.oneof(
    fc.record({ family: fc.nat(3), source: fc.nat(140), address: fc.array(fc.nat(255), { maxLength: 17 }) })
      .map(({ address, family, source }) => subnetOption(family, source, address)),
    fc.nat(255).map((bits) => subnetOption(1, 24, [bits, 0, 113])),
    fc.array(fc.nat(255), { maxLength: 44 }).map((data) => option(10, data)),
    fc.constantFrom(8, 24).map((length) => option(10, Buffer.alloc(length, 1))),
    fc.constantFrom("", "x").map((data) => option(3, Buffer.from(data))),
    fc.tuple(fc.nat(65535), fc.array(fc.nat(255), { maxLength: 20 })).map(([code, data]) => option(code, data))
  ),
  { maxLength: 3 }
)
const sound = fc.record({
  id: fc.nat(65535),
  flags: fc.constantFrom(0, 0x0100, 0x0110, 0x2800, 0x8000),
  name,
  type,
  class: fc.constantFrom(1, 1, 1, 1, 3, 255),
  bytes: fc.constantFrom(0, 512, 1232, 4096, 65535),
  version: fc.constantFrom(0, 0, 0, 1),
  options,
  opts: fc.constantFrom(0, 1, 1, 1, 2),
  asks: fc.constantFrom(1, 1, 1, 1, 0)
}).map((query) =>
  message({
    id: query.id,
    flags: query.flags,
    questions: query.asks === 0 ? [] : [question(query.name, query.type, query.class)],
    additional: Array.from({ length: query.opts }, () => opt(query))
  })
)
/** Whole numbers below `n`, the same in every run (mulberry32): 100,000 messages are too many for shrinkable ones. */
const numbers = (seed: number): (n: number) => number => {
  let state = seed
  return (n) => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) % n
  }
}

const noise = (random: (n: number) => number, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => random(256)))

/** Some bytes changed, some cut off, some added; a pointer put in, a count blown up. */
const mutate = (random: (n: number) => number, packet: Buffer): Buffer => {
  const changed = Buffer.from(packet)
  for (let changes = random(5); changes > 0; changes--) changed[random(changed.length)] = random(256)
  if (random(8) === 0 && changed.length > 14) {
    const at = 12 + random(changed.length - 13)
    changed.writeUInt16BE(0xc000 | random(4) * at, at)
  }
  if (random(16) === 0) changed.writeUInt16BE(random(2) === 0 ? 0xffff : random(65536), 4 + 2 * random(4))
  const kept = random(3) === 0 ? changed.subarray(0, random(4 + changed.length)) : changed
  return random(3) === 0 ? Buffer.concat([kept, noise(random, random(12))]) : kept
}

const must = (holds: boolean, what: string, packet: Buffer): void => {
  if (!holds) assert.fail(`${what}: ${packet.toString("hex")}`)
}

/** With cookies and a name, and with a limit that now and then is reached. */
const limits: Array<string> = []
const seen = new Set<string | number>()
let time = 1_800_000_000_000
const policy = {
  limiter: new RateLimiter({ responsesPerSecond: 20_000, slip: 2 }, new Uint32Array(seedWords), 1024),
  exempt: [],
  cookies: new Cookies([Buffer.alloc(16, 7)]),
  nsid: option(3, Buffer.from("ns1"))
}
const { clients, hits, respond, tally } = sampleResponder(sampleZone, undefined, {
  policy: () => policy,
  now: () => time += 0.02,
  limited: (verdict) => void limits.push(verdict)
})

/** What a response says that can be seen without reading its records. */
const glance = (response: Buffer) => ({
  used: response.length,
  id: response.readUInt16BE(0),
  qr: (response[2]! & 0x80) !== 0,
  ra: (response[3]! & 0x80) !== 0,
  tc: (response[2]! & 0x02) !== 0,
  rcode: response[3]! & 15,
  question: response.readUInt16BE(4) === 0 ? "" : "a question",
  answers: { length: response.readUInt16BE(6) },
  opts: response.readUInt16BE(10)
})

const questionEnd = (response: Buffer): number => {
  let at = 12
  while (response[at] !== 0) at += 1 + response[at]!
  return at + 5
}

/** Every `reads`-th response is read as a whole by somebody else's codec. */
const checks = (reads: number) => {
  const before = Buffer.alloc(65_535)
  let count = 0
  return (packet: Buffer, transport: Transport): void => {
    hits.length =
      tally.length =
      clients.length =
      limits.length =
        0
    packet.copy(before)
    const response = respond(packet, transport, "203.0.113.9")
    must(before.compare(packet, 0, packet.length, 0, packet.length) === 0, "the message is not written to", packet)
    seen.add(limits[0] ?? (response === undefined ? "silence" : response[3]! & 15))
    if (response === undefined) {
      const isNoQuery = packet.length < 12 || (packet[2]! & 0x80) !== 0
      must(isNoQuery || limits[0] === "drop", "silence is for short messages, responses, and above the limit", packet)
      must(tally.length === 0 && hits.length === 0, "silence is not counted", packet)
      return
    }
    const isRead = count++ % reads === 0
    const reading = isRead ? read(response) : glance(response)
    must(reading.used === response.length, "the response is a whole message", packet)
    must(reading.id === packet.readUInt16BE(0) && reading.qr && !reading.ra, "its header fits", packet)
    const longest = transport === "tcp" ? 65535 : reading.opts === 0 ? 512 : 1232
    must(response.length <= longest, "it is short enough", packet)
    must(!isRead || reading.opts <= 1, "it has one OPT record at most", packet)
    const end = reading.question === "" ? 12 : questionEnd(response)
    must(response.subarray(12, end).equals(packet.subarray(12, end)), "the question comes back as it was", packet)
    must(reading.answers.length === 0 || !(reading.tc || reading.rcode === 1), "errors have no answers", packet)
    must(tally.length === 1, "it is counted once", packet)
    must(limits.length === 0 || (reading.tc && hits.length === 0), "above the limit it is truncated", packet)
    if (!("subnet" in reading)) return
    const isSteered = reading.answers.some((answer) => answer.includes("198.51.100."))
    must(hits.length === 1 || (hits.length === 0 && !isSteered), "a steered answer is recorded once", packet)
  }
}

describe("Responder, fuzzed", () => {
  it("answers sound questions", () => {
    const transport = fc.constantFrom<Transport>("udp", "tcp")
    fc.assert(fc.property(sound, transport, checks(1)), { numRuns: 3_000 })
  })

  it("takes 1,000,000 mutated questions and pieces of noise, and holds no more than before", () => {
    const random = numbers(1)
    const seeds = fc.sample(sound, { numRuns: 5_000, seed: 1 })
    const check = checks(20)
    const run = (packets: number) => {
      for (let i = 0; i < packets; i++) {
        const packet = i % 10 === 0 ? noise(random, random(200)) : mutate(random, seeds[random(seeds.length)]!)
        check(packet, random(3) === 0 ? "tcp" : "udp")
      }
    }
    run(100_000)
    const before = heldBytes()
    run(900_000)
    assert.isBelow(heldBytes() - before, 5_000_000)
    // Nothing of that was all of it: NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED, BADCOOKIE (its lower bits).
    assert.includeMembers([...seen], [0, 1, 3, 4, 5, 7, "silence", "truncate", "drop"])
  }, 120_000)

  it("reads the largest messages once", () => {
    const { respond } = sampleResponder()
    const many = opt({ options: [Buffer.alloc(65_000)] })
    const packets = [
      message({ questions: [question("demo.example", "A")], additional: [many] }),
      message({ questions: [Buffer.alloc(65_000, 0xc0)] }),
      message({ questions: [Buffer.alloc(65_000, 1)] }),
      Buffer.alloc(65_535),
      Buffer.concat([Buffer.from("00010000000100ff00ff00ff", "hex"), Buffer.alloc(65_000, 0xff)])
    ]
    for (const packet of packets) assert.isDefined(respond(packet, "tcp", "127.0.0.1"))
    assert.strictEqual(read(respond(packets[0]!, "tcp", "127.0.0.1")!).rcode, 0)
    assert.strictEqual(read(respond(ask("demo.example", "A"), "tcp", "127.0.0.1")!).rcode, 0)
  })
})
