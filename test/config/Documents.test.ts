import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { BadStatus, TimedOut } from "../../src/config/DocumentError.ts"
import { Documents, maxDocumentBytes, readTimeout } from "../../src/config/Documents.ts"
import { publicLocation, resolveLocation } from "../../src/config/location.ts"
import { MemoryDocuments } from "../../src/config/MemoryDocuments.ts"
import { documentsConformance } from "./Documents.conformance.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-documents-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const serve = (handler: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(handler)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

const read = (location: string) => Documents.use((documents) => documents.read(location))

describe("Documents.layer, files", () => {
  documentsConformance(
    Effect.map(folder, (path) => ({
      location: join(path, "document.json"),
      missing: join(path, "none.json"),
      put: (text: string) => Effect.sync(() => writeFileSync(join(path, "document.json"), text))
    })),
    Documents.layer
  )

  it.live("what is no file is refused: a directory, a pipe, a device", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const pipe = join(path, "pipe")
      assert.strictEqual(spawnSync("mkfifo", [pipe]).status, 0)
      for (const location of [path, pipe, "/dev/zero"]) {
        const error = yield* Effect.flip(read(location))
        assert.strictEqual(error.reason._tag, "Unreadable")
        assert.match(error.message, /something that is no file/)
      }
      writeFileSync(join(path, "a file"), "")
      assert.strictEqual((yield* Effect.flip(read(join(path, "a file", "x.json")))).reason._tag, "NotFound")
    }).pipe(Effect.provide(Documents.layer)))

  it.live("a file beyond the bound is refused", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "long.json")
      writeFileSync(path, Buffer.alloc(maxDocumentBytes, " "))
      assert.strictEqual((yield* read(path)).length, maxDocumentBytes)
      writeFileSync(path, Buffer.alloc(maxDocumentBytes + 1, " "))
      const error = yield* Effect.flip(read(path))
      assert.strictEqual(error.reason._tag, "TooLarge")
      assert.include(error.message, path)
    }).pipe(Effect.provide(Documents.layer)))
})

describe("Documents.layer, HTTP", () => {
  const shared = { text: undefined as string | undefined }
  documentsConformance(
    Effect.map(
      serve((request, response) => {
        const found = request.url === "/document.json" ? shared.text : undefined
        response.writeHead(found === undefined ? 404 : 200).end(found)
      }),
      (url) => ({
        location: `${url}/document.json`,
        missing: `${url}/none.json`,
        put: (text: string) => Effect.sync(() => void (shared.text = text))
      })
    ),
    Documents.layer
  )

  it.live("redirects are followed, but not for ever; another status is an error that names it", () =>
    Effect.gen(function*() {
      let requests = 0
      const url = yield* serve((request, response) => {
        requests++
        const [, left] = /^\/hop\/(\d+)$/.exec(request.url ?? "") ?? []
        if (left === "0") response.end("arrived")
        else if (left !== undefined) response.writeHead(302, { location: `/hop/${Number(left) - 1}` }).end("x")
        else if (request.url === "/loop") response.writeHead(301, { location: "/loop" }).end()
        else if (request.url === "/gone") response.writeHead(410).end()
        else response.writeHead(503).end("down")
      })
      assert.strictEqual(yield* read(`${url}/hop/5`), "arrived")
      requests = 0
      const loop = yield* Effect.flip(read(`${url}/loop`))
      assert.match(loop.message, /the status 301 \(too many redirects/)
      assert.isAtMost(requests, 6)
      assert.strictEqual((yield* Effect.flip(read(`${url}/gone`))).reason._tag, "NotFound")
      assert.match((yield* Effect.flip(read(`${url}/x?token=s3cr3t`))).message, /\/x\?…: the status 503/)
    }).pipe(Effect.provide(Documents.layer)))

  it.live("redirects to other hosts are not followed when that was asked for", () =>
    Effect.gen(function*() {
      let elsewhere = 0
      const url = yield* serve((request, response) => {
        if (request.url === "/there") {
          elsewhere++
          response.end("there")
        } else {
          const host = request.url === "/other" ? "localhost" : "127.0.0.1"
          response.writeHead(302, { location: `http://${host}:${request.socket.localPort}/there` }).end()
        }
      })
      const sameHost = (path: string) =>
        Documents.use((documents) => Effect.result(documents.read(url + path, { sameHost: true })))
      const other = yield* sameHost("/other")
      assert.isTrue(other._tag === "Failure" && other.failure.reason._tag === "BadStatus")
      assert.strictEqual(elsewhere, 0)
      const same = yield* sameHost("/same")
      assert.isTrue(same._tag === "Success" && same.success === "there")
    }).pipe(Effect.provide(Documents.layer)))

  it.live("an endless answer is cut off, also a small one that unpacks without end", () =>
    Effect.gen(function*() {
      const packed = gzipSync(Buffer.alloc(maxDocumentBytes + 1, " "))
      let sent = 0
      const url = yield* serve((request, response) => {
        if (request.url === "/packed") return void response.writeHead(200, { "content-encoding": "gzip" }).end(packed)
        const more = () => {
          while (!response.destroyed) {
            sent += 65_536
            if (!response.write(Buffer.alloc(65_536, " "))) return
          }
        }
        response.on("drain", more)
        more()
      })
      assert.strictEqual((yield* Effect.flip(read(`${url}/endless`))).reason._tag, "TooLarge")
      assert.isBelow(sent, 4 * maxDocumentBytes)
      assert.strictEqual((yield* Effect.flip(read(`${url}/packed`))).reason._tag, "TooLarge")
    }).pipe(Effect.provide(Documents.layer)))

  it.effect("a server that never finishes is given up after 15 s", () =>
    Effect.gen(function*() {
      const asked = Promise.withResolvers<void>()
      const url = yield* serve((_request, response) => {
        response.write("{")
        asked.resolve()
      })
      const reading = yield* Effect.forkChild(Effect.flip(read(`${url}/slow`)), { startImmediately: true })
      yield* Effect.promise(() => asked.promise)
      yield* TestClock.adjust(`${readTimeout - 1} seconds`)
      assert.isUndefined(reading.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(reading)
      assert.deepStrictEqual(error.reason, new TimedOut({ seconds: 15 }))
      assert.match(error.message, /no whole document within 15 s/)
    }).pipe(Effect.provide(Documents.layer)))

  it.live("a server that is not there, or breaks off, is an error that says so", () =>
    Effect.gen(function*() {
      const gone = yield* Effect.scoped(serve(() => undefined))
      const error = yield* Effect.flip(read(`${gone}/x?token=s3cr3t`))
      assert.strictEqual(error.reason._tag, "Unreadable")
      assert.match(error.message, /no answer: .*ECONNREFUSED/)
      assert.notInclude(error.message, "s3cr3t")
      const url = yield* serve((_request, response) => {
        response.writeHead(200, { "content-length": "100" }).write("{", () => response.destroy())
      })
      assert.strictEqual((yield* Effect.flip(read(url))).reason._tag, "Unreadable")
      assert.strictEqual((yield* Effect.flip(read("http://"))).reason._tag, "Unreadable")
    }).pipe(Effect.provide(Documents.layer)))

  it.live("user and password of a URL are sent, never shown, and not passed on to another host", () =>
    Effect.gen(function*() {
      const seen: Array<string | undefined> = []
      const other = yield* serve((request, response) => {
        seen.push(request.headers.authorization)
        response.writeHead(403).end()
      })
      const url = yield* serve((request, response) => {
        seen.push(request.headers.authorization)
        response.writeHead(302, { location: `${other}/x` }).end()
      })
      const error = yield* Effect.flip(read(url.replace("http://", "http://me:p%40ss@")))
      assert.deepStrictEqual(seen, [`Basic ${Buffer.from("me:p@ss").toString("base64")}`, undefined])
      assert.deepStrictEqual(error.reason, new BadStatus({ status: 403 }))
      assert.strictEqual(error.location, `${url}/`)
    }).pipe(Effect.provide(Documents.layer)))

  it.live("a reading that is interrupted closes its connection", () =>
    Effect.gen(function*() {
      const asked = Promise.withResolvers<void>()
      const closed = Promise.withResolvers<void>()
      const url = yield* serve((request) => {
        request.socket.on("close", () => closed.resolve())
        asked.resolve()
      })
      const reading = yield* Effect.forkChild(read(url), { startImmediately: true })
      yield* Effect.promise(() => asked.promise)
      const exit = yield* Effect.andThen(Fiber.interrupt(reading), Fiber.await(reading))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      yield* Effect.promise(() => closed.promise)
    }).pipe(Effect.provide(Documents.layer)))
})

describe("Documents.layerMemory", () => {
  const location = "https://documents.example/document.json"
  documentsConformance(
    Effect.map(MemoryDocuments, (memory) => ({
      location,
      missing: "https://documents.example/none.json",
      put: (text: string) => memory.set(location, text)
    })),
    Documents.layerMemory()
  )

  it.effect("can fail, and lose a document, while it runs", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryDocuments
      assert.strictEqual(yield* read("a"), "text")
      yield* memory.fail("a", new BadStatus({ status: 500 }))
      assert.match((yield* Effect.flip(read("a"))).message, /^a: the status 500/)
      yield* memory.set("a", "again")
      assert.strictEqual(yield* read("a"), "again")
      yield* memory.remove("a")
      assert.strictEqual((yield* Effect.flip(read("a"))).reason._tag, "NotFound")
    }).pipe(Effect.provide(Layer.fresh(Documents.layerMemory({ a: "text" })))))
})

describe("locations", () => {
  it("count from the local document", () => {
    assert.strictEqual(resolveLocation("/etc/geodns/local.json", "members.json"), "/etc/geodns/members.json")
    assert.strictEqual(resolveLocation("/etc/geodns/local.json", "../a b.json"), "/etc/a b.json")
    assert.strictEqual(resolveLocation("/etc/geodns/local.json", "/srv/x.json"), "/srv/x.json")
    assert.strictEqual(resolveLocation("/etc/geodns/local.json", "https://a.example/x?y=z"), "https://a.example/x?y=z")
    assert.strictEqual(resolveLocation("/etc/geodns/local.json", "file:///srv/a%20b.json"), "/srv/a b.json")
    assert.strictEqual(resolveLocation("https://a.example/c/local.json", "x.json"), "https://a.example/c/x.json")
    assert.strictEqual(resolveLocation("/etc/geodns/local.json", ""), "")
  })

  it("are shown without what could be a secret", () => {
    assert.strictEqual(publicLocation("https://u:p@a.example/x.json?token=t#f"), "https://a.example/x.json?…")
    assert.strictEqual(publicLocation("/etc/geodns/local.json"), "/etc/geodns/local.json")
    assert.strictEqual(publicLocation("https://"), "a URL that cannot be read")
  })
})
