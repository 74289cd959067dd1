import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { createSocket } from "node:dgram"
import { createServer } from "node:net"
import { ask, type AskOptions, type DnsClientError } from "../../src/dns/DnsClient.ts"
import { DnsServer } from "../../src/dns/DnsServer.ts"
import { sampleServer } from "./serving.ts"

const local = (port: number, more: Partial<AskOptions> = {}): AskOptions => ({
  server: "127.0.0.1",
  port,
  name: "rpc.demo.example",
  type: "A",
  ...more
})

/** A UDP server that sends what `answer` makes of each message; succeeds with its port. */
const udpServer = (answer: (message: Buffer) => ReadonlyArray<Buffer>): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createSocket>>((resume) => {
      const socket = createSocket("udp4")
      socket.on("message", (message, { address, port }) => {
        for (const response of answer(message)) socket.send(response, port, address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close())
  ).pipe(Effect.map((socket) => socket.address().port))

/** A TCP server that sends `bytes` and closes; succeeds with its port. */
const tcpServer = (bytes: Buffer): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => socket.destroy())
        socket.on("data", () => socket.end(bytes))
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  ).pipe(Effect.map((server) => (server.address() as { readonly port: number }).port))

const reasonOf = (options: AskOptions) => Effect.map(Effect.flip(ask(options)), (error: DnsClientError) => error.reason)

describe("the DNS client", () => {
  it.live("asks for an address, from where the client subnet says", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      assert.deepStrictEqual(yield* ask(local(port, { subnet: "203.0.113.7/24" })), {
        rcode: "NOERROR",
        flags: { aa: true, tc: false, rd: false, ra: false },
        answers: [{ name: "rpc.demo.example", type: "A", ttl: 30, data: "198.51.100.1" }],
        authority: [],
        additional: [],
        subnet: { address: "203.0.113.0", source: 24, scope: 20 },
        transport: "udp"
      })
      const over = yield* ask(local(port, { tcp: true, type: "aaaa", subnet: "2001:db8:81::/48" }))
      assert.strictEqual(over.answers[0]?.data, "2001:db8:ffff::2")
      assert.deepStrictEqual(over.subnet, { address: "2001:db8:81::", source: 48, scope: 48 })
      assert.strictEqual(over.transport, "tcp")
    }).pipe(Effect.provide(sampleServer())))

  it.live("reads every type as zone files write it", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const expected = [
        ["demo.example", "NS", "ns1.demo.example"],
        ["demo.example", "MX", "10 mail.demo.example"],
        ["demo.example", "TXT", '"v=spf1 -all"'],
        ["demo.example", "CAA", '0 issue "ca.example"'],
        ["own.example", "SOA", "ns.own.example host\\.master.own.example 7 1 2 3 60"],
        ["_sip._tcp.demo.example", "SRV", "1 2 5060 mail.demo.example"],
        ["demo.example", "ANY", '"RFC8482" ""'],
        ["www.demo.example", "TYPE5", "rpc.demo.example"]
      ] as const
      for (const [name, type, data] of expected) {
        const answer = yield* ask(local(port, { name, type }))
        assert.strictEqual(answer.answers[0]?.data, data, type)
      }
      const none = yield* ask(local(port, { name: "nothing.demo.example" }))
      assert.strictEqual(none.rcode, "NXDOMAIN")
      assert.strictEqual(none.authority[0]?.type, "SOA")
      assert.strictEqual((yield* ask(local(port, { name: "." }))).rcode, "REFUSED")
    }).pipe(Effect.provide(sampleServer())))

  it.live("asks again over TCP for what did not fit, unless told not to", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const whole = yield* ask(local(port, { name: "big.demo.example", type: "TXT" }))
      assert.strictEqual(whole.transport, "tcp")
      assert.isAbove(whole.answers[0]!.data.length, 3000)
      const cut = yield* ask(local(port, { name: "big.demo.example", type: "TXT", tcp: false }))
      assert.isTrue(cut.flags.tc)
      assert.deepStrictEqual(cut.answers, [])
    }).pipe(Effect.provide(sampleServer())))

  it.live("says what is wrong with a question", () =>
    Effect.gen(function*() {
      const bad: ReadonlyArray<readonly [Partial<AskOptions>, string]> = [
        [{ name: "a..b" }, '"a..b" is no domain name'],
        [{ type: "ADDRESS" }, "is no record type"],
        [{ type: "TYPE65536" }, "is no record type"],
        [{ subnet: "here/24" }, "is no network"],
        [{ server: "localhost" }, "is no IP address"],
        [{ port: 0 }, "is no port"]
      ]
      for (const [more, problem] of bad) {
        const error = yield* Effect.flip(ask(local(53, more)))
        assert.strictEqual(error.reason._tag, "BadQuestion")
        assert.include(error.message, problem)
      }
    }))

  it.live("waits a bounded time", () =>
    Effect.scoped(Effect.gen(function*() {
      const port = yield* udpServer(() => [])
      const error = yield* Effect.flip(ask(local(port, { timeout: "30 millis" })))
      assert.strictEqual(error.reason._tag, "NoAnswer")
      assert.include(error.message, `127.0.0.1:${port} did not answer in time`)
    })))

  it.live("notices that nobody is there", () =>
    Effect.gen(function*() {
      const port = yield* Effect.scoped(udpServer(() => []))
      assert.deepInclude(yield* reasonOf(local(port)), { _tag: "Unreachable", code: "ECONNREFUSED" })
      assert.deepInclude(yield* reasonOf(local(port, { tcp: true })), { _tag: "Unreachable", code: "ECONNREFUSED" })
    }))

  it.live("believes only answers to its question", () =>
    Effect.scoped(Effect.gen(function*() {
      const port = yield* udpServer((question) => {
        const answer = Buffer.from(question)
        answer[2]! |= 0x80
        const otherId = Buffer.from(answer)
        otherId.writeUInt16BE((otherId.readUInt16BE(0) + 1) & 0xffff)
        const otherName = Buffer.from(answer)
        otherName[13] = "x".charCodeAt(0)
        answer[3]! |= 5
        return [Buffer.alloc(3), question, otherId, otherName, answer]
      })
      assert.strictEqual((yield* ask(local(port))).rcode, "REFUSED")
    })))

  it.live("takes garbage for what it is", () =>
    Effect.scoped(Effect.gen(function*() {
      const udp = yield* udpServer((question) => {
        const answer = Buffer.from(question.subarray(0, 40))
        answer[2]! |= 0x80
        answer.writeUInt16BE(9, 6)
        return [answer]
      })
      assert.strictEqual((yield* reasonOf(local(udp)))._tag, "BadAnswer")
      const other = yield* tcpServer(Buffer.from("00040000ffff", "hex"))
      assert.strictEqual((yield* reasonOf(local(other, { tcp: true })))._tag, "BadAnswer")
      const short = yield* tcpServer(Buffer.from("0fff00", "hex"))
      assert.deepInclude(yield* reasonOf(local(short, { tcp: true })), { _tag: "Unreachable", code: "closed" })
    })))
})
