import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { Server, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { formatListenAddress } from "../domain/ListenAddress.ts"
import { type Bounds, HttpBounds } from "./Bounds.ts"
import { guard } from "./Guard.ts"
import { CannotListen, HttpError } from "./HttpError.ts"

/** Where to listen. */
export interface ServerOptions {
  /** An IP address of this machine; loopback unless somebody else is meant to ask. */
  readonly host: string
  /** 0 lets the system choose; the server knows its address then. */
  readonly port: number
}

const dropped = Metric.counter("geodns_http_dropped_connections_total", {
  description: "Connections closed unanswered because there were too many",
  incremental: true
})

/** Not imported: as an ES module it loads undici too, 45 ms of the start of a node. */
const { createServer } = process.getBuiltinModule("node:http")

const boundedServer = (bounds: Bounds, count: { readonly dropped: () => void }): Server => {
  const server = createServer({
    maxHeaderSize: bounds.headerBytes,
    headersTimeout: bounds.headers,
    requestTimeout: bounds.request,
    keepAliveTimeout: bounds.keepAlive,
    connectionsCheckingInterval: Math.max(50, Math.min(bounds.headers, bounds.request) / 10)
  })
  server.maxConnections = bounds.connections
  server.timeout = bounds.idle
  server.on("drop", count.dropped)
  const limit = (exchange: ServerResponse | Duplex) => {
    const timer = setTimeout(() => exchange.destroy(), bounds.exchange)
    exchange.once("close", () => clearTimeout(timer))
  }
  server.on("request", (_request, response) => limit(response))
  server.on("upgrade", (_request, socket) => limit(socket))
  return server
}

/**
 * An HTTP server on `node:http` with bounds on everything that a client can hold. `HttpServer.address` is where it
 * listens, with the port that the system chose. Closing the scope stops listening, lets requests under way finish for
 * `bounds.drain`, and then cuts what is left.
 */
export const layerServer = (options: ServerOptions): Layer.Layer<HttpServer.HttpServer, HttpError> => {
  const cannotListen = (code: string) =>
    new HttpError({ reason: new CannotListen({ address: formatListenAddress(options), code }) })
  return Layer.effect(
    HttpServer.HttpServer,
    Effect.gen(function*() {
      if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65535) {
        return yield* cannotListen("ERR_SOCKET_BAD_PORT")
      }
      const bounds = yield* HttpBounds
      const context = yield* Effect.context()
      const server = boundedServer(bounds, { dropped: () => dropped.updateUnsafe(1, context) })
      const http = yield* NodeHttpServer.make(() => server, {
        host: options.host,
        port: options.port,
        gracefulShutdownTimeout: Duration.millis(bounds.drain)
      }).pipe(
        Effect.mapError(({ cause }) => cannotListen((cause as NodeJS.ErrnoException).code ?? "UNKNOWN"))
      )
      const log = Effect.runForkWith(context)
      server.on(
        "error",
        (error) => log(Effect.logWarning("The HTTP server could not accept a connection", error.message))
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
      return http
    })
  )
}

/**
 * Serves routes: `HttpRouter` layers, merged as a role has them, with nothing but the services that each needs. Every
 * request and answer passes the {@link guard}.
 */
export const serve = <E, R>(routes: Layer.Layer<never, E, R>) =>
  Layer.unwrap(Effect.gen(function*() {
    const app = yield* HttpRouter.toHttpEffect(routes)
    return HttpServer.serve(guard(app, yield* HttpBounds))
  }))
