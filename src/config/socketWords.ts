const texts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed by the other side",
  EPIPE: "connection closed by the other side",
  ETIMEDOUT: "no connection: no answer",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network of the host",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name of the host cannot be looked up now",
  CERT_HAS_EXPIRED: "the certificate has expired"
}

/** Codes of a chain that leads to nobody we trust. */
const untrusted: ReadonlySet<string> = new Set([
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
])

const wordsOf = (code: string): string => code.toLowerCase().replaceAll("_", " ")

/**
 * What happened to a connection, in words: those of probes. The message of the system repeats the address, which whoever
 * shows this says already.
 */
export const socketWords = (error: Error, host: string): string => {
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  const text = texts[code]
  if (text !== undefined) return text
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `the certificate is not for ${host}`
  if (untrusted.has(code)) return `the certificate is not trusted: ${wordsOf(code)}`
  if (code.startsWith("HPE_")) return "the answer is no valid HTTP"
  if (code.startsWith("ERR_SSL_")) return `TLS handshake failed: ${wordsOf(code.slice("ERR_SSL_".length))}`
  return error.message || code || error.name
}
