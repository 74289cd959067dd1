import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Socket } from "node:net"
import { ask as askServer } from "../../src/dns/DnsClient.ts"
import { DnsServer } from "../../src/dns/DnsServer.ts"
import { heldBytes } from "./heap.ts"
import { ask } from "./packets.ts"
import { sampleServer } from "./serving.ts"

/** A client that can be looked at. */
interface Client {
  readonly socket: Socket
  isClosed: boolean
  received: number
}

const open = (port: number, localAddress = "127.0.0.1"): Effect.Effect<Client> =>
  Effect.callback((resume) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress })
    const client: Client = { socket, isClosed: false, received: 0 }
    socket.on("error", () => {})
    socket.on("data", (bytes) => {
      client.received += bytes.length
    })
    socket.on("close", () => {
      client.isClosed = true
    })
    socket.once("connect", () => resume(Effect.succeed(client)))
  })

const framed = (packet: Buffer): Buffer =>
  Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 255]), packet])
const query = framed(ask("demo.example", "A"))

/** Connections that say nothing, from the addresses of loopback in turn. */
const idle = (port: number, count: number, addresses: number) =>
  Effect.acquireRelease(
    Effect.forEach(
      Array.from({ length: count }, (_, i) => `127.1.${i % addresses >> 8}.${1 + i % addresses & 255}`),
      (address) => open(port, address),
      { concurrency: 50 }
    ),
    (clients) => Effect.sync(() => clients.forEach(({ socket }) => socket.destroy()))
  )

const until = (condition: () => boolean) =>
  Effect.sync(condition).pipe(
    Effect.delay("5 millis"),
    Effect.repeat({ until: (holds) => holds }),
    Effect.timeout("15 seconds")
  )

const answer = (port: number, tcp: boolean) =>
  askServer({ server: "127.0.0.1", port, name: "demo.example", type: "A", tcp })

describe("DnsServer over TCP", () => {
  for (
    const { addresses, from, stay } of [
      { from: "one address", addresses: 1, stay: 20 },
      { from: "250 addresses", addresses: 250, stay: 200 }
    ]
  ) {
    it.live(`1,000 idle connections from ${from} shut nobody out`, () =>
      Effect.gen(function*() {
        const { port } = yield* DnsServer
        const clients = yield* idle(port, 1_000, addresses)
        const isOpen = () => clients.filter(({ isClosed }) => !isClosed).length
        yield* until(() => isOpen() <= stay)
        // Not refused, and not all of them closed: those that came last are there, of which 50 came at once.
        assert.strictEqual(isOpen(), stay)
        assert.isTrue(clients.slice(0, -stay - 100).every(({ isClosed }) => isClosed))
        for (let i = 0; i < 20; i++) {
          assert.strictEqual((yield* answer(port, true)).rcode, "NOERROR")
          assert.strictEqual((yield* answer(port, false)).rcode, "NOERROR")
        }
        // Who asks stays, while those who do not give way.
        const busy = yield* open(port)
        for (let round = 1; round <= 5; round++) {
          busy.socket.write(query)
          yield* until(() => busy.isClosed || busy.received >= round * 59)
          yield* idle(port, 150, 150)
          // Taken after them: by then they have all been.
          yield* answer(port, true)
        }
        busy.socket.write(query)
        yield* until(() => busy.isClosed || busy.received === 6 * 59)
        assert.isFalse(busy.isClosed)
        busy.socket.destroy()
      }).pipe(Effect.scoped, Effect.provide(sampleServer({ bounds: { idle: 60_000 } }))))
  }

  it.live("lets a client go that takes a byte of its answers now and then, and holds little for it", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const client = yield* open(port)
      const { socket } = client
      socket.pause()
      socket.removeAllListeners("data")
      const before = heldBytes()
      // 60 MB of answers if it took them: more than the system holds for both sides.
      const questions = framed(ask("big.demo.example", "TXT"))
      const many = Buffer.concat(Array.from({ length: 1_000 }, () => questions))
      for (let i = 0; i < 20; i++) socket.write(many)
      // It learns that it was let go only when it says something.
      const reader = setInterval(() => {
        socket.read(1)
        socket.write("\0")
      }, 20)
      yield* until(() => client.isClosed).pipe(Effect.ensuring(Effect.sync(() => clearInterval(reader))))
      assert.isBelow(heldBytes() - before, 10_000_000)
      assert.strictEqual((yield* answer(port, true)).rcode, "NOERROR")
    }).pipe(Effect.provide(sampleServer({ bounds: { idle: 700 } }))))

  it.live("lets a client go that sends a byte of its question now and then", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const client = yield* open(port)
      let sent = 0
      const writer = setInterval(() => {
        if (sent < query.length) client.socket.write(query.subarray(sent, ++sent))
      }, 50)
      yield* until(() => client.isClosed).pipe(Effect.ensuring(Effect.sync(() => clearInterval(writer))))
      assert.isBelow(sent, query.length)
      assert.strictEqual(client.received, 0)
    }).pipe(Effect.provide(sampleServer({ bounds: { idle: 500 } }))))

  it.live("holds no more after 2,500 connections that came and went than after 500", () =>
    Effect.gen(function*() {
      const { port } = yield* DnsServer
      const come = (rounds: number) =>
        Effect.repeat(Effect.scoped(idle(port, 100, 50)), { times: rounds - 1 }).pipe(
          Effect.andThen(answer(port, true))
        )
      yield* come(5)
      const before = heldBytes()
      yield* come(20)
      assert.isBelow(heldBytes() - before, 4_000_000)
    }).pipe(Effect.provide(sampleServer())))
})
