import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import * as tls from "node:tls"
import type { WebSocket } from "ws"
import type { PlannedTarget } from "../../../src/monitor/PlannedTarget.ts"
import { Probes } from "../../../src/monitor/Probes.ts"
import { traced } from "../../../src/monitor/ProbeTrace.ts"
import { httpServer, tcpServer, type TestServer } from "../servers.ts"
import { errorAt, type Look, lookAt, targetAt } from "./looks.ts"
import { answering, answerTo, type Methods, stateRoot, stored, substrate, webSocketServer } from "./peers.ts"

const before = tls.getCACertificates("default")
beforeAll(() => tls.setDefaultCACertificates([...before, readFileSync("test/fixtures/tls/authority.pem", "utf8")]))
afterAll(() => tls.setDefaultCACertificates(before))

const networks: PlannedTarget["networks"] = [{ name: "kusama", stateRoot }]
const url = "ws://rpc.demo.example/kusama?x=1"
const wss = (look: Partial<Look> = {}): Look => ({ probe: "wss", url, networks, ...look })

const error = (methods: Methods, look: Partial<Look> = {}) =>
  Effect.flatMap(webSocketServer(answering({ ...substrate, ...methods })), (server) => errorAt(server, wss(look)))

const refused = () => new Error("State already discarded for 0x01")

/** Sends for ever, as fast as it is read. */
const flood = (line: WebSocket, send: (line: WebSocket) => void): void => {
  const more = () => {
    if (line.readyState !== line.OPEN) return
    for (let i = 0; i < 200 && line.bufferedAmount < 1_000_000 && line.readyState === line.OPEN; i++) send(line)
    setImmediate(more)
  }
  more()
}

describe("wss", () => {
  it.live("takes a Substrate node that is as it should be, at the member's address with the public name", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const server = yield* webSocketServer((line, request) => {
        seen.push([request.url, request.headers.host])
        answering(substrate)(line, request)
      })
      const result = yield* lookAt(server, wss())
      yield* server.drained
      assert.strictEqual(result.error, "")
      assert.isTrue(result.up)
      const { BlockAge, LatencyMs, ...data } = result.data as Record<string, number>
      assert.deepStrictEqual<unknown>(data, {
        Syncing: false,
        Peers: true,
        PeerCount: 20,
        Network: true,
        Chain: "Kusama",
        Archive: true
      })
      assert.isAtLeast(BlockAge!, 6)
      assert.isBelow(LatencyMs!, 5_000)
      assert.deepStrictEqual(seen, [["/kusama?x=1", "rpc.demo.example"]])
      assert.strictEqual(server.accepted(), 1)
    }).pipe(Effect.provide(Probes.layer)))

  it.live("speaks TLS for the public name, also over IPv6", () =>
    Effect.gen(function*() {
      for (const address of ["127.0.1.7", "::1"]) {
        const server = yield* webSocketServer(answering(substrate), { tls: "valid", address })
        assert.strictEqual((yield* lookAt(server, wss({ url: "wss://rpc.demo.example/" }))).error, "")
        yield* server.drained
      }
      const other = yield* webSocketServer(answering(substrate), { tls: "other-name" })
      assert.strictEqual(
        yield* errorAt(other, wss({ url: "wss://rpc.demo.example/" })),
        "the certificate is not for rpc.demo.example"
      )
    }).pipe(Effect.provide(Probes.layer)))

  it.live("holds against a node what is wrong with it, and keeps what was measured", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* error({ system_chain: () => "Polkadot" }), "the chain is not kusama")
      const other = yield* webSocketServer(answering({ ...substrate, system_chain: () => "P".repeat(1_000) }))
      const named = (yield* lookAt(other, wss())).data as { readonly Chain: string }
      assert.match(named.Chain, /^P{99}…$/)
      assert.strictEqual(
        yield* error({ chain_getHeader: () => ({ stateRoot: `0x${"66".repeat(32)}` }) }),
        "the genesis block has another stateRoot than StateRootHash"
      )
      assert.strictEqual(yield* error({ system_health: () => ({ peers: 9, isSyncing: true }) }), "the node is syncing")
      assert.strictEqual(yield* error({ system_health: () => ({ peers: 4, isSyncing: false }) }), "fewer than 5 peers")
      const few = yield* webSocketServer(
        answering({ ...substrate, system_health: () => ({ peers: 4, isSyncing: false }) })
      )
      assert.strictEqual((yield* lookAt(few, wss({ options: { MinimumPeers: 4 } }))).error, "")
      assert.include((yield* lookAt(few, wss())).data, { Peers: false, PeerCount: 4, Network: true, Archive: true })
      const old = { state_getStorage: () => stored(Date.now() - 700_000) }
      assert.strictEqual(yield* error(old), "the best block is older than 600 s")
      const late = yield* webSocketServer(answering({ ...substrate, ...old }))
      assert.strictEqual((yield* lookAt(late, wss({ options: { MaxBlockAge: 0 } }))).error, "")
      assert.strictEqual((yield* lookAt(late, wss({ options: { MaxBlockAge: 800 } }))).error, "")
    }).pipe(Effect.provide(Probes.layer)))

  it.live("an archive still has the state of block 1", () =>
    Effect.gen(function*() {
      const pruned: Methods = {
        ...substrate,
        state_getStorage: ([key, at]) =>
          String(at).startsWith("0x01") ? refused() : substrate["state_getStorage"]!([key, at])
      }
      const server = yield* webSocketServer(answering(pruned))
      const seen = yield* lookAt(server, wss())
      assert.strictEqual(seen.error, "not an archive node: block 1 has no state any more")
      assert.include(seen.data, { Archive: false, Network: true })
      assert.strictEqual((yield* lookAt(server, wss({ options: { RequireArchive: false } }))).error, "")
      // What was not demanded is not missed
      const bare = yield* webSocketServer(
        answering({ ...substrate, chain_getHeader: refused, system_chain: () => "X" })
      )
      const any = wss({ networks: [{ name: "", stateRoot: "" }] })
      assert.strictEqual((yield* lookAt(bare, any)).error, "")
    }).pipe(Effect.provide(Probes.layer)))

  it.live("answers are matched by their numbers, in whatever order, and others are not taken for them", () =>
    Effect.gen(function*() {
      const backwards = yield* webSocketServer((line) => {
        const requests: Array<string> = []
        line.on("message", (text) => {
          requests.push(String(text))
          line.send(JSON.stringify({ jsonrpc: "2.0", method: "chain_newHead", params: {} }))
          line.send(JSON.stringify({ jsonrpc: "2.0", id: 999, result: "not yours" }))
          setTimeout(() => line.send(answerTo(substrate, requests.pop()!)), 5)
        })
      })
      assert.strictEqual((yield* lookAt(backwards, wss())).error, "")
      const lies = yield* webSocketServer((line) =>
        void line.on(
          "message",
          (text) => line.send(JSON.stringify({ ...JSON.parse(answerTo(substrate, String(text))), id: 77 }))
        )
      )
      assert.strictEqual(
        yield* errorAt(lies, wss({ options: { ReadTimeout: 0.1 } })),
        "no answer to chain_getBlockHash in time"
      )
    }).pipe(Effect.provide(Probes.layer)))

  it.live("a slow node has ReadTimeout for each answer, and the deadline of the check over all", () =>
    Effect.gen(function*() {
      const slow = (method: string, millis: number) =>
        webSocketServer((line) =>
          void line.on("message", (text) => {
            const send = () => line.send(answerTo(substrate, String(text)))
            if (JSON.parse(String(text)).method === method) setTimeout(send, millis)
            else send()
          })
        )
      const health = yield* slow("system_health", 300)
      assert.strictEqual((yield* lookAt(health, wss())).error, "")
      assert.strictEqual(
        yield* errorAt(health, wss({ options: { ReadTimeout: 0.05 } })),
        "no answer to system_health in time"
      )
      const never = yield* slow("system_health", 60_000)
      const late = yield* lookAt(never, wss({ timeout: 400 }))
      assert.deepInclude(late, { up: false, error: "no answer to system_health in time" })
      // What the others said is known all the same
      assert.include(late.data, { Network: true, Archive: true, PeerCount: null })
      yield* never.drained
    }).pipe(Effect.provide(Probes.layer)))

  it.live("what is no WebSocket or no JSON-RPC is told from what is", () =>
    Effect.gen(function*() {
      const page = yield* httpServer((_, response) => void response.writeHead(503).end("down"))
      assert.strictEqual(yield* errorAt(page, wss()), "status 503 instead of a WebSocket")
      const mail = yield* tcpServer((socket) => void socket.once("data", () => socket.end("220 mail ESMTP\r\n")))
      assert.strictEqual(yield* errorAt(mail, wss()), "the answer is no valid HTTP")
      const upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      const liar = yield* tcpServer((socket) =>
        void socket.once("data", () => socket.write(`${upgrade}Sec-WebSocket-Accept: x\r\n\r\n`))
      )
      assert.strictEqual(yield* errorAt(liar, wss()), "the member speaks no WebSocket")
      const silent = yield* tcpServer(() => undefined)
      assert.strictEqual(yield* errorAt(silent, wss({ options: { ReadTimeout: 0.1 } })), "no WebSocket within 0.1 s")
      const says = (text: string) =>
        Effect.flatMap(
          webSocketServer((line) => void line.on("message", () => line.send(text))),
          (server) => errorAt(server, wss())
        )
      assert.strictEqual(yield* says("hello"), "an answer is no JSON-RPC")
      assert.strictEqual(yield* says("[]"), "an answer is no JSON-RPC")
      assert.strictEqual(yield* says("x".repeat(300_000)), "a message is longer than 65536 bytes")
      const closes = yield* webSocketServer((line) => void line.on("message", () => line.close()))
      assert.strictEqual(yield* errorAt(closes, wss()), "connection closed by the member")
      assert.strictEqual(
        yield* error({ system_chain: refused }),
        "system_chain was refused with error -32000"
      )
      assert.strictEqual(yield* error({ system_health: () => "fine" }), "the answer to system_health makes no sense")
    }).pipe(Effect.provide(Probes.layer)))

  it.live(
    "floods of messages, pings and fragments come to an end, and closing is not waited for",
    () =>
      Effect.gen(function*() {
        const note = JSON.stringify({ method: "note", params: "x".repeat(10_000) })
        const floods: ReadonlyArray<(line: WebSocket) => void> = [
          (line) => line.send(note),
          (line) => line.ping("x".repeat(100)),
          (line) => line.send("", { fin: false })
        ]
        for (const send of floods) {
          const server = yield* webSocketServer((line) => flood(line, send))
          // A busy machine takes seconds to flood.
          const problem = yield* errorAt(server, wss({ options: { ReadTimeout: 60 }, timeout: 60_000 }))
          assert.match(
            problem,
            /^(the member sends more than it was asked for|the member breaks the WebSocket protocol)$/
          )
        }
        // It hears the end of the connection, and holds its own side open
        const deaf = yield* webSocketServer((line) => {
          line.close = () => undefined
          answering(substrate)(line, undefined as never)
        })
        assert.strictEqual((yield* lookAt(deaf, wss())).error, "")
        yield* deaf.drained
      }).pipe(Effect.provide(Probes.layer)),
    120_000
  )

  it.live(
    "a conversation that is cut off at any byte is down, in few words, and leaves nothing",
    () =>
      Effect.gen(function*() {
        const good = yield* webSocketServer(answering(substrate))
        const total = yield* Effect.promise(() => bytesOf(good))
        assert.isAbove(total, 500)
        const errors = new Set<string>()
        for (let bytes = 0; bytes < total; bytes += bytes < 200 ? 1 : 7) {
          const cut = yield* cutAt(good, bytes)
          errors.add(yield* errorAt(cut, wss({ options: { ReadTimeout: 2 } })))
        }
        const allowed = [
          "connection closed by the member",
          "the member speaks no WebSocket",
          "the member breaks the WebSocket protocol",
          "the answer is no valid HTTP"
        ]
        for (const one of errors) assert.include(allowed, one)
        yield* good.drained
      }).pipe(Effect.provide(Probes.layer), Effect.scoped),
    120_000
  )

  it.live("shows its steps to whoever wants to see them", () =>
    Effect.gen(function*() {
      const server = yield* webSocketServer(answering({ ...substrate, system_chain: refused }))
      const planned = yield* targetAt(server, wss())
      const { result, steps } = yield* traced(planned.check.run(planned))
      assert.isFalse(result.up)
      assert.deepStrictEqual(steps.slice(0, 2).map(({ name }) => name), ["connect", "WebSocket"])
      const shortened = (name: string) => name.replaceAll(/0x[0-9a-f]{10}…/g, "HASH")
      assert.sameMembers(steps.slice(2).map(({ name }) => shortened(name)), [
        "chain_getBlockHash()",
        "chain_getBlockHash(0)",
        "chain_getBlockHash(1)",
        "system_chain()",
        "system_health()",
        "chain_getHeader(HASH)",
        "state_getStorage(HASH, HASH)",
        "state_getStorage(HASH, HASH)"
      ])
      assert.deepStrictEqual(steps.filter(({ error }) => error !== "").map(({ error, name }) => [name, error]), [
        ["system_chain()", "system_chain was refused with error -32000"]
      ])
      for (const { at, took } of steps) assert.isTrue(at >= 0 && took >= 0 && at + took < 5_000)
    }).pipe(Effect.provide(Probes.layer)))
})

const { connect } = await import("node:net")

/** A connection to a server through a relay that lets so many bytes of its answers through and then closes. */
const cutAt = (server: TestServer, bytes: number) =>
  tcpServer((socket) => {
    let left = bytes
    const onward = connect(server.port, server.address)
    onward.on("error", () => undefined).on("close", () => socket.destroy())
    socket.on("data", (chunk) => onward.write(chunk)).on("close", () => onward.destroy())
    onward.on("data", (chunk) => {
      socket.write(chunk.subarray(0, left))
      left -= Math.min(left, chunk.length)
      if (left === 0) socket.end(() => onward.destroy())
    })
    if (bytes === 0) socket.end()
  })

/** How many bytes a server answers a whole conversation with. */
const bytesOf = async (server: TestServer): Promise<number> => {
  let bytes = 0
  await Effect.runPromise(
    Effect.gen(function*() {
      const relay = yield* tcpServer((socket) => {
        const onward = connect(server.port, server.address)
        onward.on("error", () => undefined).on("close", () => socket.destroy())
        socket.on("data", (chunk) => onward.write(chunk)).on("close", () => onward.destroy())
        onward.on("data", (chunk) => {
          bytes += chunk.length
          socket.write(chunk)
        })
      })
      assert.strictEqual((yield* lookAt(relay, wss())).error, "")
    }).pipe(Effect.provide(Probes.layer), Effect.scoped)
  )
  return bytes
}
