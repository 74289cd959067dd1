import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Logger, Scope, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { connect, type Socket } from "node:net"
import { type Bounds, HttpBounds, layerServer, Metrics, Route, serve } from "../../src/http/index.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { anybody, ask, port, served } from "./client.ts"

const withBounds = (bounds: Partial<Bounds>) =>
  Layer.effect(HttpBounds, Effect.map(HttpBounds, (defaults) => ({ ...defaults, ...bounds })))

const route = (path: `/${string}`, handler: Route.Handler) =>
  HttpRouter.use((router) => Route.get(router, path, handler))

const hello = route("/hello", Effect.succeed(HttpServerResponse.text("hello")))

/** A connection that sends `text` and then what `next` says. Succeeds with all that came, when it is closed. */
const talk = Effect.fnUntraced(function*(text: string, onOpen: (socket: Socket) => void = () => {}) {
  const number = yield* port
  return yield* Effect.callback<string>((resume) => {
    let got = ""
    const socket = connect(number, "127.0.0.1", () => {
      socket.write(text)
      onOpen(socket)
    })
    socket.on("data", (data) => {
      got += data
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(got)))
    return Effect.sync(() => socket.destroy())
  })
})

describe("a request", () => {
  it.live("out of bounds is refused with a reason", () =>
    Effect.gen(function*() {
      const long = yield* ask(`/hello?${"x".repeat(3000)}`)
      assert.deepStrictEqual([long.status, long.json], [414, { error: "The URL is longer than 2048 bytes" }])
      const fat = yield* ask("/hello", { method: "POST", body: "x".repeat(70_000) })
      assert.deepStrictEqual([fat.status, fat.json], [413, { error: "The body is longer than 65536 bytes" }])
      const heads = yield* ask("/hello", { headers: { "x-long": "x".repeat(9000) } })
      assert.strictEqual(heads.status, 431)
    }).pipe(Effect.provide(served(hello))))

  it.live("for what is not there is answered with 404, and with another method with 405", () =>
    Effect.gen(function*() {
      for (const path of ["/nope", "/a%zz", "/../etc/passwd", "/hello%00"]) {
        const { json, status } = yield* ask(path)
        assert.strictEqual(status, 404, path)
        assert.include(json.error, "Nothing is served at")
      }
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        const { headers, json, status } = yield* ask("/hello", { method })
        assert.deepStrictEqual([status, headers.get("allow")], [405, "GET, HEAD"], method)
        assert.strictEqual(json.error, `${method} is not allowed at /hello: GET and HEAD are`)
      }
    }).pipe(Effect.provide(served(hello))))

  it.live("for the head alone has all but the body", () =>
    Effect.gen(function*() {
      const whole = yield* ask("/hello")
      const head = yield* ask("/hello", { method: "HEAD" })
      assert.deepStrictEqual([head.status, head.text], [200, ""])
      for (const name of ["content-type", "content-length", "cache-control", "x-content-type-options"]) {
        assert.isNotNull(head.headers.get(name), name)
        assert.strictEqual(head.headers.get(name), whole.headers.get(name))
      }
    }).pipe(Effect.provide(served(hello))))

  it.live("that a defect meets is answered without it, and the next one is served", () => {
    const logged: Array<unknown> = []
    return Effect.gen(function*() {
      const { json, status, text } = yield* ask("/broken")
      assert.deepStrictEqual([status, json], [500, { error: "Internal error: the log of this node says more" }])
      assert.notInclude(text, "geheim")
      assert.lengthOf(logged, 1)
      assert.strictEqual((yield* ask("/hello")).text, "hello")
    }).pipe(
      Effect.provide(served(Layer.merge(hello, route("/broken", Effect.die(new Error("geheim")))))),
      Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(message))]))
    )
  })

  it.live("whose answer takes too long is told so", () =>
    Effect.gen(function*() {
      const { headers, json, status } = yield* ask("/never")
      assert.deepStrictEqual([status, headers.get("retry-after")], [503, "5"])
      assert.include(json.error, "too busy")
    }).pipe(Effect.provide(served(route("/never", Effect.never))), Effect.provide(withBounds({ handler: 50 }))))

  it.live("to a route with a body gets no more of it than is allowed", () =>
    Effect.gen(function*() {
      const body = () =>
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1024))
        })
      const endless = yield* ask("/echo", { method: "POST", body: body(), duplex: "half" } as RequestInit)
      assert.deepStrictEqual([endless.status, endless.json.error], [413, "The body is too long"])
    }).pipe(Effect.provide(served(HttpRouter.add(
      "POST",
      "/echo",
      Effect.gen(function*() {
        const request = yield* HttpServerRequest.HttpServerRequest
        return HttpServerResponse.text(yield* request.text)
      })
    )))))
})

describe("a flood of slow clients", () => {
  it.live("is bounded in number and in time, and ends", () =>
    Effect.gen(function*() {
      const heads = yield* Effect.forEach(
        Array.from({ length: 80 }),
        () => talk("GET /hello HTTP/1.1\r\nhost: a\r\nx-slow: "),
        { concurrency: "unbounded" }
      )
      const answered = heads.filter((text) => text !== "")
      assert.isAtMost(answered.length, 20)
      for (const text of answered) assert.match(text, /^HTTP\/1.1 408 /)
      assert.strictEqual((yield* ask("/hello")).text, "hello")
      assert.match((yield* ask("/metrics")).text, /geodns_http_dropped_connections_total [1-9]/)
    }).pipe(
      Effect.provide(served(Layer.merge(hello, Metrics.layer))),
      Effect.provide(withBounds({ connections: 20, headers: 1000, request: 1000 }))
    ))

  it.live("that send their body slowly is cut", () =>
    Effect.gen(function*() {
      const text = yield* talk("POST /nope HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\nx")
      assert.match(text, /^HTTP\/1.1 404 /)
    }).pipe(Effect.provide(served(hello)), Effect.provide(withBounds({ headers: 200, request: 300 }))))

  it.live("that keep a connection without asking is closed", () =>
    Effect.gen(function*() {
      const text = yield* talk("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n")
      assert.match(text, /^HTTP\/1.1 200 [^]*hello$/)
    }).pipe(Effect.provide(served(hello)), Effect.provide(withBounds({ keepAlive: 100 }))))

  it.live("that wait for an answer without end is cut", () =>
    Effect.gen(function*() {
      const text = yield* talk("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
      assert.match(text, /^HTTP\/1.1 200 [^]*first/)
    }).pipe(
      Effect.provide(served(route(
        "/endless",
        Effect.succeed(HttpServerResponse.stream(
          Stream.concat(Stream.succeed("first"), Stream.never).pipe(Stream.encodeText)
        ))
      ))),
      Effect.provide(withBounds({ exchange: 200 }))
    ))

  it.live("that ask for another protocol and never hang up is answered, and cut", () =>
    Effect.gen(function*() {
      const number = yield* port
      const text = yield* Effect.callback<string>((resume) => {
        let got = ""
        const socket = connect({ port: number, host: "127.0.0.1", allowHalfOpen: true }, () =>
          socket.write("GET /hello HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"))
        socket.on("data", (data) => {
          got += data
        })
        socket.on("error", () => {})
        // Only a write shows that the other side is gone for good.
        const talking = setInterval(() =>
          socket.write("x"), 20)
        socket.on("close", () => {
          clearInterval(talking)
          resume(Effect.succeed(got))
        })
      })
      assert.match(text, /^HTTP\/1.1 200 /)
    }).pipe(Effect.provide(served(hello)), Effect.provide(withBounds({ exchange: 300 }))))

  it.live("that talk nonsense is answered with 400", () =>
    Effect.gen(function*() {
      assert.match(yield* talk("\u0016\u0003\u0001 hello \r\n\r\n"), /^HTTP\/1.1 400 /)
      assert.strictEqual((yield* ask("/hello")).text, "hello")
    }).pipe(Effect.provide(served(hello))))
})

describe("layerServer", () => {
  const listen = (host: string, number: number) =>
    Effect.scoped(Layer.build(layerServer({ host, port: number }))).pipe(
      Effect.provide(Conditions.layer),
      Effect.flip,
      Effect.map(({ message, reason }) =>
        reason._tag === "CannotListen" ? { message, code: reason.code } : assert.fail(message)
      )
    )

  it.live("says that an address is taken", () =>
    Effect.gen(function*() {
      const number = yield* port
      const error = yield* listen("127.0.0.1", number)
      assert.strictEqual(error.code, "EADDRINUSE")
      assert.strictEqual(
        error.message,
        `The HTTP API cannot listen on 127.0.0.1:${number} (EADDRINUSE): another process listens there already; stop it or choose another port`
      )
      assert.strictEqual((yield* ask("/hello")).text, "hello")
    }).pipe(Effect.provide(served(hello))))

  it.live("says that an address is not ours, and that a port is none", () =>
    Effect.gen(function*() {
      const foreign = yield* listen("2001:db8::1", 8080)
      assert.match(foreign.message, /^The HTTP API cannot listen on \[2001:db8::1\]:8080 \(E/)
      for (const number of [-1, 65536, 1.5, Number.NaN]) {
        assert.strictEqual((yield* listen("127.0.0.1", number)).code, "ERR_SOCKET_BAD_PORT")
      }
    }))

  it.live("tells where it listens", () =>
    Effect.gen(function*() {
      const { address } = yield* HttpServer.HttpServer
      assert.match(HttpServer.formatAddress(address), /^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
    }).pipe(Effect.provide(layerServer({ host: "127.0.0.1", port: 0 })), Effect.provide(Conditions.layer)))

  it.live("lets what is under way finish when it closes, and cuts the rest", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const slow = route(
        "/slow",
        Effect.gen(function*() {
          yield* Deferred.succeed(begun, undefined)
          yield* Deferred.await(go)
          return HttpServerResponse.text("done")
        })
      )
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        serve(slow).pipe(
          Layer.provideMerge(layerServer({ host: "127.0.0.1", port: 0 })),
          Layer.provide([anybody, Conditions.layer]),
          Layer.provide(withBounds({ drain: 500 }))
        ),
        scope
      )
      const asked = yield* ask("/slow").pipe(
        Effect.provideContext(context),
        Effect.forkChild({ startImmediately: true })
      )
      const isOpen = yield* Deferred.make<void>()
      const hanging = yield* talk("GET /slow HTTP/1.1\r\nx", () => Deferred.doneUnsafe(isOpen, Exit.void)).pipe(
        Effect.provideContext(context),
        Effect.forkChild({ startImmediately: true })
      )
      yield* Deferred.await(begun)
      yield* Deferred.await(isOpen)
      const closing = yield* Scope.close(scope, Exit.void).pipe(Effect.forkChild({ startImmediately: true }))
      yield* Deferred.succeed(go, undefined)
      const { status, text } = yield* Fiber.join(asked)
      assert.deepStrictEqual([status, text], [200, "done"])
      yield* Fiber.join(hanging)
      yield* Fiber.join(closing)
    }))

  it.live("interrupts what is still under way when that time is over: half a body, and a handler that hangs", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const interrupted = yield* Deferred.make<void>()
      const hangs = route(
        "/hangs",
        Deferred.succeed(begun, undefined).pipe(
          Effect.andThen(Effect.never),
          Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
        )
      )
      const reading = yield* Deferred.make<void>()
      const cut = yield* Deferred.make<void>()
      const reads = HttpRouter.add(
        "POST",
        "/reads",
        Effect.gen(function*() {
          const request = yield* HttpServerRequest.HttpServerRequest
          yield* Deferred.succeed(reading, undefined)
          return HttpServerResponse.text(yield* request.text)
        }).pipe(Effect.onInterrupt(() => Deferred.succeed(cut, undefined)))
      )
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        serve(Layer.merge(hangs, reads)).pipe(
          Layer.provideMerge(layerServer({ host: "127.0.0.1", port: 0 })),
          Layer.provide([anybody, Conditions.layer]),
          Layer.provide(withBounds({ drain: 200 }))
        ),
        scope
      )
      const clients = yield* Effect.all([
        talk("GET /hangs HTTP/1.1\r\nhost: a\r\n\r\n"),
        talk("POST /reads HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf")
      ], { concurrency: "unbounded" }).pipe(
        Effect.provideContext(context),
        Effect.forkChild({ startImmediately: true })
      )
      yield* Deferred.await(begun)
      yield* Deferred.await(reading)
      const before = performance.now()
      yield* Scope.close(scope, Exit.void)
      assert.isBelow(performance.now() - before, 2_000)
      yield* Deferred.await(interrupted)
      yield* Deferred.await(cut)
      yield* Fiber.join(clients)
    }))
})
