import { X509Certificate } from "node:crypto"
import { createSecureContext, type SecureContextOptions } from "node:tls"

/** A certificate with its chain, and its key, as PEM texts. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

/** What a TLS server makes of a pair. TLS 1.2 at least. */
export const secureOptions = ({ cert, key }: Pair): SecureContextOptions => ({ cert, key, minVersion: "TLSv1.2" })

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const fits = (pair: Partial<Pair>): string | undefined => {
  try {
    createSecureContext({ ...pair, minVersion: "TLSv1.2" })
    return undefined
  } catch (cause) {
    return codeOf(cause) || "unknown"
  }
}

const day = 24 * 60 * 60 * 1000

/** Why a pair cannot be used; undefined when it can. Names the files, and shows nothing of what is in them. */
export const pairProblem = ({ cert, key }: Pair, files: { readonly cert: string; readonly key: string }) => {
  if (!cert.includes("-----BEGIN CERTIFICATE-----") || fits({ cert }) !== undefined) {
    return `${files.cert} is no certificate in PEM form`
  }
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(key)) {
    return `the key in ${files.key} has a passphrase; write it without one (openssl pkey), readable for this user alone`
  }
  if (!key.includes("PRIVATE KEY-----") || fits({ key }) !== undefined) return `${files.key} is no key in PEM form`
  const code = fits({ cert, key })
  return code === undefined
    ? undefined
    : code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH"
    ? `the key in ${files.key} is not that of the certificate in ${files.cert}`
    : `${files.cert} and ${files.key} cannot be used together (${code})`
}

/** That a certificate is not valid, or not for long; undefined when it is. `now` in milliseconds. */
export const validityProblem = (cert: string, file: string, now: number): string | undefined => {
  const { validFromDate, validToDate } = new X509Certificate(cert)
  return now < validFromDate.getTime()
    ? `the certificate in ${file} is not valid before ${validFromDate.toISOString()}`
    : now > validToDate.getTime()
    ? `the certificate in ${file} has expired on ${validToDate.toISOString()}: clients refuse it`
    : now > validToDate.getTime() - 7 * day
    ? `the certificate in ${file} expires on ${validToDate.toISOString()}`
    : undefined
}
