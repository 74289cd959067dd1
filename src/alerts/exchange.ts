import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as IpNetwork from "effect/net/IpNetwork"
import * as http from "node:http"
import * as https from "node:https"
import { isIP } from "node:net"
import { guardedLookup, mayReach, NotAllowed } from "../config/outbound.ts"
import { plainHost } from "../domain/ListenAddress.ts"

/** What is sent. */
export interface Exchange {
  readonly url: URL
  readonly method: "GET" | "POST" | "PUT"
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Networks beside the internet that may be reached. */
  readonly allowed: ReadonlyArray<IpNetwork.IpNetwork>
  /** Milliseconds for all of it. */
  readonly timeout?: number
}

export interface Answer {
  readonly status: number
  /** The first 64 KiB. */
  readonly text: string
  /** What the header asks us to wait, in milliseconds. */
  readonly retryAfter: number | undefined
}

/** There was no answer. `wasSent`: the other side may have got it all the same. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{
  readonly problem: string
  readonly wasSent: boolean
  readonly isForbidden: boolean
}> {}

const maxAnswer = 65_536
const usualTimeout = 10_000

const seconds = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined

/**
 * One request over HTTP on a connection of its own. Redirects are not followed: who was named is asked, and nobody else.
 * The address is looked at when it is connected to, see `mayReach`. No error holds the URL, which may be a secret.
 */
export const exchange = (
  { allowed, body = "", headers = {}, method, timeout = usualTimeout, url }: Exchange
): Effect.Effect<Answer, NoAnswer> =>
  Effect.callback<Answer, NoAnswer>((resume) => {
    let wasSent = false
    const fail = (error: Error) =>
      resume(Effect.fail(
        new NoAnswer({
          problem: error.message || ("code" in error ? String(error.code) : error.name),
          wasSent,
          isForbidden: error instanceof NotAllowed
        })
      ))
    const host = plainHost(url.hostname)
    if (isIP(host) !== 0 && !mayReach(host, allowed)) return fail(new NotAllowed(host, host))
    const secure = url.protocol === "https:"
    const request = (secure ? https : http).request(url, {
      method,
      agent: false,
      lookup: guardedLookup(allowed),
      headers: { "user-agent": "geodns", "content-length": Buffer.byteLength(body), ...headers }
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
          text: Buffer.concat(chunks).toString("utf8"),
          retryAfter: seconds(response.headers["retry-after"])
        }))
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= maxAnswer) return void chunks.push(chunk)
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
