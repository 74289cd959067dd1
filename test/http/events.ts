import { Effect } from "effect"
import { request } from "node:http"
import { port } from "./client.ts"

/** An event of a stream, or a comment as `event: ":"`. */
export interface SentEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

export interface EventReader {
  readonly status: number
  readonly headers: Readonly<Record<string, string | Array<string> | undefined>>
  /** All that has come so far. */
  readonly events: ReadonlyArray<SentEvent>
  readonly text: () => string
  readonly isClosed: () => boolean
  readonly pause: () => void
}

const parse = (block: string): SentEvent => {
  const field = (name: string) =>
    block.split("\n").filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join(
      "\n"
    )
  return block.startsWith(":")
    ? { event: ":", id: undefined, data: block }
    : { event: field("event"), id: field("id") || undefined, data: field("data") }
}

/** Opens a stream of events on the server that runs, until the scope closes. In place when the headers are there. */
export const openEvents = Effect.fnUntraced(function*(path: string, headers: Record<string, string> = {}) {
  const number = yield* port
  const opening = Effect.callback<EventReader & { readonly close: () => void }>((resume) => {
    const asked = request({ host: "127.0.0.1", port: number, path, headers, agent: false }, (response) => {
      const events: Array<SentEvent> = []
      let text = ""
      let rest = ""
      let closed = false
      response.setEncoding("utf8")
      response.on("data", (data: string) => {
        text += data
        const blocks = (rest + data).split("\n\n")
        rest = blocks.pop()!
        events.push(...blocks.map(parse))
      })
      response.on("close", () => {
        closed = true
      })
      response.on("error", () => {})
      resume(Effect.succeed({
        status: response.statusCode ?? 0,
        headers: response.headers,
        events,
        text: () => text,
        isClosed: () => closed,
        pause: () => response.pause(),
        close: () => asked.destroy()
      }))
    })
    asked.on("error", () => {})
    asked.end()
  })
  return yield* Effect.acquireRelease(opening, ({ close }) => Effect.sync(close))
})

/** Waits for something on real time, at most five seconds. */
export const eventually = (what: string, holds: () => boolean) =>
  Effect.sleep("10 millis").pipe(
    Effect.repeat({ until: () => holds() }),
    Effect.timeoutOrElse({ duration: "15 seconds", orElse: () => Effect.die(new Error(`never: ${what}`)) })
  )
