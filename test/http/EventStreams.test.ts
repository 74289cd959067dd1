import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Metric, Scope, Stream } from "effect"
import { HttpRouter, type HttpServer, HttpServerResponse } from "effect/http"
import { connect } from "node:net"
import { limits } from "../../src/http/EventStreams.ts"
import { type Bounds, EventStreams, HttpBounds, layerServer, Metrics, Route, serve } from "../../src/http/index.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { anybody, ask, port, served } from "./client.ts"
import { eventually, openEvents } from "./events.ts"

const stream = (events: Stream.Stream<string>) =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const streams = yield* EventStreams
    yield* Route.get(router, "/events", streams.answer(events))
  }))

const withBounds = (bounds: Partial<Bounds>) =>
  Layer.effect(HttpBounds, Effect.map(HttpBounds, (defaults) => ({ ...defaults, ...bounds })))

const own = Layer.sync(Metric.MetricRegistry, () => new Map())

const endless = Stream.concat(Stream.succeed("data: first\n\n"), Stream.never)

const textAnswer = HttpServerResponse.text("slow")

const openNow = Effect.map(ask("/metrics"), ({ text }) => Number(/^geodns_http_streams (\d+)$/m.exec(text)?.[1] ?? 0))

describe("a stream of events", () => {
  it.live("lasts beyond the bound of an exchange, and ends with its events", () =>
    Effect.gen(function*() {
      const reader = yield* openEvents("/events")
      assert.strictEqual(reader.headers["content-type"], "text/event-stream")
      assert.strictEqual(reader.headers["cache-control"], "no-store")
      yield* eventually("all events", () => reader.isClosed())
      assert.deepStrictEqual(reader.events.map(({ data }) => data), [": here", "1", "2", "3"])
    }).pipe(
      Effect.provide(served(stream(
        Stream.make(1, 2, 3).pipe(Stream.mapEffect((n) => Effect.as(Effect.sleep("150 millis"), `data: ${n}\n\n`)))
      ))),
      Effect.provide(withBounds({ exchange: 100, handler: 100 }))
    ))

  it.live("answers HEAD without beginning", () =>
    Effect.gen(function*() {
      const head = yield* ask("/events", { method: "HEAD" })
      assert.deepStrictEqual([head.status, head.text], [200, ""])
      assert.strictEqual(yield* openNow, 0)
    }).pipe(Effect.provide(served(Layer.merge(stream(endless), Metrics.layer))), Effect.provide(own)))

  it.live("is one of a few for each client, and of so many in all", () =>
    Effect.gen(function*() {
      const from = (client: string) => openEvents("/events", { "x-forwarded-for": client })
      for (let i = 0; i < limits.perClient; i++) assert.strictEqual((yield* from("203.0.113.1")).status, 200)
      assert.strictEqual((yield* from("203.0.113.1")).status, 429)
      const others = yield* Scope.make()
      for (let i = limits.perClient; i < limits.all; i++) {
        const { status } = yield* Scope.provide(from(`198.51.100.${i}`), others)
        assert.strictEqual(status, 200)
      }
      assert.strictEqual((yield* from("192.0.2.1")).status, 503)
      const { text } = yield* ask("/metrics")
      assert.include(text, `geodns_http_streams ${limits.all}`)
      assert.include(text, "geodns_http_streams_refused_total 2")
      yield* Scope.close(others, Exit.void)
      yield* openNow.pipe(Effect.repeat({ until: (n) => n === limits.perClient }), Effect.timeout("15 seconds"))
      assert.strictEqual((yield* from("192.0.2.1")).status, 200)
    }).pipe(Effect.provide(served(Layer.merge(stream(endless), Metrics.layer))), Effect.provide(own)))

  it.live("is cut when its reader takes nothing, and nothing is made for it meanwhile", () => {
    let made = 0
    const big = `data: ${"x".repeat(64 * 1024)}\n\n`
    return Effect.gen(function*() {
      const number = yield* port
      const closed = yield* Effect.callback<number>((resume) => {
        const socket = connect(number, "127.0.0.1", () => {
          socket.write("GET /events HTTP/1.1\r\nhost: a\r\n\r\n")
          // Never reads.
          socket.pause()
        })
        socket.on("error", () => {})
        const looking = setInterval(() => {
          // The end of the connection is only seen by reading; the server's side is what counts.
          if (made > 0 && openCount === 0) {
            clearInterval(looking)
            socket.destroy()
            resume(Effect.succeed(made))
          }
        }, 20)
        let openCount = 1
        const counting = setInterval(async () => {
          const text = await fetch(`http://127.0.0.1:${number}/metrics`).then((response) => response.text())
          openCount = Number(/^geodns_http_streams (\d+)$/m.exec(text)?.[1] ?? 1)
          if (openCount === 0) clearInterval(counting)
        }, 50)
      }).pipe(Effect.timeout("10 seconds"))
      assert.isBelow(closed, 400)
    }).pipe(
      Effect.provide(served(Layer.merge(
        stream(Stream.fromEffectRepeat(Effect.sync(() => {
          made++
          return big
        }))),
        Metrics.layer
      ))),
      Effect.provide(withBounds({ idle: 300 })),
      Effect.provide(own)
    )
  })

  it.live("ends at once when the server closes, while a request under way gets its time", () =>
    Effect.gen(function*() {
      const slow = HttpRouter.use((router) =>
        Route.get(router, "/slow", Effect.flatMap(Effect.sleep("300 millis"), () => Effect.succeed(textAnswer)))
      )
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        serve(Layer.merge(stream(endless), slow)).pipe(
          Layer.provideMerge(layerServer({ host: "127.0.0.1", port: 0 })),
          Layer.provide([anybody, Conditions.layer])
        ),
        scope
      )
      const here = <A, E>(effect: Effect.Effect<A, E, HttpServer.HttpServer | Scope.Scope>) =>
        Effect.provideContext(effect, context) as Effect.Effect<A, E, Scope.Scope>
      const readers = yield* Effect.all([1, 2, 3].map(() => here(openEvents("/events"))))
      const asked = yield* here(ask("/slow")).pipe(Effect.forkChild({ startImmediately: true }))
      yield* Effect.sleep("50 millis")
      const began = performance.now()
      yield* Scope.close(scope, Exit.void)
      const took = performance.now() - began
      assert.isBelow(took, 2_000)
      for (const reader of readers) yield* eventually("the end of a stream", reader.isClosed)
      const { text } = yield* Fiber.join(asked)
      assert.strictEqual(text, "slow")
    }))
})
