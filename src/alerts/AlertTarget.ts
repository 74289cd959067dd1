import type * as IpNetwork from "effect/net/IpNetwork"
import type { Answer, NoAnswer } from "../config/exchange.ts"
import { literalOf } from "../config/outbound.ts"
import { AlertError } from "./AlertError.ts"
import { marksOf, meaningOf } from "./AnswerMeaning.ts"

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

/** Who it was, where the name of the channel does not say it. */
const whose = ({ channel, url }: AlertTarget): string => channel.includes(url.host) ? "" : url.host

/** Nobody answered: everything waits. */
export const unanswered = (target: AlertTarget) => ({ problem, wasSent }: NoAnswer): AlertError =>
  new AlertError({
    channel: target.channel,
    problem: [whose(target), problem].filter((part) => part !== "").join(": "),
    isRetryable: true,
    isDown: true,
    // Somebody hangs up on some messages.
    ...wasSent && { isOdd: true },
    mayHaveArrived: wasSent
  })

/**
 * The error of an answer that is no success. Of what it says nothing is shown, since it may hold what it was sent: the URL, a
 * password. `what` is shown in its place.
 */
export const refused = (
  target: AlertTarget,
  { retryAfter, status }: Pick<Answer, "retryAfter" | "status">,
  what = ""
): AlertError =>
  new AlertError({
    channel: target.channel,
    problem: `${whose(target) || "it"} answers with HTTP status ${status}${what === "" ? "" : `: ${what}`}`,
    ...marksOf[meaningOf(status)],
    ...retryAfter !== undefined && { retryAfter }
  })
