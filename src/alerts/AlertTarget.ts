import type * as IpNetwork from "effect/net/IpNetwork"
import { literalOf } from "../config/outbound.ts"
import { AlertError } from "./AlertError.ts"
import type { Answer, NoAnswer } from "./exchange.ts"

/** Where messages go, and what may be reached for it: the internet, what the operator allows, and what the URL itself names. */
export interface AlertTarget {
  readonly channel: string
  readonly url: URL
  readonly allowed: ReadonlyArray<IpNetwork.IpNetwork>
}

/** Of a URL in the local document: its author may name an address there. Undefined when it is no web address. */
export const alertTarget = (
  channel: string,
  url: string,
  allowed: ReadonlyArray<IpNetwork.IpNetwork>
): AlertTarget | undefined => {
  if (!URL.canParse(url)) return undefined
  const parsed = new URL(url)
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") return undefined
  return { channel, url: parsed, allowed: [...allowed, ...literalOf(parsed)] }
}

/** Nobody answered: everything waits. */
export const unanswered = ({ channel, url }: AlertTarget) => ({ problem, wasSent }: NoAnswer): AlertError =>
  new AlertError({
    channel,
    problem: `${url.host}: ${problem}`,
    isRetryable: true,
    isDown: true,
    mayHaveArrived: wasSent
  })

/** Statuses that say that the server as a whole does not work now. */
const down: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** Refusals that are of the moment, or of who we are, and not of the message. */
const passing: ReadonlySet<number> = new Set([401, 403, 404, 407, 408, 425])

const maxShown = 200

/** The error of an answer that is no success. */
export const refused = (
  { channel, url }: AlertTarget,
  { retryAfter, status, text }: Answer,
  what = text.replace(/[\p{Cc}\s]+/gu, " ").trim().slice(0, maxShown)
): AlertError =>
  new AlertError({
    channel,
    problem: `${url.host} answers with HTTP status ${status}${what === "" ? "" : `: ${what}`}`,
    isRetryable: status < 400 || status >= 500 || status === 429 || passing.has(status),
    ...(down.has(status) || passing.has(status) || status < 400) && { isDown: true },
    ...status >= 500 && { mayHaveArrived: true },
    ...retryAfter !== undefined && { retryAfter }
  })
