import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
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
import { readPair } from "../http/Tls.ts"
import { Conditions } from "../node/Conditions.ts"
import { type ApiAddress, apiAddresses, type Apis, wantSamePort } from "./apis.ts"
import { Place } from "./Place.ts"

interface Running {
  readonly api: ApiAddress
  readonly stop: Effect.Effect<void>
}

/** How long until a move that could not be made is tried again, when no other document comes before. */
export const MoveAgainAfter = Context.Reference<Duration.Input>("effect-geodns/roles/MoveAgainAfter", {
  defaultValue: () => "10 seconds"
})

/**
 * Serves routes wherever the local document says that these APIs listen. A reload that changes an address, or the TLS files,
 * moves those servers alone: the new ones listen before the old ones go, unless they want the same port. What cannot be had
 * then is the condition `http`, the servers stay where they were, and it is tried again: a slip of the pen neither leaves a
 * node without its API nor cuts anybody off.
 */
export const servers = <E extends { readonly message: string }, R>(apis: Apis, routes: Layer.Layer<never, E, R>) => {
  const serving = (api: ApiAddress) =>
    serve(routes).pipe(Layer.provide(layerServer(api)), Layer.provide(Access.layer({ apis: api.apis })))
  type Needed = Layer.Services<ReturnType<typeof serving>>

  return Layer.effectDiscard(Effect.gen(function*() {
    const config = yield* Config
    const conditions = yield* Conditions
    const { file } = yield* Place
    const moveAgainAfter = yield* MoveAgainAfter
    const context = yield* Effect.context<Needed>()
    const parent = yield* Effect.scope

    const start = Effect.fnUntraced(function*(api: ApiAddress): Effect.fn.Return<Running, E | HttpError> {
      const scope = yield* Scope.fork(parent)
      yield* Layer.buildWithScope(serving(api), scope).pipe(
        Effect.provideContext(context),
        Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))
      )
      return { api, stop: Scope.close(scope, Exit.void) }
    })
    const stopAll = (running: ReadonlyArray<Running>) =>
      Effect.forEach(running, ({ stop }) => stop, { concurrency: "unbounded", discard: true })
    /** All of them, or none. `then` still belongs to it. */
    const startAll = (wanted: ReadonlyArray<ApiAddress>, then: Effect.Effect<unknown, HttpError> = Effect.void) => {
      const started: Array<Running> = []
      return Effect.forEach(wanted, (api) => Effect.map(start(api), (running) => void started.push(running))).pipe(
        Effect.andThen(then),
        Effect.onError(() => stopAll(started)),
        Effect.as(started)
      )
    }
    const sayWhere = (started: ReadonlyArray<Running>) =>
      Effect.forEach(
        started,
        ({ api }) => Effect.annotateLogs(Effect.logInfo("HTTP API listens"), { address: formatListenAddress(api) }),
        { discard: true }
      )

    const wanted = Effect.map(config.current, ({ local }) => apiAddresses(local, apis, file))
    const keyOf = (api: ApiAddress) => JSON.stringify(api)
    let current: ReadonlyArray<Running> = yield* startAll(yield* wanted)
    yield* sayWhere(current)
    let isToBeTriedAgain = false

    /** Moves nothing unless all can be had, as far as that can be known before. */
    const follow = Effect.gen(function*() {
      isToBeTriedAgain = false
      const now = new Map((yield* wanted).map((api) => [keyOf(api), api]))
      const stay = current.filter(({ api }) => now.has(keyOf(api)))
      const go = current.filter(({ api }) => !now.has(keyOf(api)))
      for (const { api } of stay) now.delete(keyOf(api))
      if (go.length + now.size === 0) return yield* conditions.clear("http")
      const { beside, inPlace } = Object.groupBy(
        now.values(),
        (api) => go.some((running) => wantSamePort(api, running.api)) ? "inPlace" : "beside"
      )

      const canBeSecure = Effect.forEach(inPlace ?? [], ({ tls }) => tls === undefined ? Effect.void : readPair(tls))
      const first = yield* Effect.result(startAll(beside ?? [], canBeSecure))
      if (Result.isFailure(first)) {
        isToBeTriedAgain = true
        return yield* conditions.raise("http", `the HTTP API stays where it was: ${first.failure.message}`)
      }
      // A port that is ours already can be had only after we gave it up.
      yield* stopAll(go)
      const second = yield* Effect.result(startAll(inPlace ?? []))
      if (Result.isSuccess(second)) {
        const started = [...first.success, ...second.success]
        current = [...stay, ...started]
        yield* sayWhere(started)
        return yield* conditions.clear("http")
      }
      yield* stopAll(first.success)
      const back = yield* Effect.result(startAll(go.map(({ api }) => api)))
      current = [...stay, ...Result.getOrElse(back, () => [])]
      // Another attempt would cut off everybody again, so it needs another document; without an API there is nobody to cut off.
      isToBeTriedAgain = Result.isFailure(back)
      yield* conditions.raise(
        "http",
        `the HTTP API ${Result.isSuccess(back) ? "stays where it was" : "is gone"}: ${second.failure.message}`
      )
    }).pipe(
      Effect.catchCause((cause) => Effect.logError("the HTTP API could not follow the configuration", cause))
    )

    const changes = yield* Queue.sliding<void>(1)
    yield* Stream.runForEach(config.changes, () => Queue.offer(changes, undefined)).pipe(
      Effect.forkScoped({ startImmediately: true })
    )
    yield* Effect.suspend(() =>
      isToBeTriedAgain ? Effect.timeoutOption(Queue.take(changes), moveAgainAfter) : Queue.take(changes)
    ).pipe(Effect.andThen(follow), Effect.forever, Effect.forkScoped)
    // Gathered and remembered once, wherever it is asked for.
  })).pipe(Layer.provide([Status.layer, EventLog.layer]))
}
