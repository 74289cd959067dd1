import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { RequestListener, Server, ServerOptions as NodeServerOptions, ServerResponse } from "node:http"
import type { Server as SecureServer } from "node:https"
import type { Duplex } from "node:stream"
import { formatListenAddress } from "../domain/ListenAddress.ts"
import type { Conditions } from "../node/Conditions.ts"
import { Access } from "./Access.ts"
import { type Bounds, HttpBounds } from "./Bounds.ts"
import { type Pair, secureOptions } from "./certificate.ts"
import { EventStreams, lasting } from "./EventStreams.ts"
import { guard } from "./Guard.ts"
import { CannotListen, HttpError } from "./HttpError.ts"
import { noting, ServedPaths } from "./ServedPaths.ts"
import { followPair, readPair, type TlsFiles } from "./Tls.ts"

export type { TlsFiles }

/** Where to listen. */
export interface ServerOptions {
  /** An IP address of this machine; loopback unless somebody else is meant to ask. */
  readonly host: string
  /** 0 lets the system choose; the server knows its address then. */
  readonly port: number
  /** HTTPS instead of HTTP, with TLS 1.2 at least. */
  readonly tls?: TlsFiles | undefined
}

const dropped = Metric.counter("geodns_http_dropped_connections_total", {
  description: "Connections closed unanswered because there were too many",
  incremental: true
})

/** Not imported: as an ES module it loads undici too, 45 ms of the start of a node. */
const create = (options: NodeServerOptions, pair: Pair | undefined, handshake: number): Server | SecureServer =>
  pair === undefined
    ? process.getBuiltinModule("node:http").createServer(options)
    : process.getBuiltinModule("node:https").createServer({
      ...options,
      ...secureOptions(pair),
      handshakeTimeout: handshake
    })

const boundedServer = (
  bounds: Bounds,
  pair: Pair | undefined,
  count: { readonly dropped: () => void }
): Server | SecureServer => {
  const server = create(
    {
      maxHeaderSize: bounds.headerBytes,
      headersTimeout: bounds.headers,
      requestTimeout: bounds.request,
      keepAliveTimeout: bounds.keepAlive,
      connectionsCheckingInterval: Math.max(50, Math.min(bounds.headers, bounds.request) / 10)
    },
    pair,
    bounds.headers
  )
  server.maxConnections = bounds.connections
  server.timeout = bounds.idle
  server.on("drop", count.dropped)
  const limit = (exchange: ServerResponse | Duplex) => {
    const timer = setTimeout(() => exchange.destroy(), bounds.exchange)
    exchange.once("close", () => clearTimeout(timer))
    exchange.once(lasting, () => clearTimeout(timer))
  }
  server.on(
    "request",
    ((_request, response) => {
      limit(response)
      // A connection that is kept alive would hold up a server that closes.
      response.once("close", () => {
        if (!server.listening) setImmediate(() => server.closeIdleConnections())
      })
    }) satisfies RequestListener
  )
  server.on("upgrade", (_request, socket) => limit(socket))
  return server
}

/**
 * An HTTP server on `node:http`, or `node:https` with `tls`, with bounds on everything that a client can hold.
 * `HttpServer.address` is where it listens, with the port that the system chose. Closing the scope stops listening, lets
 * requests under way finish for `bounds.drain`, interrupts those that have not, and cuts what is left. A certificate that
 * was replaced is in use within `bounds.certificate`; files that cannot be used fail the start, and later are the condition
 * `http:tls`.
 */
export const layerServer = (options: ServerOptions): Layer.Layer<HttpServer.HttpServer, HttpError, Conditions> => {
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
      const pair = options.tls === undefined ? undefined : yield* readPair(options.tls)
      const server = boundedServer(bounds, pair, { dropped: () => dropped.updateUnsafe(1, context) })
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
      if (options.tls !== undefined && pair !== undefined && "setSecureContext" in server) {
        yield* followPair(options.tls, pair, (newer) => server.setSecureContext(secureOptions(newer)))
      }
      yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
      return http
    })
  )
}

/**
 * Serves routes: `HttpRouter` layers, merged as a role has them, with nothing but the services that each needs. Every
 * request and answer passes the {@link guard}; `Access` says who may ask for what. When the scope closes, event streams end
 * at once and requests under way get their time.
 */
export const serve = <E, R>(routes: Layer.Layer<never, E, R>) =>
  Layer.effectDiscard(Effect.gen(function*() {
    const access = yield* Access
    const streams = yield* EventStreams
    const paths = new ServedPaths()
    const app = yield* HttpRouter.toHttpEffect(noting(routes, paths))
    yield* HttpServer.serveEffect(guard(app, { bounds: yield* HttpBounds, access, paths }))
    // Runs before the server waits for what is under way.
    yield* Effect.addFinalizer(() => streams.end)
  })).pipe(Layer.provide(Layer.fresh(EventStreams.layer)))
