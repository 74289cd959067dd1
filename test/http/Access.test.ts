import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Metric } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Config } from "../../src/config/Config.ts"
import { type RawDocuments, setDocuments } from "../../src/config/memoryConfig.ts"
import { Access, Caller, layerServer, Metrics, Route, serve } from "../../src/http/index.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { ask, askRaw } from "./client.ts"

const mgmtKey = "geheim-mgmt-0123456789"
const dnsKey = "geheim-dns-0123456789"

const local = (options: {
  readonly mgmt?: Record<string, string>
  readonly public?: ReadonlyArray<string>
  readonly rate?: { readonly PerSecond: number; readonly Burst: number }
}): RawDocuments => ({
  local: {
    DnsApi: { AuthKeys: { dashboard: dnsKey } },
    MgmtApi: { AuthKeys: options.mgmt ?? { anna: mgmtKey } },
    GeoDNS: { Public: options.public ?? ["/open", "/live", "/metrics"], Http: { RateLimit: options.rate ?? {} } }
  }
})

const who = Effect.gen(function*() {
  return HttpServerResponse.jsonUnsafe({ caller: (yield* Caller) ?? null })
})

const routes = Layer.mergeAll(
  Metrics.layer,
  HttpRouter.use((router) => Route.get(router, "/open", who)),
  HttpRouter.use((router) => Route.get(router, "/live", who)),
  HttpRouter.use((router) => Route.get(router, "/closed", who)),
  HttpRouter.add("POST", "/write", who)
)

const node = (documents: RawDocuments) =>
  serve(routes).pipe(
    Layer.provideMerge(layerServer({ host: "127.0.0.1", port: 0 })),
    Layer.provide(Access.layer({ apis: ["DnsApi"] })),
    Layer.provideMerge(Layer.mergeAll(Config.layerMemory(documents), Conditions.layer)),
    // Every test counts for itself.
    Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map()))
  )

const write = (headers: Record<string, string>) =>
  ask("/write", { method: "POST", body: "{}", headers: { "content-type": "application/json", ...headers } })

describe("a server with keys", () => {
  it.live("shows what is public, and the rest and writing to those with a key", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* ask("/open")).json, { caller: null })
      const closed = yield* ask("/closed")
      assert.deepStrictEqual([closed.status, closed.headers.get("www-authenticate")], [401, "Bearer"])
      assert.include(closed.json.error, "not public")
      assert.deepStrictEqual((yield* ask("/closed", { headers: { "x-api-key": dnsKey } })).json, {
        caller: "dashboard"
      })

      assert.strictEqual((yield* write({})).status, 401)
      assert.strictEqual((yield* write({ authorization: `Bearer ${dnsKey}` })).status, 401)
      const written = yield* write({ authorization: `Bearer ${mgmtKey}` })
      assert.deepStrictEqual([written.status, written.json], [200, { caller: "anna" }])
      const foreign = yield* write({ authorization: `Bearer ${mgmtKey}`, origin: "https://evil.example" })
      assert.deepStrictEqual([foreign.status, foreign.headers.get("access-control-allow-origin")], [403, null])
    }).pipe(Effect.provide(node(local({})))))

  it.live("cannot be got round by another spelling", () =>
    Effect.gen(function*() {
      for (
        const path of [
          "/closed/",
          "//closed",
          "/closed?x=/open",
          "/%63losed",
          "/open/../closed",
          "/open/%2e%2e/closed",
          "/open//../closed",
          "/open;/../closed",
          "/closed%2f",
          "/.%2fclosed",
          "http://other/closed"
        ]
      ) {
        for (const method of ["GET", "HEAD"]) {
          const { status, text } = yield* askRaw(path, { method })
          assert.strictEqual(status, 401, `${method} ${path}`)
          assert.notInclude(text, "caller", path)
        }
        assert.strictEqual(
          (yield* askRaw(path, { method: "POST", headers: { "content-type": "application/json" } })).status,
          401
        )
      }
      for (const method of ["OPTIONS", "DELETE"]) assert.strictEqual((yield* ask("/open", { method })).status, 401)
    }).pipe(Effect.provide(node(local({ rate: { PerSecond: 0, Burst: 1 } })))))

  it.live("says without a key that there is nothing, where there is nothing", () =>
    Effect.gen(function*() {
      const json = { headers: { "content-type": "application/json" } }
      for (const path of ["/unknown", "/CLOSED", "/closed/below", "/unknown/?x=/closed"]) {
        for (const answer of [yield* askRaw(path), yield* askRaw(path, { method: "POST", ...json })]) {
          assert.strictEqual(answer.status, 404, path)
          assert.include(answer.text, "Nothing is served at")
        }
      }
      // A wrong key is one more attempt, wherever it is shown.
      assert.strictEqual((yield* askRaw("/unknown", { headers: { "x-api-key": "wrong-key-0123456789" } })).status, 401)
      assert.strictEqual((yield* askRaw("/unknown", { headers: { "x-api-key": dnsKey } })).status, 404)
    }).pipe(Effect.provide(node(local({})))))

  it.live("takes new keys and routes with a reload, and says which keys open nothing", () =>
    Effect.gen(function*() {
      const reload = Effect.fnUntraced(function*(documents: RawDocuments) {
        yield* setDocuments(documents)
        yield* Config.use((config) => config.reload)
      })
      const problems = Effect.map(Conditions.use(({ current }) => current), (all) =>
        all.filter(({ name }) => name === "http:keys").map(({ detail }) => detail))
      assert.deepStrictEqual(yield* problems, [])
      const old = { authorization: `Bearer ${mgmtKey}` }
      assert.strictEqual((yield* write(old)).status, 200)

      yield* reload(local({ mgmt: { ben: "another-key-0123456789", carl: "kurz" }, public: ["/closed"] }))
      assert.strictEqual((yield* write(old)).status, 401)
      assert.deepStrictEqual((yield* write({ "x-api-key": "another-key-0123456789" })).json, { caller: "ben" })
      assert.strictEqual((yield* write({ "x-api-key": "kurz" })).status, 401)
      assert.deepStrictEqual([(yield* ask("/open")).status, (yield* ask("/closed")).status], [401, 200])
      assert.deepStrictEqual(yield* problems, [
        "keys that open nothing: MgmtApi.AuthKeys.carl is shorter than 16 characters"
      ])

      yield* reload(local({ mgmt: {} }))
      const nobody = yield* write({ "x-api-key": "another-key-0123456789" })
      assert.strictEqual(nobody.status, 403)
      assert.include(nobody.json.error, "MgmtApi.AuthKeys of the local document has no key")
      assert.deepStrictEqual(yield* problems, [])
    }).pipe(Effect.provide(node(local({})))))

  it.live("bars who guesses, counts it, and logs it once a minute without the key", () => {
    const logged: Array<string> = []
    return Effect.gen(function*() {
      for (let i = 0; i < 10; i++) {
        assert.strictEqual((yield* write({ authorization: `Bearer wrong-${dnsKey}-${i}` })).status, 401)
      }
      const barred = yield* write({ authorization: `Bearer ${mgmtKey}` })
      assert.strictEqual(barred.status, 429)
      assert.match(barred.headers.get("retry-after")!, /^[1-6]$/)
      // Who guesses shuts nobody else out, and no public route.
      assert.strictEqual(
        (yield* write({ authorization: `Bearer ${mgmtKey}`, "x-forwarded-for": "203.0.113.7" })).status,
        200
      )
      const { status, text } = yield* ask("/metrics")
      assert.strictEqual(status, 200)
      assert.include(text, 'geodns_http_refused_total{reason="wrong-key"} 10')
      assert.include(text, 'geodns_http_refused_total{reason="attempts"} 1')
      const about = logged.filter((line) => line.includes("wrong key"))
      assert.lengthOf(about, 1)
      assert.notInclude(logged.join() + text, "geheim")
    }).pipe(
      Effect.provide(node(local({}))),
      Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))]))
    )
  })

  it.live("limits the requests of each client, as the configuration says now", () =>
    Effect.gen(function*() {
      const from = (client: string, path = "/open") => ask(path, { headers: { "x-forwarded-for": client } })
      const statuses = yield* Effect.forEach(
        [1, 2, 3, 4],
        () => Effect.map(from("203.0.113.7"), ({ status }) => status)
      )
      assert.deepStrictEqual(statuses, [200, 200, 200, 429])
      const refused = yield* from("203.0.113.7")
      assert.strictEqual(refused.headers.get("retry-after"), "10")
      assert.include(refused.json.error, "Too many requests: 0.1 per second")
      assert.strictEqual((yield* from("2001:db8::1")).status, 200)
      // Who watches over the process is always answered.
      assert.strictEqual((yield* from("203.0.113.7", "/live")).status, 200)
      yield* setDocuments(local({ rate: { PerSecond: 0, Burst: 3 } }))
      yield* Config.use((config) => config.reload)
      assert.strictEqual((yield* from("203.0.113.7")).status, 200)
      assert.include((yield* ask("/metrics")).text, 'geodns_http_refused_total{reason="rate"} 2')
    }).pipe(Effect.provide(node(local({ rate: { PerSecond: 0.1, Burst: 3 } })))))
})

describe("a server without keys", () => {
  it.live("is read by everybody and written by nobody", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* ask("/closed")).status, 200)
      assert.strictEqual((yield* write({ authorization: `Bearer ${mgmtKey}` })).status, 403)
    }).pipe(Effect.provide(
      serve(routes).pipe(
        Layer.provideMerge(layerServer({ host: "127.0.0.1", port: 0 })),
        Layer.provide([Access.layerReadOnly, Conditions.layer])
      )
    )))
})
