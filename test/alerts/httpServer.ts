import { Effect, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"

/** What somebody asked. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is answered; nothing at all when it is undefined. */
export type Answering = (asked: Asked) =>
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | undefined

/** An HTTP server on the loopback interface. */
export const serveHttp = (
  answer: Answering
): Effect.Effect<{ readonly url: string; readonly port: number }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<{ readonly url: string; readonly port: number; readonly close: () => void }>((done) => {
        const server = createServer((request, response) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk) => chunks.push(chunk))
          request.once("end", () => {
            const body = Buffer.concat(chunks).toString("utf8")
            const { headers, method = "", url = "" } = request
            const given = answer({ method, path: url, headers, body })
            if (given === undefined) return
            response.writeHead(given.status, given.headers)
            response.end(given.body ?? "")
          })
        }).listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          done({
            url: `http://127.0.0.1:${port}`,
            port,
            close: () => {
              server.closeAllConnections()
              server.close()
            }
          })
        })
      })
    ),
    ({ close }) => Effect.sync(close)
  )
