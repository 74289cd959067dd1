import * as Redacted from "effect/Redacted"
import { clip } from "../domain/clip.ts"
import type { NatsAddress } from "./NatsAddress.ts"
import type { NatsOptions } from "./NatsOptions.ts"

const maxLength = 300

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : error instanceof Error ? codeOf(error.cause) : ""

/** Whether the broker said that it does not let us in. Asking again soon does not help. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Error
  && (error.name === "AuthorizationError" || error.name === "UserAuthenticationExpiredError")

const told = (error: unknown): string => {
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : "closed without a word"
  if (isRefusal(error)) {
    return `the broker does not let us in (${message}): look at Nats.User and Nats.Pass, GeoDNS.Nats.NKeySeed or `
      + "GeoDNS.Nats.CredentialsFile"
  }
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
    return "the NATS client is not installed: npm install @nats-io/transport-node"
  }
  switch (code) {
    case "ECONNREFUSED":
      return "nobody listens there (connection refused)"
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name is not found"
    case "ENOENT":
    case "EACCES":
      return `a file cannot be read: ${message}`
  }
  return /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_)/.test(code)
      || error instanceof Error && message.includes("'tls'")
    ? `TLS: ${message}`
    : message
}

/** What went wrong, in one short line and without a secret. */
export const describeProblem = (
  options: NatsOptions,
  addresses: ReadonlyArray<NatsAddress>,
  error: unknown
): string => {
  const secrets = [
    options.password && Redacted.value(options.password),
    options.nkeySeed && Redacted.value(options.nkeySeed),
    ...addresses.map(({ password }) => password)
  ].filter((secret): secret is string => secret !== undefined && secret !== "")
  const line = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), told(error)).replace(/\s+/g, " ")
  return clip(line, maxLength)
}
