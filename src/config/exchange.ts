import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as IpNetwork from "effect/net/IpNetwork"
import * as http from "node:http"
import * as https from "node:https"
import { isIP } from "node:net"
import { plainHost } from "../domain/ListenAddress.ts"
import { guardedLookup, mayReach, NotAllowed } from "./outbound.ts"
import { socketWords } from "./socketWords.ts"

/** What is sent. */
export interface Exchange {
  readonly url: URL
  readonly method: "GET" | "POST" | "PUT"
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Networks beside the internet that may be reached. */
  readonly allowed: ReadonlyArray<IpNetwork.IpNetwork>
  /** Milliseconds for all of it; 10,000 when missing. */
  readonly timeout?: number
  /** Bytes of the answer that are read; 65,536 when missing. */
  readonly limit?: number
}

/** What came. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** As much of it as is read. */
  readonly text: string
  /** There is more than that. */
  readonly isCut: boolean
  /** What the header asks us to wait, in milliseconds. */
  readonly retryAfter: number | undefined
}

/** There was no answer. `wasSent`: the other side may have got it all the same. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{
  readonly problem: string
  readonly wasSent: boolean
  readonly isForbidden: boolean
}> {}

const usualLimit = 65_536
const usualTimeout = 10_000

/** Seconds, or a date by the clock of the one who answers. */
const retryAfterOf = (
  { date, "retry-after": after = "" }: http.IncomingHttpHeaders
): number | undefined => {
  if (/^\d{1,6}$/.test(after)) return Number(after) * 1_000
  const wait = Date.parse(after) - Date.parse(date ?? "")
  return wait >= 0 ? wait : undefined
}

/** Headers of which there are several are left out. */
const single = (headers: http.IncomingHttpHeaders): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => typeof value === "string" ? [[name, value]] : [])
  )

/**
 * One request over HTTP on a connection of its own, for a URL that somebody named: whatever is asked for such a URL is asked
 * here. Redirects are not followed: who was named is asked, and nobody else. The address is looked at when it is connected
 * to, see `mayReach`. No error holds the URL, which may be a secret.
 */
export const exchange = (
  { allowed, body = "", headers = {}, limit = usualLimit, method, timeout = usualTimeout, url }: Exchange
): Effect.Effect<Answer, NoAnswer> =>
  Effect.callback<Answer, NoAnswer>((resume) => {
    let wasSent = false
    const host = plainHost(url.hostname)
    const fail = (error: Error) =>
      resume(Effect.fail(
        new NoAnswer({
          problem: error instanceof NotAllowed ? error.message : socketWords(error, host),
          wasSent,
          isForbidden: error instanceof NotAllowed
        })
      ))
    if (isIP(host) !== 0 && !mayReach(host, allowed)) return fail(new NotAllowed(host, host))
    const secure = url.protocol === "https:"
    const request = (secure ? https : http).request(url, {
      method,
      agent: false,
      lookup: guardedLookup(allowed),
      headers: {
        "user-agent": "geodns",
        ...method !== "GET" && { "content-length": Buffer.byteLength(body) },
        ...headers
      }
    })
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeout / 1_000} s`)), timeout)
    request.once("close", () => clearTimeout(timer))
    request.on("error", fail)
    request.once("socket", (socket) => socket.once(secure ? "secureConnect" : "connect", () => wasSent = true))
    request.once("response", (response) => {
      const chunks: Array<Buffer> = []
      let bytes = 0
      const end = () =>
        resume(Effect.succeed({
          status: response.statusCode ?? 0,
          headers: single(response.headers),
          text: Buffer.concat(chunks).toString("utf8"),
          isCut: bytes > limit,
          retryAfter: retryAfterOf(response.headers)
        }))
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= limit) return void chunks.push(chunk)
        end()
        request.destroy()
      })
      response.once("end", end)
      response.on("error", fail)
    })
    request.end(body)
    return Effect.sync(() => {
      clearTimeout(timer)
      request.destroy()
    })
  })
