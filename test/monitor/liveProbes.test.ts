import { afterAll, assert, beforeAll, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import type { Socket } from "node:net"
import * as tls from "node:tls"
import type { PlannedTarget } from "../../src/monitor/PlannedTarget.ts"
import { Prober } from "../../src/monitor/Prober.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { Observer } from "../../src/status/Observer.ts"
import { plannedTarget, prepared } from "./planned.ts"
import { withoutProcessor, withProcessor } from "./processor.ts"
import { httpServer, tcpServer, type TestServer, tlsServer } from "./servers.ts"

const Live = Layer.mergeAll(Prober.layer, Probes.layer).pipe(Layer.provideMerge(Conditions.layerMemory))

/** One observation of a target, through the prober with its deadline. */
const observe = Effect.fnUntraced(function*(planned: PlannedTarget) {
  const prober = yield* Prober
  const observer = yield* Observer
  yield* prober.replan(new Map([[planned.key, planned]]), 10)
  return Option.getOrThrow(yield* observer.observe(planned.target, -1))
})

interface Look {
  readonly probe?: string
  readonly url?: string
  readonly options?: Readonly<Record<string, unknown>>
  readonly timeout?: number
  readonly host?: string
}

const target = Effect.fnUntraced(function*(server: Pick<TestServer, "address" | "port">, look: Look) {
  const probes = yield* Probes
  return plannedTarget({
    run: prepared(probes, look.probe ?? "http", look.options),
    address: server.address,
    port: server.port,
    url: look.url ?? "http://rpc.demo.example/",
    host: look.host ?? "rpc.demo.example",
    timeout: look.timeout ?? 5_000
  })
})

const lookAt = (server: Pick<TestServer, "address" | "port">, look: Look = {}) =>
  Effect.flatMap(target(server, look), observe)

/** What went wrong; fails the test when nothing did. Whatever it was, no connection stays. */
const errorAt = Effect.fnUntraced(function*(server: TestServer, look: Look = {}) {
  const { error, up } = yield* lookAt(server, look)
  yield* server.drained
  assert.isFalse(up)
  return error
})

const raw = (answer: string) => tcpServer((socket) => void socket.once("data", () => socket.end(answer)))

const bodyServer = (body: string) => httpServer((_, response) => void response.end(body))

/** Writes for ever, as fast as it is read. */
const pour = (socket: Socket, text: string): void => {
  while (!socket.destroyed && socket.write(text));
  socket.once("drain", () => pour(socket, text))
}

describe("http", () => {
  it.live("dials the member's address and asks for the public name", () =>
    Effect.gen(function*() {
      const requests: Array<unknown> = []
      const server = yield* httpServer((request, response) => {
        requests.push([request.method, request.url, request.headers.host, request.headers.connection])
        response.end("fine")
      })
      const seen = yield* lookAt(server, { url: "ws://rpc.demo.example:8080/kusama?x=1" })
      yield* server.drained
      assert.deepStrictEqual(requests, [["GET", "/kusama?x=1", "rpc.demo.example:8080", "close"]])
      assert.isTrue(seen.up)
      assert.strictEqual(seen.error, "")
      const { LatencyMs, ...data } = seen.data as Record<string, number>
      assert.deepStrictEqual(data, { StatusCode: 200, BodyBytes: 4 })
      assert.isAtMost(LatencyMs!, seen.latency)
    }).pipe(Effect.provide(Live)))

  it.live("sends the method, headers and body that it is told", () =>
    Effect.gen(function*() {
      const server = yield* httpServer((request, response) => {
        let body = ""
        request.on("data", (chunk) => body += chunk)
        request.on("end", () =>
          response.end(JSON.stringify([request.method, request.headers.host, request.headers["x-key"], body])))
      })
      const options = {
        Method: "POST",
        Headers: { Host: "other.example", "X-Key": "k" },
        Body: '{"id":1}',
        BodyRegex: '^\\["POST","other\\.example","k","\\{\\\\"id\\\\":1\\}"\\]$'
      }
      const seen = yield* lookAt(server, { options })
      assert.strictEqual(seen.error, "")
    }).pipe(Effect.provide(Live)))

  it.live("takes 200 to 399 when nothing else is expected, and follows no redirect", () =>
    Effect.gen(function*() {
      const server = yield* httpServer((request, response) =>
        void response.writeHead(Number(request.url!.slice(1)), { location: "/200" }).end()
      )
      const at = (status: number, options = {}) =>
        Effect.map(lookAt(server, { url: `http://rpc.demo.example/${status}`, options }), ({ data, error }) => [
          error,
          (data as { readonly StatusCode: number }).StatusCode
        ])
      assert.deepStrictEqual(yield* at(204), ["", 204])
      assert.deepStrictEqual(yield* at(302), ["", 302])
      assert.deepStrictEqual(yield* at(404), ["status 404", 404])
      assert.deepStrictEqual(yield* at(503), ["status 503", 503])
      assert.deepStrictEqual(yield* at(302, { ExpectedStatus: 200 }), ["status 302", 302])
      assert.deepStrictEqual(yield* at(404, { ExpectedStatus: ["200-204", 404] }), ["", 404])
      assert.strictEqual(server.accepted(), 6)
    }).pipe(Effect.provide(Live)))

  it.live("looks at the body", () =>
    Effect.gen(function*() {
      const json = yield* bodyServer(JSON.stringify({ result: [{ ok: true, n: null, s: "x" }] }))
      const error = (options: Readonly<Record<string, unknown>>) =>
        Effect.map(lookAt(json, { options }), ({ error }) => error)
      assert.strictEqual(yield* error({ BodyRegex: '"ok":true' }), "")
      assert.strictEqual(yield* error({ BodyRegex: "^nothing" }), "the body does not match BodyRegex")
      assert.strictEqual(yield* error({ BodyJson: { Path: "result.0.ok", Equals: true } }), "")
      assert.strictEqual(yield* error({ BodyJson: { Path: "result.0.n", Equals: null } }), "")
      assert.strictEqual(
        yield* error({ BodyJson: { Path: "result.0.s", Equals: "y" } }),
        "result.0.s in the body is not as expected"
      )
      assert.strictEqual(
        yield* error({ BodyJson: { Path: "result.constructor", Equals: 1 } }),
        "result.constructor is not in the body"
      )
      const text = yield* bodyServer("no json")
      assert.strictEqual(
        yield* errorAt(text, { options: { BodyJson: { Path: "a", Equals: 1 } } }),
        "the body is no JSON"
      )
      const long = (bytes: number) =>
        Effect.gen(function*() {
          const parse = vi.spyOn(JSON, "parse")
          const server = yield* bodyServer(`{"a":"${"x".repeat(bytes - 8)}"}`)
          const { error } = yield* lookAt(server, { options: { BodyJson: { Path: "b", Equals: 1 } } })
          const parsed = parse.mock.calls.filter(([text]) => text.length >= bytes)
          parse.mockRestore()
          return [error, parsed.length]
        })
      assert.deepStrictEqual(yield* long(65_536), ["b is not in the body", 1])
      assert.deepStrictEqual(yield* long(65_537), ["the body is longer than 65536 bytes: too long for BodyJson", 0])
    }).pipe(Effect.provide(Live)))

  it.live("holds a body that cannot be matched in time against the member, unless this node had no processor", () =>
    Effect.gen(function*() {
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.restoreAllMocks()))
      const evil = yield* bodyServer(`${"a".repeat(60)}b`)
      const planned = yield* target(evil, { options: { BodyRegex: "^(a|a)*$" } })
      const look = Effect.map(planned.check.run(planned), ({ error, up }) => [up, error] as const)
      withProcessor()
      assert.deepStrictEqual(yield* look, [false, "the body could not be matched with BodyRegex in time"])
      withoutProcessor()
      assert.deepStrictEqual(yield* look, [
        undefined,
        "this node could not try: no processor for BodyRegex: raise the limits of this process, or check less at once"
      ])
    }).pipe(Effect.provide(Live)))

  it.live("a right answer that takes too long is none", () =>
    Effect.gen(function*() {
      const server = yield* httpServer((_, response) => void setTimeout(() => response.end(), 60))
      assert.strictEqual(yield* errorAt(server, { options: { MaxLatency: 20 } }), "slower than 20 ms")
      assert.strictEqual((yield* lookAt(server, { options: { MaxLatency: 60_000 } })).error, "")
    }).pipe(Effect.provide(Live)))

  it.live("says in stable words what is wrong with a connection or an answer", () =>
    Effect.gen(function*() {
      const gone = yield* Effect.scoped(bodyServer(""))
      assert.strictEqual((yield* lookAt(gone)).error, "connection refused")
      assert.strictEqual(yield* errorAt(yield* raw("")), "connection closed by the member")
      assert.strictEqual(yield* errorAt(yield* raw("220 mail.example ESMTP\r\n")), "the answer is no valid HTTP")
      assert.strictEqual(
        yield* errorAt(yield* raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")),
        "the connection was closed in the middle of the answer"
      )
      assert.strictEqual(
        yield* errorAt(yield* raw("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")),
        "status 101"
      )
      assert.strictEqual(
        yield* errorAt(yield* raw("220 no TLS here\r\n"), { url: "https://rpc.demo.example/" }),
        "TLS handshake failed: wrong version number"
      )
    }).pipe(Effect.provide(Live)))

  it.live("an endless answer, an endless header, a dripping one and silence all come to an end", () =>
    Effect.gen(function*() {
      const head = "HTTP/1.1 200 OK\r\n"
      const endless = yield* tcpServer((socket) => {
        socket.write(`${head}\r\n`)
        pour(socket, "x".repeat(10_000))
      })
      assert.strictEqual(yield* errorAt(endless), "the answer is longer than 1048576 bytes")
      assert.strictEqual(yield* errorAt(endless, { options: { MaxBody: 99 } }), "the answer is longer than 99 bytes")
      const header = yield* tcpServer((socket) => {
        socket.write(head)
        pour(socket, `a: ${"x".repeat(1_000)}\r\n`)
      })
      assert.strictEqual(yield* errorAt(header), "the header of the answer is too long")
      const drips = yield* tcpServer((socket) => {
        socket.write(`${head}\r\n`)
        const drip = setInterval(() => socket.write("x"), 5)
        socket.on("close", () => clearInterval(drip))
      })
      assert.strictEqual(yield* errorAt(drips, { timeout: 150 }), "no complete answer within 0.15 s")
      const continues = yield* tcpServer((socket) => pour(socket, "HTTP/1.1 100 Continue\r\n\r\n"))
      assert.strictEqual(yield* errorAt(continues, { timeout: 150 }), "no complete answer within 0.15 s")
      const silent = yield* tcpServer(() => undefined)
      assert.strictEqual(yield* errorAt(silent, { timeout: 150 }), "no complete answer within 0.15 s")
      assert.strictEqual(
        yield* errorAt(silent, { url: "https://rpc.demo.example/", timeout: 200 }),
        "no TLS handshake within 0.18 s"
      )
      assert.strictEqual(
        yield* errorAt(silent, { url: "wss://rpc.demo.example/", options: { ConnectTimeout: 0.1 } }),
        "no TLS handshake within 0.1 s"
      )
    }).pipe(Effect.provide(Live)))

  it.live("a probe that is given up closes its connection", () =>
    Effect.gen(function*() {
      const prober = yield* Prober
      for (const url of ["http://rpc.demo.example/", "https://rpc.demo.example/"]) {
        const silent = yield* tcpServer(() => undefined)
        const looking = yield* Effect.forkChild(Effect.exit(lookAt(silent, { url })))
        yield* silent.connected
        yield* prober.replan(new Map(), 10)
        yield* silent.drained
        yield* Fiber.interrupt(looking)
        assert.strictEqual(silent.accepted(), 1)
      }
    }).pipe(Effect.provide(Live)))
})

describe("tcp", () => {
  it.live("succeeds when the member accepts", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer(() => undefined)
      const seen = yield* lookAt(server, { probe: "tcp" })
      yield* server.drained
      assert.isTrue(seen.up)
      assert.deepStrictEqual(Object.keys(seen.data as object), ["LatencyMs"])
      const gone = yield* Effect.scoped(bodyServer(""))
      assert.strictEqual((yield* lookAt(gone, { probe: "tcp" })).error, "connection refused")
    }).pipe(Effect.provide(Live)))
})

describe("TLS", () => {
  const before = tls.getCACertificates("default")
  beforeAll(() => tls.setDefaultCACertificates([...before, readFileSync("test/fixtures/tls/authority.pem", "utf8")]))
  afterAll(() => tls.setDefaultCACertificates(before))

  const both = Effect.fnUntraced(
    function*(certificate: string, options: Readonly<Record<string, unknown>> = {}, host?: string) {
      const server = yield* tlsServer(certificate)
      const url = `https://${host ?? "rpc.demo.example"}/`
      const look = { url, options, ...(host === undefined ? {} : { host }) }
      const http = yield* lookAt(server, look)
      const ssl = yield* lookAt(server, { ...look, probe: "ssl" })
      yield* server.drained
      return [http.error, ssl.error]
    }
  )
  const twice = (error: string) => [error, error]

  it.live("chain and name have to be valid, for http as for ssl", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* both("valid"), twice(""))
      assert.deepStrictEqual(yield* both("other-name"), twice("the certificate is not for rpc.demo.example"))
      assert.deepStrictEqual(yield* both("expired"), twice("the certificate has expired"))
      assert.deepStrictEqual(
        yield* both("self-signed"),
        twice("the certificate is not trusted: it is self-signed")
      )
      assert.deepStrictEqual(yield* both("valid", {}, "127.0.1.1"), twice(""))
    }).pipe(Effect.provide(Live)))

  it.live("AllowUntrusted takes a chain to nobody, but no other name and no expired certificate", () =>
    Effect.gen(function*() {
      const options = { AllowUntrusted: true }
      assert.deepStrictEqual(yield* both("self-signed", options), twice(""))
      assert.deepStrictEqual(
        yield* both("self-signed", options, "x.example"),
        twice("the certificate is not for x.example")
      )
      assert.deepStrictEqual(yield* both("other-name", options), twice("the certificate is not for rpc.demo.example"))
      assert.deepStrictEqual(yield* both("expired", options), twice("the certificate has expired"))
    }).pipe(Effect.provide(Live)))

  it.live("SNI is the public name; an address is none", () =>
    Effect.gen(function*() {
      const names: Array<string> = []
      const server = yield* tlsServer("valid", names)
      yield* lookAt(server, { url: "wss://rpc.demo.example/x" })
      yield* lookAt(server, { url: "wss://127.0.1.1/x", host: "127.0.1.1" })
      yield* server.drained
      assert.deepStrictEqual(names, ["rpc.demo.example", "false"])
    }).pipe(Effect.provide(Live)))

  // The clock of the test stands still, so the deadlines never end; the intermediate is valid until 2120-01-01
  it.effect("every certificate of the chain has to last 5 days", () =>
    Effect.gen(function*() {
      const server = yield* tlsServer("valid")
      const data = (DaysUntilExpiry: number) => ({
        DaysUntilExpiry,
        ExpiryTimestamp: Date.parse("2120-01-01T00:00:00Z") / 1000,
        Port: String(server.port),
        Issuer: "Example Test Intermediate"
      })
      yield* TestClock.setTime(Date.parse("2119-12-20T12:00:00Z"))
      const good = yield* lookAt(server, { probe: "ssl" })
      assert.deepStrictEqual([good.error, good.data], ["", data(11)])
      yield* TestClock.setTime(Date.parse("2119-12-28T12:00:00Z"))
      const short = yield* lookAt(server, { probe: "ssl" })
      assert.isFalse(short.up)
      assert.deepStrictEqual(
        [short.error, short.data],
        ["a certificate of the chain expires in less than 5 days", data(3)]
      )
    }).pipe(Effect.provide(Live)))

  it.effect("what is above an authority that we trust by itself plays no part", () =>
    Effect.gen(function*() {
      const intermediate = readFileSync("test/fixtures/tls/valid.pem", "utf8").match(
        /-----BEGIN[^]*?END CERTIFICATE-----/g
      )![1]!
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const trusted = tls.getCACertificates("default")
          tls.setDefaultCACertificates([...trusted, intermediate])
          return trusted
        }),
        (trusted) => Effect.sync(() => tls.setDefaultCACertificates(trusted))
      )
      const server = yield* tlsServer("valid")
      yield* TestClock.setTime(Date.parse("2119-12-28T12:00:00Z"))
      const seen = yield* Effect.provide(lookAt(server, { probe: "ssl" }), Live)
      assert.strictEqual(seen.error, "")
      assert.include(seen.data, { ExpiryTimestamp: Date.parse("2124-01-01T00:00:00Z") / 1000 })
    }))

  it.live("bytes that are no TLS, and a connection that is closed in the handshake", () =>
    Effect.gen(function*() {
      const closes = yield* tcpServer((socket) => void socket.end())
      assert.strictEqual(yield* errorAt(closes, { probe: "ssl" }), "connection closed by the member")
      const pours = yield* tcpServer((socket) => pour(socket, "\u0016\u0003\u0001".repeat(1_000)))
      assert.match(
        yield* errorAt(pours, { probe: "ssl" }),
        /^(TLS handshake failed: [a-z ]+|connection closed by the member)$/
      )
    }).pipe(Effect.provide(Live)))
})
