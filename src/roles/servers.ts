import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import { formatListenAddress } from "../domain/ListenAddress.ts"
import { Access } from "../http/Access.ts"
import { EventLog } from "../http/EventLog.ts"
import type { HttpError } from "../http/HttpError.ts"
import { layerServer, serve } from "../http/Server.ts"
import { Status } from "../http/Status.ts"
import { Conditions } from "../node/Conditions.ts"
import { type ApiAddress, apiAddresses, type Apis } from "./apis.ts"
import { Place } from "./Place.ts"

interface Running {
  readonly api: ApiAddress
  readonly stop: Effect.Effect<void>
}

/**
 * Serves routes wherever the local document says that these APIs listen. A reload that changes an address, or the TLS files,
 * moves those servers alone. What cannot be had then is the condition `http`, and the servers stay where they were: a slip
 * of the pen never leaves a node without its API.
 */
export const servers = <E extends { readonly message: string }, R>(apis: Apis, routes: Layer.Layer<never, E, R>) => {
  const serving = (api: ApiAddress) =>
    serve(routes).pipe(Layer.provide(layerServer(api)), Layer.provide(Access.layer({ apis: api.apis })))
  type Context = Layer.Services<ReturnType<typeof serving>>

  return Layer.effectDiscard(Effect.gen(function*() {
    const config = yield* Config
    const conditions = yield* Conditions
    const { file } = yield* Place
    const context = yield* Effect.context<Context>()
    const parent = yield* Effect.scope

    const start = Effect.fnUntraced(function*(api: ApiAddress): Effect.fn.Return<Running, E | HttpError> {
      const scope = yield* Scope.fork(parent)
      yield* Layer.buildWithScope(serving(api), scope).pipe(
        Effect.provideContext(context),
        Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))
      )
      yield* Effect.annotateLogs(Effect.logInfo("HTTP API listens"), { address: formatListenAddress(api) })
      return { api, stop: Scope.close(scope, Exit.void) }
    })
    const startAll = (wanted: ReadonlyArray<ApiAddress>) =>
      Effect.gen(function*() {
        const started: Array<Running> = []
        yield* Effect.forEach(wanted, (api) => Effect.map(start(api), (running) => void started.push(running))).pipe(
          Effect.onError(() => stopAll(started))
        )
        return started
      })
    const stopAll = (running: ReadonlyArray<Running>) =>
      Effect.forEach(running, ({ stop }) => stop, { concurrency: "unbounded", discard: true })

    const wanted = Effect.map(config.current, ({ local }) => apiAddresses(local, apis, file))
    const keyOf = (api: ApiAddress) => JSON.stringify(api)
    let current: ReadonlyArray<Running> = yield* startAll(yield* wanted)

    const follow = Effect.gen(function*() {
      const now = new Map((yield* wanted).map((api) => [keyOf(api), api]))
      const stay = current.filter(({ api }) => now.has(keyOf(api)))
      const go = current.filter(({ api }) => !now.has(keyOf(api)))
      for (const { api } of stay) now.delete(keyOf(api))
      if (go.length + now.size === 0) return yield* conditions.clear("http")
      // A port that is ours already can be had only after we gave it up.
      yield* stopAll(go)
      const started = yield* Effect.result(startAll([...now.values()]))
      if (Result.isSuccess(started)) {
        current = [...stay, ...started.success]
        return yield* conditions.clear("http")
      }
      const back = yield* Effect.result(startAll(go.map(({ api }) => api)))
      current = [...stay, ...Result.getOrElse(back, () => [])]
      yield* conditions.raise(
        "http",
        `the HTTP API ${Result.isSuccess(back) ? "stays where it was" : "is gone"}: ${started.failure.message}`
      )
    })
    yield* Stream.runForEach(
      config.changes,
      () =>
        Effect.catchCause(follow, (cause) => Effect.logError("the HTTP API could not follow the configuration", cause))
    )
      .pipe(Effect.forkScoped({ startImmediately: true }))
    // Gathered and remembered once, wherever it is asked for.
  })).pipe(Layer.provide([Status.layer, EventLog.layer]))
}
