import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { Config } from "../../src/config/Config.ts"
import { Documents } from "../../src/config/Documents.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"

/** A web server on loopback, with the requests that it got. */
const serve = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<
        { readonly url: string; readonly requests: Array<IncomingHttpHeaders & { path: string }>; close: () => void }
      >(
        (resume) => {
          const requests: Array<IncomingHttpHeaders & { path: string }> = []
          const server = createServer((request, response) => {
            requests.push({ ...request.headers, path: request.url! })
            answer(request, response)
          })
          const close = () => {
            server.close()
            server.closeAllConnections()
          }
          server.listen(0, "127.0.0.1", () =>
            resume(Effect.succeed({
              url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
              requests,
              close
            })))
        }
      ),
      ({ close }) => Effect.sync(close)
    ),
    (server) => server
  )

const read = (location: string) => Documents.use((documents) => documents.read(location))
const provided = Effect.provide(Documents.layer)
const old = "Tue, 01 Jan 2030 00:00:00 GMT"
const later = "Tue, 01 Jan 2030 01:00:00 GMT"

describe("conditional requests", () => {
  it.live("a document that has not changed is not sent again: the same text, by ETag or by date", () =>
    Effect.gen(function*() {
      let text = "[1]"
      const { requests, url } = yield* serve((request, response) => {
        const etag = `"${text.length}-${text}"`
        const known = request.url === "/etag"
          ? request.headers["if-none-match"] === etag
          : request.headers["if-modified-since"] === old
        if (known) return void response.writeHead(304).end()
        response.writeHead(200, request.url === "/etag" ? { etag } : { "last-modified": old, date: later }).end(text)
      })
      for (const path of ["/etag", "/date"]) {
        assert.strictEqual(yield* read(`${url}${path}`), "[1]")
        assert.strictEqual(yield* read(`${url}${path}`), "[1]")
      }
      assert.deepStrictEqual(
        requests.map((headers) => [headers["if-none-match"], headers["if-modified-since"]]),
        [[undefined, undefined], ['"3-[1]"', undefined], [undefined, undefined], [undefined, old]]
      )
      text = "[1,2]"
      assert.strictEqual(yield* read(`${url}/etag`), "[1,2]")
      assert.strictEqual(yield* read(`${url}/etag`), "[1,2]")
      assert.strictEqual(requests.at(-1)?.["if-none-match"], '"5-[1,2]"')
    }).pipe(provided))

  it.live("servers that know none of it are asked plainly; what they say of time is believed only when it is old", () =>
    Effect.gen(function*() {
      const answers = [{}, { etag: "" }, { "last-modified": later, date: later }, { "last-modified": "yesterday" }, {
        etag: "un quoted"
      }]
      let next = 0
      const { requests, url } = yield* serve((_, response) => {
        response.writeHead(200, { ...answers[next++] }).end("[]")
      })
      for (const _ of [...answers, 1]) assert.strictEqual(yield* read(url), "[]")
      assert.deepStrictEqual(
        requests.map((headers) => headers["if-none-match"] ?? headers["if-modified-since"]),
        [undefined, undefined, undefined, undefined, undefined, "un quoted"]
      )
    }).pipe(provided))

  it.live("a validator is for its URL alone: not for another document, nor for what a redirect leads to now", () =>
    Effect.gen(function*() {
      let target = "/v1"
      const { requests, url } = yield* serve((request, response) => {
        if (request.url === "/latest") return void response.writeHead(302, { location: target }).end()
        if (request.headers["if-none-match"] === '"1"') return void response.writeHead(304).end()
        response.writeHead(200, { etag: '"1"' }).end(`["${request.url}"]`)
      })
      assert.strictEqual(yield* read(`${url}/latest`), '["/v1"]')
      assert.strictEqual(yield* read(`${url}/latest`), '["/v1"]')
      target = "/v2"
      assert.strictEqual(yield* read(`${url}/latest`), '["/v2"]')
      assert.strictEqual(yield* read(`${url}/v2`), '["/v2"]')
      assert.deepStrictEqual(requests.map((headers) => [headers.path, headers["if-none-match"]]), [
        ["/latest", undefined],
        ["/v1", undefined],
        ["/latest", undefined],
        ["/v1", '"1"'],
        ["/latest", undefined],
        ["/v2", undefined],
        ["/v2", undefined]
      ])
    }).pipe(provided))

  it.live("a 304 that nobody asked for is an error; an error in between loses nothing", () =>
    Effect.gen(function*() {
      let status = 304
      const { requests, url } = yield* serve((request, response) => {
        const same = status === 200 && request.headers["if-none-match"] === '"x"'
        response.writeHead(same ? 304 : status, { etag: '"x"' }).end(status === 200 && !same ? "[1]" : undefined)
      })
      assert.match((yield* Effect.flip(read(url))).message, /the status 304/)
      status = 200
      assert.strictEqual(yield* read(url), "[1]")
      status = 500
      assert.match((yield* Effect.flip(read(url))).message, /the status 500/)
      status = 200
      assert.strictEqual(yield* read(url), "[1]")
      assert.strictEqual(requests.at(-1)?.["if-none-match"], '"x"')
    }).pipe(provided))

  it.live("a redirect to something that is no web address is not followed", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((_, response) => {
        response.writeHead(302, { location: "file:///etc/passwd" }).end()
      })
      assert.match((yield* Effect.flip(read(url))).message, /the status 302/)
    }).pipe(provided))
})

describe("Config over a web server", () => {
  const documents: Record<string, string> = {
    "/local.json": JSON.stringify({
      System: {
        ConfigUrls: {
          StaticDNSConfig: "static.json",
          MembersConfig: "members.json",
          ServicesConfig: "services.json",
          IaasPricingConfig: "prices.json",
          ServicesRequestsConfig: "requests.json",
          AlertsConfig: "alerts.json"
        }
      }
    }),
    "/static.json": "[]",
    "/members.json": JSON.stringify({
      A: {
        Details: { Name: "a" },
        Membership: { MemberLevel: 1 },
        Service: { Active: 1, ServiceIPv4: "192.0.2.1" },
        Location: { Latitude: 1, Longitude: 2 }
      }
    }),
    "/services.json": "{}",
    "/prices.json": '{"Europe": {"cores": 1, "memory": 1, "disk": 1, "bandwidth": 1}}',
    "/requests.json": '{"Paseo": {}}',
    "/alerts.json": "{}"
  }
  const withEtags = (texts: Readonly<Record<string, string | undefined>>) =>
    serve((request, response) => {
      const text = texts[request.url!]
      if (text === undefined) return void response.writeHead(500).end("<html>oops</html>")
      const etag = `W/"${createHash("sha1").update(text).digest("hex")}"`
      if (request.headers["if-none-match"] === etag) response.writeHead(304, { etag }).end()
      else response.writeHead(200, { etag }).end(text)
    })

  it.live(
    "one document that breaks in any way leaves the other five fresh, and its last good one in use",
    () =>
      Effect.gen(function*() {
        const texts = { ...documents }
        const { requests, url } = yield* withEtags(texts)
        yield* Effect.gen(function*() {
          const config = yield* Config
          const good = (yield* config.current).requests
          assert.deepStrictEqual(good, { Paseo: {} })
          for (const bad of ["", "<!doctype html><title>busy</title>", '{"Paseo": {"2024-1', "[]", '"x"', undefined]) {
            texts["/requests.json"] = bad as string
            texts["/prices.json"] = documents["/prices.json"]!.replace("1", String(2 + requests.length))
            const { changed, problems } = yield* config.reload
            assert.deepStrictEqual([changed, problems.length], [true, 1], String(bad))
            assert.match(problems[0]!, /^ServicesRequestsConfig/)
            const snapshot = yield* config.current
            assert.strictEqual(snapshot.requests, good)
            assert.strictEqual(snapshot.pricing["Europe"]?.cores, 2 + (requests.length - 7))
            const [condition, ...others] = yield* Conditions.use((conditions) => conditions.current)
            assert.strictEqual(condition?.name, "config:ServicesRequestsConfig")
            assert.match(condition?.detail ?? "", /In use: the copy of \d{4}-.*Z\.$/)
            assert.deepStrictEqual(others, [])
          }
          texts["/requests.json"] = documents["/requests.json"]!
          yield* config.reload
          assert.deepStrictEqual(yield* Conditions.use((conditions) => conditions.current), [])
          const count = requests.length
          assert.isFalse((yield* config.reload).changed)
          assert.isTrue(requests.slice(count).every((headers) => headers["if-none-match"] !== undefined))
        }).pipe(
          Effect.provide(
            Config.layer({ path: `${url}/local.json`, required: ["MembersConfig"] }).pipe(
              Layer.provideMerge(Layer.mergeAll(Documents.layer, DurableFiles.layerMemory, Conditions.layer))
            )
          )
        )
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    120_000
  )

  it.live(
    "a node starts from its last good set when the web is gone, says so, and is fresh once it is back",
    () =>
      Effect.gen(function*() {
        const files = Layer.succeed(DurableFiles, yield* DurableFiles)
        // The local document is at hand, as it is for an operator; the others are on the web.
        const local = (url: string) => documents["/local.json"]!.replaceAll(/"(\w+\.json)"/g, `"${url}/$1"`)
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(`${tmpdir()}/geodns-web-`)),
          (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
        )
        const server = yield* withEtags(documents)
        const path = `${folder}/local.json`
        writeFileSync(path, local(server.url))
        const node = Config.layer({ path, required: ["MembersConfig", "ServicesConfig"] }).pipe(
          Layer.provideMerge(Layer.mergeAll(Documents.layer, files, Layer.fresh(Conditions.layer)))
        )
        const current = Config.use((config) => config.current)
        yield* current.pipe(Effect.provide(Layer.fresh(node)))
        server.close()
        yield* Effect.gen(function*() {
          const snapshot = yield* current
          assert.deepStrictEqual([Object.keys(snapshot.members), Object.keys(snapshot.pricing)], [["A"], ["Europe"]])
          const conditions = yield* Conditions.use((conditions) => conditions.current)
          assert.strictEqual(conditions.length, 6)
          for (const { detail } of conditions) assert.match(detail, /no answer.*In use: the copy of \d{4}-/)
          const back = yield* withEtags(documents)
          writeFileSync(path, local(back.url))
          assert.deepStrictEqual((yield* Config.use((config) => config.reload)).problems, [])
          assert.deepStrictEqual(yield* Conditions.use((conditions) => conditions.current), [])
        }).pipe(Effect.provide(Layer.fresh(node)))
      }).pipe(Effect.scoped, Effect.provide(DurableFiles.layerMemory), Effect.provide(Logger.layer([]))),
    120_000
  )
})
