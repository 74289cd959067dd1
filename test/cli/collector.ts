import { Effect } from "effect"
import type { Scope } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** What an OpenTelemetry collector got. */
export interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
  readonly body: Buffer
}

/** A collector of a test: it takes OTLP over HTTP, and answers as `answers` says. */
export interface Collector {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  /** The most requests that waited for an answer at once. */
  readonly waiting: () => number
}

export const collector = (answers: "at once" | "never"): Effect.Effect<Collector, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly collector: Collector; readonly close: () => void }>((resume) => {
        const received: Array<Received> = []
        let open = 0
        let most = 0
        const server = createServer((request, response) => {
          open++
          most = Math.max(most, open)
          response.on("close", () => open--)
          const parts: Array<Buffer> = []
          request.on("data", (part) => parts.push(part)).on("end", () => {
            const body = Buffer.concat(parts)
            received.push({ path: request.url!, headers: request.headers, text: body.toString("utf8"), body })
            if (answers === "at once") response.writeHead(200, { "content-type": "application/json" }).end("{}")
          })
        })
        server.listen(0, "127.0.0.1", () =>
          resume(Effect.succeed({
            collector: {
              url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
              received,
              waiting: () => most
            },
            close: () => {
              server.close()
              server.closeAllConnections()
            }
          })))
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ collector }) => collector
  )
