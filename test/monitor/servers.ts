import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { createServer as createHttp, type RequestListener } from "node:http"
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net"
import { createServer as createTls } from "node:tls"

/** A server of a test, on an address of its own. */
export interface TestServer {
  readonly address: string
  readonly port: number
  /** How many connections there were. */
  readonly accepted: () => number
  /** Waits until a connection was opened. */
  readonly connected: Effect.Effect<void>
  /** Waits until every connection is closed. */
  readonly drained: Effect.Effect<void>
}

const loopback = "127.0.1.7"

/** Any server, on a free port of a loopback address, as long as the scope. */
export const serve = (make: () => Server, address = loopback) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Server; readonly open: Set<Socket>; readonly all: () => number }>((resume) => {
      const server = make()
      const open = new Set<Socket>()
      let accepted = 0
      server.on("connection", (socket: Socket) => {
        accepted++
        open.add(socket)
        socket.on("error", () => undefined).on("close", () => {
          open.delete(socket)
          server.emit("test:change")
        })
        server.emit("test:change")
      })
      server.setMaxListeners(0)
      server.listen(0, address, () => resume(Effect.succeed({ server, open, all: () => accepted })))
    }),
    ({ open, server }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of open) socket.destroy()
      })
  ).pipe(Effect.map(({ all, open, server }): TestServer => {
    const until = (isTrue: () => boolean): Effect.Effect<void> =>
      Effect.callback((resume) => {
        const look = () => {
          if (isTrue()) resume(Effect.void)
        }
        server.on("test:change", look)
        look()
        return Effect.sync(() => server.off("test:change", look))
      })
    return {
      address,
      port: (server.address() as AddressInfo).port,
      accepted: all,
      connected: until(() => all() > 0),
      drained: until(() => open.size === 0)
    }
  }))

/** An HTTP server on loopback, as long as the scope. */
export const httpServer = (listener: RequestListener) => serve(() => createHttp(listener))

/** A server that treats each connection as it likes. */
export const tcpServer = (onConnection: (socket: Socket) => void) =>
  // Only a socket that is read notices that the other side is gone
  serve(() => createTcp((socket) => onConnection(socket.resume())))

/** A certificate, or a chain of them, and the key. */
export interface Certificate {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** A certificate of the fixtures, with its key. */
export const fixture = (name: string): Certificate => ({
  cert: readFileSync(`test/fixtures/tls/${name}.pem`),
  key: readFileSync(`test/fixtures/tls/${name}.key`)
})

/** A TLS server with a certificate of the fixtures, that answers each request well. `names` gets what SNI asked for. */
export const tlsServer = (name: string, names: Array<string> = [], certificate = fixture(name)) =>
  serve(() =>
    createTls({ ...certificate }, (socket) => {
      names.push(String(socket.servername))
      socket.on("error", () => undefined)
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    }).on("tlsClientError", () => undefined)
  )
