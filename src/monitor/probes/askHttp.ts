import * as Effect from "effect/Effect"
import { type Agent, request } from "node:http"
import type { Duplex } from "node:stream"
import { type Trouble, trouble, troubleOf } from "./dial.ts"
import { boundEarly, isTooSmall, tooSmall } from "./Flood.ts"

/** What is asked for. */
export interface Question {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** Bytes of the body of the answer. */
  readonly limit: number
  /** Without it the body is counted and thrown away. */
  readonly keepBody: boolean
}

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  /** `""` when it was not to be kept. */
  readonly body: string
  readonly bytes: number
  /** Whether the connection may be used again. */
  readonly isKept: boolean
}

/** Why there is no answer. */
export interface NoAnswer extends Trouble {
  /** The connection was closed before anything came. On one that has served before that is no fault: a new one may serve. */
  readonly wasClosed: boolean
}

/** Bytes that the header of an answer may have. */
const maxHeader = 16_384

const gone = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_DESTROYED"])

/**
 * One request, and its whole answer. On a socket, which is closed afterwards; or by an agent, which keeps it. Redirects are
 * not followed.
 */
export const askHttp = (
  way: Duplex | Agent,
  url: URL,
  { body, headers, keepBody, limit, method }: Question
): Effect.Effect<Answer, NoAnswer> =>
  Effect.callback((resume) => {
    const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
    const outgoing = request({
      ...("pipe" in way ? { createConnection: () => way } : { agent: way }),
      method,
      path: url.pathname + url.search,
      setHost: false,
      maxHeaderSize: maxHeader,
      headers: {
        ...(named.has("host") ? {} : { host: url.host }),
        ...(named.has("user-agent") ? {} : { "user-agent": "effect-geodns" }),
        ...(named.has("accept") ? {} : { accept: "*/*" }),
        ...headers
      }
    })
    const fail = (problem: Trouble, wasClosed = false) => resume(Effect.fail({ ...problem, wasClosed }))
    boundEarly(outgoing)
    outgoing.on("error", (error: NodeJS.ErrnoException) => fail(troubleOf(error), gone.has(error.code ?? "")))
    // An answer with 101 is at its end: what follows is another protocol
    outgoing.on("upgrade", (response) =>
      resume(Effect.succeed({ status: response.statusCode!, body: "", bytes: 0, isKept: false })))
    outgoing.on("response", (response) => {
      const chunks: Array<Buffer> = []
      let [bytes, pieces] = [0, 0]
      const leave = (why: string): void => {
        fail(trouble(why))
        outgoing.destroy()
      }
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > limit) {
          leave(`the answer is longer than ${limit} bytes`)
        } else if (isTooSmall(++pieces, limit)) {
          leave(tooSmall)
        } else if (keepBody) {
          chunks.push(chunk)
        }
      })
      response.on("end", () =>
        resume(Effect.succeed({
          status: response.statusCode!,
          body: Buffer.concat(chunks).toString(),
          bytes,
          isKept: outgoing.shouldKeepAlive
        })))
      response.on("error", () =>
        fail(trouble("the connection was closed in the middle of the answer")))
    })
    outgoing.end(body)
    return Effect.sync(() => void outgoing.destroy())
  })
