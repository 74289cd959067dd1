import { assert, describe, it } from "@effect/vitest"
import dnsPacket, { type Packet } from "dns-packet"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { createSocket, type RemoteInfo, type Socket } from "node:dgram"
import { isIPv6 } from "node:net"
import { Probes } from "../../../src/monitor/Probes.ts"
import { type DnsDemands, isAnswerTo, judgeDns, readAnswer } from "../../../src/monitor/probes/dnsAnswer.ts"
import { tcpServer } from "../servers.ts"
import { type Look, lookAt } from "./looks.ts"

type Reply = (message: Buffer) => void

const udpServer = (onMessage: (message: Buffer, reply: Reply) => void, address = "127.0.1.7") =>
  Effect.acquireRelease(
    Effect.callback<{ readonly address: string; readonly port: number; readonly socket: Socket }>((resume) => {
      const socket = createSocket(isIPv6(address) ? "udp6" : "udp4")
      socket.on("message", (message, from: RemoteInfo) =>
        onMessage(message, (answer) =>
          socket.send(answer, from.port, from.address, () => undefined)))
      socket.bind(0, address, () =>
        resume(Effect.succeed({ address, port: socket.address().port, socket })))
    }),
    ({ socket }) => Effect.callback<void>((resume) => void socket.close(() => resume(Effect.void)))
  )

const answer = (message: Buffer, more: Partial<Packet> & { readonly flags?: number } = {}): Buffer => {
  const { id, questions } = dnsPacket.decode(message)
  return dnsPacket.encode({ type: "response", id, questions, ...more })
}
const name = "rpc.demo.example"
const address = (data: string) => ({ type: "A", name, data, ttl: 30 }) as const
const addresses = [address("192.0.2.1"), address("192.0.2.2")]
const dns = (options: Look["options"] = {}, timeout = 2_000): Look => ({ probe: "dns", options, timeout })

describe("dns", () => {
  it.live("takes an answer with a record, over both IP versions", () =>
    Effect.gen(function*() {
      for (const at of ["127.0.1.7", "::1"]) {
        const server = yield* udpServer((message, reply) => reply(answer(message, { answers: addresses })), at)
        const seen = yield* lookAt(server, dns())
        assert.strictEqual(seen.error, "")
        assert.deepInclude(seen.data, { Code: "NOERROR", Records: ["192.0.2.1", "192.0.2.2"] })
      }
    }).pipe(Effect.provide(Probes.layer)))

  it.live("the answer has to have what is expected of it", () =>
    Effect.gen(function*() {
      const server = yield* udpServer((message, reply) => reply(answer(message, { answers: addresses })))
      const error = (options: Look["options"]) => Effect.map(lookAt(server, dns(options)), ({ error }) => error)
      assert.strictEqual(yield* error({ Expected: "192.0.2.2" }), "")
      assert.strictEqual(yield* error({ Expected: ["192.0.2.2", "192.0.2.1"] }), "")
      assert.strictEqual(yield* error({ Expected: ["192.0.2.3"] }), "the answer has other records than expected")
      assert.strictEqual(yield* error({ RecordType: "AAAA" }), "the answer has no AAAA record")
      assert.strictEqual(yield* error({ ExpectedCode: "NXDOMAIN" }), "the name server answers NOERROR")
      const no = yield* udpServer((message, reply) => reply(answer(message, { flags: 3 })))
      assert.strictEqual((yield* lookAt(no, dns())).error, "the name server answers NXDOMAIN")
      assert.strictEqual((yield* lookAt(no, dns({ ExpectedCode: "NXDOMAIN" }))).error, "")
    }).pipe(Effect.provide(Probes.layer)))

  it.live("what is not the answer to the question is not taken for it", () =>
    Effect.gen(function*() {
      const server = yield* udpServer((message, reply) => {
        const wrong = Buffer.from(answer(message, { answers: addresses }))
        wrong.writeUInt16BE((wrong.readUInt16BE(0) + 1) % 65_536)
        reply(wrong)
        reply(Buffer.from("garbage"))
        reply(message)
        const { id } = dnsPacket.decode(message)
        reply(dnsPacket.encode({ type: "response", id, questions: [{ type: "A", name: "other.example" }] }))
      })
      assert.deepInclude(yield* lookAt(server, dns({}, 300)), {
        up: false,
        error: "the name server does not answer in time"
      })
      const floods = yield* udpServer((_, reply) => {
        for (let i = 0; i < 3_000; i++) setImmediate(() => reply(Buffer.from("garbage")))
      })
      assert.match(
        (yield* lookAt(floods, dns({}, 3_000))).error,
        /^(the answer is no DNS, or to another question|the name server does not answer in time)$/
      )
    }).pipe(Effect.provide(Probes.layer)))

  it.live("one packet may be lost, and a server that is not there is refused at once", () =>
    Effect.gen(function*() {
      let heard = 0
      const loses = yield* udpServer((message, reply) => {
        if (++heard > 1) reply(answer(message, { answers: addresses }))
      })
      assert.strictEqual((yield* lookAt(loses, dns({}, 5_000))).error, "")
      const gone = yield* Effect.scoped(udpServer(() => undefined))
      assert.strictEqual((yield* lookAt(gone, dns({}, 5_000))).error, "connection refused")
    }).pipe(Effect.provide(Probes.layer)))

  it.live("asks over TCP when the answer does not fit, or when it is told to", () =>
    Effect.gen(function*() {
      const tcp = yield* tcpServer((socket) =>
        void socket.once("data", (chunk) => {
          const whole = answer(chunk.subarray(2), { answers: addresses })
          const length = Buffer.alloc(2)
          length.writeUInt16BE(whole.length)
          // In two pieces
          socket.write(Buffer.concat([length, whole.subarray(0, 9)]))
          setTimeout(() => socket.write(whole.subarray(9)), 5)
        })
      )
      const seen = yield* lookAt(tcp, dns({ Protocol: "tcp", Expected: "192.0.2.2" }))
      assert.strictEqual(seen.error, "")
      yield* tcp.drained
      const cut = yield* tcpServer((socket) => void socket.once("data", () => socket.end(Buffer.from([0, 200, 1]))))
      assert.strictEqual(
        (yield* lookAt(cut, dns({ Protocol: "tcp" }))).error,
        "connection closed by the member"
      )
      const garbage = yield* tcpServer((socket) => void socket.once("data", () => socket.write(Buffer.from([0, 1, 1]))))
      assert.strictEqual(
        (yield* lookAt(garbage, dns({ Protocol: "tcp" }))).error,
        "the answer is no DNS, or to another question"
      )
      yield* garbage.drained
    }).pipe(Effect.provide(Probes.layer)))

  it("a site has to say which name", () => {
    const probe = Effect.runSync(Effect.provide(Probes, Probes.layer)).get("dns")!
    assert.strictEqual(probe.prepare({}, "site")._tag, "Failure")
    assert.strictEqual(probe.prepare({ Name: "demo.example" }, "site")._tag, "Success")
    assert.strictEqual(probe.prepare({ Name: "no name" }, "domain")._tag, "Failure")
  })

  it("any bytes are judged without ever throwing", () => {
    const demands: DnsDemands = { name, type: "A", code: "NOERROR", records: ["192.0.2.1"] }
    const question = dnsPacket.encode({ type: "query", id: 7, questions: [{ type: "A", name }] })
    const good = dnsPacket.encode({
      type: "response",
      id: 7,
      questions: [{ type: "A", name }],
      answers: [...addresses, { type: "TXT", name, data: "x" }]
    })
    const cut = fc.tuple(fc.nat(good.length), fc.uint8Array({ maxLength: 20 })).map(([at, more]) =>
      Buffer.concat([good.subarray(0, at), more])
    )
    fc.assert(
      fc.property(fc.oneof(cut, fc.uint8Array().map((bytes) => Buffer.from(bytes))), (bytes) => {
        if (!isAnswerTo(bytes, question)) return
        const packet = readAnswer(bytes)
        if (Result.isSuccess(packet)) assert.isString(judgeDns(packet.success, demands).error)
      }),
      { numRuns: 2_000 }
    )
    assert.isTrue(isAnswerTo(good, question))
    assert.strictEqual(judgeDns(dnsPacket.decode(good), demands).error, "")
  })

  it("an answer has the number and the question, in whatever case, and says that it is one", () => {
    const question = dnsPacket.encode({ type: "query", id: 7, questions: [{ type: "A", name }] })
    const is = (more: Partial<Packet>) => isAnswerTo(dnsPacket.encode({ type: "response", id: 7, ...more }), question)
    assert.isTrue(is({ questions: [{ type: "A", name: "RPC.demo.Example" }], answers: addresses }))
    assert.isFalse(is({ id: 8, questions: [{ type: "A", name }] }))
    assert.isFalse(is({ type: "query", questions: [{ type: "A", name }] }))
    assert.isFalse(is({ questions: [{ type: "AAAA", name }] }))
    assert.isFalse(is({ questions: [{ type: "A", name: "rpc.demo.exampl" }] }))
    assert.isFalse(is({ questions: [] }))
    assert.isFalse(is({ questions: [{ type: "A", name }, { type: "A", name }] }))
    assert.isFalse(is({ questions: [{ type: "A", name, class: "CH" }] }))
  })

  it("addresses and names are the same however they are written", () => {
    const judge = (type: DnsDemands["type"], data: unknown, wanted: string) =>
      judgeDns(
        dnsPacket.decode(dnsPacket.encode({ type: "response", answers: [{ type, name, data } as never] })),
        { name, type, code: "NOERROR", records: [wanted] }
      ).error
    assert.strictEqual(judge("AAAA", "2001:db8::1", "2001:DB8:0:0::1"), "")
    assert.strictEqual(judge("CNAME", "Other.Example", "other.example."), "")
    assert.strictEqual(judge("MX", { preference: 10, exchange: "mx.example" }, "10 MX.example."), "")
    assert.strictEqual(judge("TXT", ["ab", "Cd"], "abCd"), "")
    assert.notStrictEqual(judge("TXT", ["ab"], "AB"), "")
  })
})
