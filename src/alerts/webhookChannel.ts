import * as Effect from "effect/Effect"
import type * as IpNetwork from "effect/net/IpNetwork"
import * as Redacted from "effect/Redacted"
import { createHash, createHmac } from "node:crypto"
import { exchange } from "../config/exchange.ts"
import type { Channel } from "./AlertChannel.ts"
import { alertDocument } from "./alertDocument.ts"
import { AlertError } from "./AlertError.ts"
import { alertTarget, refused, unanswered } from "./AlertTarget.ts"

/** One URL that is called. */
export interface Webhook {
  readonly url: string
  /** Signs the calls. None when empty. */
  readonly secret: Redacted.Redacted
  /** What people call it: a name that the operator gave, or its place in the document. Its host is told with it. */
  readonly label?: string
}

const hostOf = (url: string): string => URL.canParse(url) ? new URL(url).host : "?"

/** The name under which deliveries are remembered: of its host, and of what makes two of one host differ. */
export const webhookName = (url: string): string =>
  `webhook:${hostOf(url)}:${createHash("sha256").update(url).digest("hex").slice(0, 8)}`

/** What people know it by. The rest of the URL may be a secret. */
export const webhookLabel = (label: string, url: string): string => `${label} (${hostOf(url)})`

/** What `GeoDNS-Signature` has: HMAC-SHA256 of the body, in hexadecimal digits. */
export const signatureOf = (secret: Redacted.Redacted, body: string): string =>
  `sha256=${createHmac("sha256", Redacted.value(secret)).update(body).digest("hex")}`

/**
 * POSTs each message as JSON, see `alertDocument`. `Idempotency-Key` is the same on every try: the receiver may get a message
 * twice and is to take it once. Any 2xx is taken for received; 400, 409, 410, 413, 415 and 422 refuse the message for good,
 * anything else is tried again.
 */
export const webhookChannel = (
  { label, secret, url }: Webhook,
  allowed: ReadonlyArray<IpNetwork.IpNetwork>
): Channel => {
  const name = webhookName(url)
  const target = alertTarget(name, url, allowed)
  return {
    name,
    ...label !== undefined && { label: webhookLabel(label, url) },
    deliver: Effect.fnUntraced(function*(message) {
      if (target === undefined) {
        return yield* new AlertError({ channel: name, problem: "it is no http or https URL", isRetryable: true })
      }
      const body = JSON.stringify(alertDocument(message))
      const answer = yield* exchange({
        url: target.url,
        allowed: target.allowed,
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "idempotency-key": message.idempotencyKey,
          ...Redacted.value(secret) !== "" && { "geodns-signature": signatureOf(secret, body) }
        }
      }).pipe(Effect.mapError(unanswered(target)))
      if (answer.status < 200 || answer.status >= 300) return yield* refused(target, answer)
    })
  }
}
