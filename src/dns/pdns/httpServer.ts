import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { formatListenAddress, type ListenAddress } from "../../domain/ListenAddress.ts"
import type { PdnsBounds } from "./bounds.ts"
import { errorReply, type HandlePdns } from "./handler.ts"
import { CannotServe, PdnsError } from "./PdnsError.ts"
import type { PdnsTally } from "./PdnsTally.ts"

/** Where PowerDNS asks. */
export const pdnsPath = "/dns"

interface Answering {
  readonly handle: HandlePdns
  readonly bounds: PdnsBounds
  readonly tally: PdnsTally
}

const reply = (response: ServerResponse, status: number, body: string): void => {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
  response.end(body)
}

const refuse = (response: ServerResponse, status: number, problem: string): void => {
  // What is left of the request is not read.
  response.setHeader("connection", "close")
  reply(response, status, errorReply(problem))
}

const answer = (
  request: IncomingMessage,
  response: ServerResponse,
  { bounds, handle, tally }: Answering,
  isBusy: boolean
): void => {
  request.on("error", () => response.destroy())
  response.on("error", () => response.destroy())
  if (isBusy) {
    tally.dropped("pipelined")
    return refuse(response, 400, "one request at a time on a connection: PowerDNS waits for each answer")
  }
  if (request.url !== pdnsPath) return refuse(response, 404, `PowerDNS asks at ${pdnsPath}`)
  if (request.method !== "POST") return refuse(response, 405, "PowerDNS asks with POST: set post=1,post_json=1")
  // PowerDNS sends none. A page in somebody's browser must not have its questions counted.
  if (request.headers.origin !== undefined) return refuse(response, 403, "only PowerDNS asks here")
  const parts: Array<Buffer> = []
  let length = 0
  request.on("data", (part: Buffer) => {
    length += part.length
    if (length <= bounds.requestBytes) return void parts.push(part)
    if (response.headersSent) return
    tally.dropped("length")
    refuse(response, 413, `a request is longer than ${bounds.requestBytes} bytes`)
    request.pause()
  })
  request.on("end", () => {
    if (!response.headersSent) reply(response, 200, handle(Buffer.concat(parts).toString("utf8")))
  })
}

const makeServer = (answering: Answering): Server => {
  const { bounds, tally } = answering
  // Answers to requests that come before the last one is answered would be held in memory, as many as there are.
  const busy = new WeakSet<Socket>()
  const server = process.getBuiltinModule("node:http").createServer({
    keepAlive: true,
    keepAliveTimeout: bounds.keepAlive,
    headersTimeout: bounds.transfer,
    requestTimeout: bounds.transfer,
    connectionsCheckingInterval: Math.max(50, bounds.transfer / 10),
    maxHeaderSize: 8_192
  }, (request, response) => {
    const { socket } = request
    const isBusy = busy.has(socket)
    if (!isBusy) {
      busy.add(socket)
      response.once("close", () => busy.delete(socket))
    }
    answer(request, response, answering, isBusy)
  })
  server.maxConnections = bounds.connections
  server.on("drop", () => tally.dropped("connections"))
  server.on("connection", (socket) => {
    tally.opened()
    // An answer that is not taken.
    socket.setTimeout(bounds.keepAlive + bounds.transfer, () => socket.destroy())
    socket.on("close", () => tally.closed())
  })
  server.on("clientError", (_error, socket) => {
    tally.dropped("malformed")
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    else socket.destroy()
  })
  return server
}

/**
 * Answers over HTTP on this address and no other, until the scope closes: `POST /dns` with a request as JSON. Succeeds with
 * the port. There is no TLS and nobody is asked who they are: the address is for loopback, or a network of one's own.
 */
export const serveHttp = (
  options: Answering & { readonly endpoint: ListenAddress }
): Effect.Effect<number, PdnsError, Scope.Scope> =>
  Effect.gen(function*() {
    const { bounds, endpoint, tally } = options
    const server = yield* Effect.acquireRelease(
      Effect.callback<Server, PdnsError>((resume) => {
        const server = makeServer(options)
        server.once("error", (cause: NodeJS.ErrnoException) =>
          resume(
            Effect.fail(
              new PdnsError({
                reason: new CannotServe({ where: formatListenAddress(endpoint), code: cause.code ?? "UNKNOWN" })
              })
            )
          ))
        server.listen({ host: endpoint.host, port: endpoint.port }, () => {
          server.removeAllListeners("error")
          server.on("error", () => tally.dropped("connections"))
          resume(Effect.succeed(server))
        })
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeIdleConnections()
          const timer = setTimeout(() => server.closeAllConnections(), bounds.drain)
          server.once("close", () => clearTimeout(timer))
        })
    )
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : endpoint.port
  })
