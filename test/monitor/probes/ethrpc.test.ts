import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { IncomingMessage } from "node:http"
import type { PlannedTarget } from "../../../src/monitor/PlannedTarget.ts"
import { Probes } from "../../../src/monitor/Probes.ts"
import { httpServer, tcpServer, type TestServer } from "../servers.ts"
import { errorAt, type Look, lookAt, targetAt } from "./looks.ts"
import { answerTo, ethereum, type Methods, rpcServer } from "./peers.ts"

const networks: PlannedTarget["networks"] = [{ name: "0x190F1B42", stateRoot: "" }]
const ethrpc = (look: Partial<Look> = {}): Look => ({
  probe: "ethrpc",
  url: "ws://rpc.demo.example/eth",
  networks,
  ...look
})

const error = (methods: Methods, look: Partial<Look> = {}) =>
  Effect.flatMap(rpcServer({ ...ethereum, ...methods }), (server) => errorAt(server, ethrpc(look)))

/** A server that writes this for each request. */
const writing = (text: (body: string) => string) =>
  tcpServer((socket) => {
    let seen = ""
    socket.on("data", (chunk) => {
      seen += String(chunk)
      const [head, body] = seen.split("\r\n\r\n")
      const length = Number(/content-length: (\d+)/i.exec(head!)?.[1])
      if (body === undefined || body.length < length) return
      seen = ""
      socket.write(text(body))
    })
  })

const ok = (body: string, more = "") =>
  `HTTP/1.1 200 OK\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

describe("ethrpc", () => {
  it.live("takes an Ethereum node that is as it should be, over one connection", () =>
    Effect.gen(function*() {
      const requests: Array<IncomingMessage> = []
      const server = yield* rpcServer(ethereum, { requests })
      const seen = yield* lookAt(server, ethrpc())
      yield* server.drained
      assert.strictEqual(seen.error, "")
      const { LatencyMs: _, blockNumber, ...data } = seen.data as Record<string, unknown>
      assert.match(String(blockNumber), /^0x4c4b\w\w$/)
      assert.deepStrictEqual(data, {
        chainId: "0x190f1b42",
        chainIdDec: 420420418,
        netVersion: "420420418",
        syncing: false,
        network: "0x190F1B42"
      })
      assert.deepStrictEqual(
        requests.map(({ headers, method, url }) => [method, url, headers.host, headers["content-type"]]),
        Array.from({ length: 4 }, () => ["POST", "/eth", "rpc.demo.example", "application/json"])
      )
      assert.strictEqual(server.accepted(), 1)
    }).pipe(Effect.provide(Probes.layer)))

  it.live("dials again when the other side keeps no connection, or closes one that was kept", () =>
    Effect.gen(function*() {
      const closing = yield* writing((body) => ok(answerTo(ethereum, body), "Connection: close\r\n"))
      assert.strictEqual((yield* lookAt(closing, ethrpc())).error, "")
      yield* closing.drained
      assert.strictEqual(closing.accepted(), 4)
      let answered = 0
      const dropping = yield* httpServer((request, response) => {
        let body = ""
        request.on("data", (chunk) => body += chunk)
        request.on("end", () => {
          if (++answered % 2 === 0) response.socket!.destroy()
          else response.end(answerTo(ethereum, body))
        })
      })
      assert.strictEqual((yield* lookAt(dropping, ethrpc())).error, "")
      yield* dropping.drained
    }).pipe(Effect.provide(Probes.layer)))

  it.live("is asked over IPv6, and with TLS", () =>
    Effect.gen(function*() {
      const six = yield* rpcServer(ethereum, { address: "::1" })
      assert.strictEqual((yield* lookAt(six, ethrpc())).error, "")
      const secure = yield* rpcServer(ethereum, { tls: "self-signed" })
      const url = "wss://rpc.demo.example/"
      assert.strictEqual(
        yield* errorAt(secure, ethrpc({ url })),
        "the certificate is not trusted: it is self-signed"
      )
      assert.strictEqual((yield* lookAt(secure, ethrpc({ url, options: { AllowUntrusted: true } }))).error, "")
      assert.isAtMost(secure.accepted(), 2)
    }).pipe(Effect.provide(Probes.layer)))

  it.live("the network is named by net_version, or by the chain id in hex or decimal", () =>
    Effect.gen(function*() {
      const server = yield* rpcServer({ ...ethereum, net_version: () => "kusama-eth" })
      const named = (name: string) =>
        Effect.map(lookAt(server, ethrpc({ networks: [{ name, stateRoot: "" }] })), ({ error }) => error)
      for (const name of ["Kusama-Eth", "0x190f1b42", "0x0190F1B42", "420420418", ""]) {
        assert.strictEqual(yield* named(name), "", name)
      }
      assert.strictEqual(yield* named("420420417"), "the network is not 420420417")
      assert.strictEqual(yield* named("0x"), "the network is not 0x")
    }).pipe(Effect.provide(Probes.layer)))

  it.live("holds against a node what is wrong with it, and keeps what was measured", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* error({ eth_syncing: () => true }), "the node is syncing")
      assert.strictEqual(yield* error({ eth_syncing: () => ({ currentBlock: "0x1" }) }), "the node is syncing")
      assert.strictEqual(yield* error({ eth_syncing: () => 7 }), "the answer to eth_syncing makes no sense")
      assert.strictEqual(
        yield* error({ eth_blockNumber: () => "many" }),
        "the answer to eth_blockNumber makes no sense"
      )
      const busy = yield* rpcServer({ ...ethereum, net_version: () => new Error("busy since 12:03:44") })
      const seen = yield* lookAt(busy, ethrpc())
      assert.strictEqual(seen.error, "net_version was refused with error -32000")
      assert.include(seen.data, { chainId: "0x190f1b42", syncing: false, netVersion: null })
      yield* busy.drained
    }).pipe(Effect.provide(Probes.layer)))

  it.live("answers have to be JSON-RPC, to the question, and no longer than they need to be", () =>
    Effect.gen(function*() {
      const says = (text: (body: string) => string) =>
        Effect.flatMap(writing(text), (server) => errorAt(server, ethrpc()))
      assert.strictEqual(yield* says(() => ok("fine")), "an answer is no JSON-RPC, or to another question")
      assert.strictEqual(
        yield* says((body) => ok(answerTo(ethereum, body).replace('"id":1', '"id":2'))),
        "an answer is no JSON-RPC, or to another question"
      )
      assert.strictEqual(yield* says(() => "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), "status 502")
      assert.strictEqual(yield* says(() => "hello\r\n\r\n"), "the answer is no valid HTTP")
      assert.strictEqual(
        yield* says(() => ok("x".repeat(300_000))),
        "the answer is longer than 65536 bytes"
      )
      const silent = yield* tcpServer(() => undefined)
      const within = { options: { ReadTimeout: 0.1 } }
      assert.strictEqual(yield* errorAt(silent, ethrpc(within)), "no answer to eth_chainId in time")
      assert.strictEqual(yield* errorAt(silent, ethrpc({ timeout: 200 })), "no answer to eth_chainId in time")
    }).pipe(Effect.provide(Probes.layer)))

  it.live(
    "an answer that is cut off at any byte is down, in few words, and leaves nothing",
    () =>
      Effect.gen(function*() {
        let chain = ""
        const server = yield* rpcServer(ethereum)
        assert.strictEqual((yield* lookAt(server, ethrpc())).error, "")
        const answer = (body: string) => ok(answerTo(ethereum, body), "Content-Type: application/json\r\n")
        const whole = answer(`{"id":1,"method":"eth_chainId"}`).length
        const errors = new Set<string>()
        for (let bytes = 0; bytes < whole; bytes++) {
          const cut: TestServer = yield* tcpServer((socket) => {
            socket.once("data", (chunk) => {
              chain = String(chunk).split("\r\n\r\n")[1]!
              socket.end(answer(chain).slice(0, bytes))
            })
          })
          errors.add(yield* errorAt(cut, ethrpc()))
        }
        const allowed = [
          "connection closed by the member",
          "the answer is no valid HTTP",
          "the connection was closed in the middle of the answer",
          "an answer is no JSON-RPC, or to another question"
        ]
        for (const one of errors) assert.include(allowed, one)
      }).pipe(Effect.provide(Probes.layer), Effect.scoped),
    120_000
  )

  it.effect("the block number rises, from probe to probe, also across a reload", () =>
    Effect.gen(function*() {
      let height = 100
      const server = yield* rpcServer({ ...ethereum, eth_blockNumber: () => `0x${height.toString(16)}` })
      // Prepared anew each time, as after a reload
      const look = Effect.flatMap(targetAt(server, ethrpc()), (planned) => planned.check.run(planned))
      assert.strictEqual((yield* look).error, "")
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* look).error, "")
      yield* TestClock.adjust("1 second")
      const still = yield* look
      assert.strictEqual(still.error, "the block number has not risen for 600 s")
      assert.include(still.data, { blockNumber: "0x64" })
      height = 99
      assert.strictEqual((yield* look).error, "the block number has not risen for 600 s")
      height = 101
      assert.strictEqual((yield* look).error, "")
    }).pipe(Effect.provide(Probes.layer)))
})
