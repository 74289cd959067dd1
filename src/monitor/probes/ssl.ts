import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { X509Certificate } from "node:crypto"
import { getCACertificates, type SecureContext } from "node:tls"
import { AllowUntrusted, ConnectTimeout, connectWithin, optionNames, readOptions } from "../options.ts"
import { type Probe, probeKinds, type ProbeResult } from "../Probe.ts"
import { resultOf, secureAny, type Secured } from "./dial.ts"

const Options = Schema.Struct({ ConnectTimeout, AllowUntrusted })

/** Seconds for the connection when the options do not say; as in v2. */
const usualTimeout = 5

const day = 86_400_000

/** Days that every certificate must last. */
const minimumDays = 5

/**
 * Succeeds when the member speaks TLS for the public name with a chain and a name that are valid, and every certificate
 * of the chain lasts 5 days more. Data, of a certificate that is not valid too: as v2 has it, for the certificate that expires first: `DaysUntilExpiry`,
 * `ExpiryTimestamp` in seconds since the epoch, `Port` as text; and `Issuer` of the member's own certificate.
 */
export const makeSsl = (context: SecureContext): Probe => {
  let anchors: ReadonlySet<string> | undefined
  /** The names of the authorities that we trust by themselves. Reading them all takes a moment, and is seldom needed. */
  const isAnchor = (certificate: X509Certificate): boolean => {
    anchors ??= new Set(getCACertificates("default").map((pem) => new X509Certificate(pem).subject))
    return anchors.has(certificate.subject)
  }

  const judge = ({ socket, trouble }: Secured, now: number, port: number): ProbeResult => {
    const leaf = socket.getPeerX509Certificate()
    if (leaf === undefined) return { up: false, error: "the member showed no certificate", data: null, ...trouble }
    const chain = chainOf(leaf).map((certificate) => ({ certificate, expiry: Date.parse(certificate.validTo) }))
    // What a member sends above an authority that we trust (an old cross-signature, say) plays no part in the validation
    const end = chain.findIndex(({ certificate, expiry }, i) =>
      i > 0 && expiry < now + minimumDays * day && isAnchor(certificate)
    )
    const expiry = Math.min(...chain.slice(0, end < 0 ? chain.length : end).map(({ expiry }) => expiry))
    const data = {
      DaysUntilExpiry: Math.floor((expiry - now) / day),
      ExpiryTimestamp: Math.floor(expiry / 1000),
      Port: String(port),
      Issuer: issuerOf(leaf)
    }
    if (trouble !== undefined) return { ...trouble, data }
    return expiry < now + minimumDays * day
      ? { up: false, error: `a certificate of the chain expires in less than ${minimumDays} days`, data }
      : { up: true, error: "", data }
  }

  return {
    ...probeKinds.ssl,
    options: optionNames(Options),
    prepare: (raw) =>
      Result.map(readOptions(Options, raw), (options) => (planned) =>
        Effect.gen(function*() {
          const tls = { context, allowUntrusted: options.AllowUntrusted ?? false }
          const secured = yield* secureAny(planned, connectWithin(options, planned.check.timeout, usualTimeout), tls)
          return judge(secured, yield* Clock.currentTimeMillis, planned.port)
        }).pipe(Effect.scoped, Effect.catch((problem) => resultOf(problem))))
  }
}

/** From the member's own certificate upwards, as far as it was sent; bounded, whatever was. */
const chainOf = (leaf: X509Certificate): ReadonlyArray<X509Certificate> => {
  const chain: Array<X509Certificate> = []
  for (let at: X509Certificate | undefined = leaf; at !== undefined && chain.length < 10; at = at.issuerCertificate) {
    if (chain.at(-1)?.fingerprint256 === at.fingerprint256) break
    chain.push(at)
  }
  return chain
}

const issuerOf = (certificate: X509Certificate): string => {
  const parts = new Map(certificate.issuer.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line]))
  const line = parts.get("CN") ?? parts.get("O") ?? ""
  return line.slice(line.indexOf("=") + 1, 200)
}
