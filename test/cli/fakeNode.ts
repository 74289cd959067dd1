import { Effect, Schema } from "effect"
import type { Scope } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { LogEvent } from "../../src/http/LogEvent.ts"
import {
  EndOverrideBody,
  type GivenOverride,
  OverrideRequestBody,
  type OverrideStatus
} from "../../src/http/OverrideDocument.ts"
import type { StatusDocument } from "../../src/http/StatusDocument.ts"
import { endpoint, statusDocument } from "./samples.ts"

const readRequest = Schema.decodeUnknownSync(Schema.fromJsonString(OverrideRequestBody))
const readEnd = Schema.decodeUnknownSync(Schema.fromJsonString(EndOverrideBody))
const encodeEvent = Schema.encodeSync(Schema.fromJsonString(LogEvent))

/** A node that serves the contract of `Api.ts` and `LogEvent.ts`, and nothing behind it. */
export interface FakeNode {
  readonly url: string
  readonly port: number
  /** What it answers next; `undefined` for the document of the samples. */
  status: StatusDocument
  boot: string
  readonly overrides: Array<OverrideStatus>
  /** What it answers beside an override that is given. */
  follows: Pick<GivenOverride, "emptied" | "connected" | "alreadySince">
  readonly events: Array<LogEvent>
  /** What it was asked: method, path, and the key. */
  readonly asked: Array<{ readonly method: string; readonly url: string; readonly key: string | undefined }>
  /** Sends an event to all who follow. */
  readonly emit: (event: LogEvent) => void
  /** Ends every connection of those who follow. */
  readonly cut: () => void
}

export interface FakeOptions {
  readonly port?: number
  readonly host?: string
  /** Key → what it opens. Without, everything is open. */
  readonly keys?: Readonly<Record<string, "read" | "write">>
  readonly refuse?: (request: IncomingMessage, response: ServerResponse) => boolean
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const part of request) text += part
  return text
}

const eventText = (event: LogEvent) => `id: ${event.id}\nevent: ${event._tag}\ndata: ${encodeEvent(event)}\n\n`

export const fakeNode = (options: FakeOptions = {}): Effect.Effect<FakeNode, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly node: FakeNode; readonly close: Effect.Effect<void> }>((resume) => {
        const followers = new Set<ServerResponse>()
        const server = createServer((request, response) => {
          const answer = (status: number, body: unknown) =>
            response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
          const url = new URL(request.url!, "http://localhost")
          const key = request.headers.authorization?.replace(/^Bearer /, "")
          node.asked.push({ method: request.method!, url: request.url!, key })
          if (options.refuse?.(request, response)) return
          const right = options.keys === undefined ? "write" : options.keys[key ?? ""]
          if (right === undefined) return answer(401, { error: "A key is needed" })
          if (request.method === "POST" && right !== "write") return answer(403, { error: "This key only reads" })
          switch (`${request.method} ${url.pathname}`) {
            case "GET /api/status":
              return answer(200, { ...node.status, node: { ...node.status.node, boot: node.boot } })
            case "GET /api/overrides":
              return answer(200, { overrides: node.overrides })
            case "POST /api/overrides":
              return void bodyOf(request).then((text) => {
                const asked = readRequest(text)
                if (asked.member === "Nobody") {
                  return answer(404, { error: 'no member is called "Nobody"; did you mean "Fuji Hosting"?' })
                }
                const at = new Date().toISOString()
                const from = asked.from ?? at
                const given: OverrideStatus = {
                  id: String(node.overrides.length),
                  kind: asked.kind,
                  member: asked.member,
                  reason: asked.reason,
                  author: asked.author ?? "",
                  node: "dns-1",
                  at,
                  from,
                  ...asked.until !== undefined && { until: asked.until },
                  state: from > at ? "planned" : "active"
                }
                node.overrides.unshift(given)
                answer(200, { ...given, ...node.follows } satisfies GivenOverride)
              })
            case "POST /api/overrides/end":
              return void bodyOf(request).then((text) => {
                const { kind, member, reason } = readEnd(text)
                const ended = node.overrides.flatMap((override, i) => {
                  if (override.kind !== kind || override.member !== member || override.state === "over") return []
                  const end = { at: new Date().toISOString(), by: "ops", reason: reason ?? "" }
                  return [node.overrides[i] = { ...override, ended: end, state: "over" as const }]
                })
                if (ended.length === 0) return answer(404, { error: `nothing is in force or planned for ${member}` })
                answer(200, { overrides: ended })
              })
            case "GET /api/log": {
              response.writeHead(200, { "content-type": "text/event-stream" })
              // What a server may say beside events.
              response.write("retry: 1000\n\n: hello\n\n")
              const after = Number(url.searchParams.get("after") ?? 0)
              for (const event of node.events) if (event.id > after) response.write(eventText(event))
              if (url.searchParams.get("follow") === "false") return response.end()
              followers.add(response)
              return response.on("close", () => followers.delete(response))
            }
          }
          answer(404, { error: `Nothing is served at ${url.pathname} on this node` })
        })
        const cut = () => followers.forEach((response) => response.destroy())
        const node = {
          url: "",
          port: 0,
          status: statusDocument([endpoint("Fuji Hosting", false, "status 503")]),
          boot: "boot-1",
          overrides: [],
          follows: { emptied: { total: 0, items: [] }, connected: true },
          events: [],
          asked: [],
          cut,
          emit: (event: LogEvent) => {
            node.events.push(event)
            followers.forEach((response) => response.write(eventText(event)))
          }
        } as { -readonly [K in keyof FakeNode]: FakeNode[K] }
        const close = Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
        server.listen(options.port ?? 0, options.host ?? "127.0.0.1", () => {
          node.port = (server.address() as AddressInfo).port
          node.url = `http://${options.host ?? "127.0.0.1"}:${node.port}`
          resume(Effect.succeed({ node, close }))
        })
      }),
      ({ close }) => close
    ),
    ({ node }) => node
  )
