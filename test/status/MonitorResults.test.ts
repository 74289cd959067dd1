import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"
import { Config } from "../../src/config/Config.ts"
import { MonitorResults } from "../../src/status/MonitorResults.ts"

const document = JSON.stringify({
  SiteResults: [{
    CheckName: "ping",
    IsIPv6: false,
    Results: [{ Status: false, MemberName: "Amber", ErrorText: "x", Checktime: "2026-04-21T08:00:00Z" }]
  }]
})

/** A monitor on a port of its own. */
const monitor = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(answer)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    (server) => (server.address() as AddressInfo).port
  )

const read = (MonitorAddress: string, MonitorPort: string) =>
  MonitorResults.use((results) => results.read).pipe(
    Effect.provide(
      MonitorResults.layer.pipe(
        Layer.provide(Layer.orDie(Config.layerMemory({ local: { DnsApi: { MonitorAddress, MonitorPort } } })))
      )
    )
  )

/** Why the results of a monitor that answers like this cannot be read. */
const refusal = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.flatMap(monitor(answer), (port) => Effect.flip(read("127.0.0.1", String(port))))

describe("MonitorResults.layer", () => {
  it.live("reads the results of the monitor that is configured", () =>
    Effect.gen(function*() {
      const port = yield* monitor((request, response) => {
        assert.strictEqual(request.url, "/results")
        response.writeHead(200, { "content-encoding": "gzip", "x-ibp-results-source": "official" })
        response.end(gzipSync(document))
      })
      const found = yield* read("127.0.0.1", String(port))
      assert.strictEqual(found.host, `127.0.0.1:${port}`)
      assert.deepStrictEqual([...found.results.values()].map(({ target, up }) => [target.member, up]), [[
        "Amber",
        false
      ]])
    }))

  it.live("sends user and password of the URL as a header, to that monitor only", () =>
    Effect.gen(function*() {
      const seen: Array<string | undefined> = []
      const other = yield* monitor((request, response) => {
        seen.push(`other ${request.headers.authorization}`)
        response.end(document)
      })
      const port = yield* monitor((request, response) => {
        seen.push(request.headers.authorization)
        response.writeHead(302, { location: `http://127.0.0.1:${other}/results` }).end()
      })
      const error = yield* Effect.flip(read(`http://user:p%40ss@127.0.0.1:${port}`, ""))
      assert.deepStrictEqual(seen, [`Basic ${Buffer.from("user:p@ss").toString("base64")}`])
      assert.notMatch(error.message, /user|p@ss|p%40ss/)
    }))

  it.live("refuses what a monitor only saw itself, and what are no results", () =>
    Effect.gen(function*() {
      const local = yield* refusal((_, response) => {
        response.writeHead(200, { "X-IBP-Results-Source": "local" }).end(document)
      })
      assert.match(local.message, /^127\.0\.0\.1:\d+ has only what it sees itself, and no official status yet$/)
      const page = yield* refusal((_, response) => void response.end("<html></html>"))
      assert.strictEqual(page.reason._tag, "NoResults")
      const none = yield* refusal((_, response) => void response.writeHead(503).end("{}"))
      assert.match(none.message, /has no results yet \(status 503\)$/)
    }))

  it.live("bounds the answer, also one that is small only while it is packed", () =>
    Effect.gen(function*() {
      const packed = gzipSync(Buffer.alloc(17 * 1024 * 1024, " "))
      const error = yield* refusal((_, response) => {
        response.writeHead(200, { "content-encoding": "gzip" }).end(packed)
      })
      assert.strictEqual(error.reason._tag, "TooLarge")
    }))

  it.live("says what is wrong with a monitor that is not there, and with its address", () =>
    Effect.gen(function*() {
      const gone = yield* Effect.scoped(monitor((_, response) => void response.end()))
      const error = yield* Effect.flip(read("127.0.0.1", String(gone)))
      assert.match(error.message, /^127\.0\.0\.1:\d+ gives no results: .*ECONNREFUSED/)
      const cut = yield* refusal((_, response) => {
        response.writeHead(200, { "content-length": "1000" })
        response.write("{")
        setImmediate(() => response.destroy())
      })
      assert.strictEqual(cut.reason._tag, "Unreachable")
      assert.strictEqual((yield* Effect.flip(read("", "9090"))).reason._tag, "NoMonitor")
      assert.strictEqual((yield* Effect.flip(read("not a host", "9090"))).reason._tag, "BadAddress")
    }).pipe(Effect.provide(Logger.layer([]))))
})
