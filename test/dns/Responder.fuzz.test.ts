import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Transport } from "../../src/dns/codec.ts"
import { ask, message, opt, option, question, read, subnetOption } from "./packets.ts"
import { sampleRecords, sampleResponder, sampleServed } from "./samples.ts"

const names = [
  ...new Set([...sampleRecords.map(({ qname }) => qname), ...sampleServed, "x.wild.demo.example", "", "org"])
]

const label = fc.uint8Array({ minLength: 1, maxLength: 63 }).map((bytes) => Buffer.from(bytes).toString("latin1"))
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
  opts: fc.constantFrom(0, 1, 1, 1, 2)
}).map((query) =>
  message({
    id: query.id,
    flags: query.flags,
    questions: [question(query.name, query.type, query.class)],
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

/** Some bytes changed, some cut off, some added. */
const mutate = (random: (n: number) => number, packet: Buffer): Buffer => {
  const changed = Buffer.from(packet)
  for (let changes = random(5); changes > 0; changes--) changed[random(changed.length)] = random(256)
  const kept = random(3) === 0 ? changed.subarray(0, 4 + random(changed.length)) : changed
  return random(3) === 0 ? Buffer.concat([kept, noise(random, random(12))]) : kept
}

const must = (holds: boolean, what: string, packet: Buffer): void => {
  if (!holds) assert.fail(`${what}: ${packet.toString("hex")}`)
}

const { hits, respond, tally, clients } = sampleResponder()

const check = (packet: Buffer, transport: Transport): void => {
  hits.length = tally.length = clients.length = 0
  const before = Buffer.from(packet)
  const response = respond(packet, transport, "203.0.113.9")
  must(packet.equals(before), "the message is not written to", packet)
  if (response === undefined) {
    must(packet.length < 12 || (packet[2]! & 0x80) !== 0, "silence is for short messages and responses", packet)
    must(tally.length === 0, "silence is not counted", packet)
    return
  }
  const reading = read(response)
  must(reading.used === response.length, "the response is a whole message", packet)
  must(reading.id === packet.readUInt16BE(0) && reading.qr && !reading.ra, "its header fits", packet)
  must(response.length <= (transport === "tcp" ? 65535 : reading.opts === 0 ? 512 : 1232), "it is short enough", packet)
  must(reading.opts <= 1, "it has one OPT record at most", packet)
  const end = response.indexOf(0, 12)
  const isEcho = response.subarray(12, end).equals(packet.subarray(12, end))
  must(reading.question === "" || isEcho, "the question comes back as it was", packet)
  must(reading.answers.length === 0 || !(reading.tc || reading.rcode === 1), "errors have no answers", packet)
  must(tally.length === 1, "it is counted once", packet)
  const isSteered = reading.answers.some((answer) => answer.includes("198.51.100."))
  must(hits.length === 1 || (hits.length === 0 && !isSteered), "a steered answer is recorded once", packet)
}

describe("Responder, fuzzed", () => {
  it("answers sound questions", () => {
    const transport = fc.constantFrom<Transport>("udp", "tcp")
    fc.assert(fc.property(sound, transport, check), { numRuns: 3_000 })
  })

  it("takes 100,000 mutated questions and pieces of noise", () => {
    const random = numbers(1)
    const seeds = fc.sample(sound, { numRuns: 2_000, seed: 1 })
    for (let i = 0; i < 80_000; i++) check(mutate(random, seeds[i % seeds.length]!), i % 3 === 0 ? "tcp" : "udp")
    for (let i = 0; i < 20_000; i++) check(noise(random, random(200)), "udp")
  })

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
