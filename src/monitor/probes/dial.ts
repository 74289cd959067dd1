import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connect as connectSocket, isIP, type Socket } from "node:net"
import { checkServerIdentity, connect as connectTls, type SecureContext, type TLSSocket } from "node:tls"
import { plainHost } from "../../domain/ListenAddress.ts"
import type { PlannedTarget } from "../PlannedTarget.ts"
import type { ProbeResult } from "../Probe.ts"
import { step } from "../ProbeTrace.ts"

/** Why a probe got no further: `up` as in `ProbeResult`. */
export interface Trouble {
  readonly up: false | undefined
  readonly error: string
}

/** The member's fault, or at least not ours. */
export const trouble = (error: string): Trouble => ({ up: false, error })

/** This node ran out of something: no word about the member. */
export const outOf = (what: string): Trouble => ({
  up: undefined,
  error: `this node could not try: ${what}: raise the limits of this process, or check less at once`
})

/** Codes that mean that this node ran out of something: no word about the member. */
const ours = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL", "EAGAIN"])

const texts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed by the member",
  EPIPE: "connection closed by the member",
  ETIMEDOUT: "no connection: no answer",
  EHOSTUNREACH: "no route to the member",
  ENETUNREACH: "no route to the member's network",
  ERR_FLOOD: "the member sends more than it was asked for",
  HPE_HEADER_OVERFLOW: "the header of the answer is too long",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "the answer is no valid HTTP"
}

/** An error of a socket in words that stay the same. */
export const troubleOf = (error: NodeJS.ErrnoException): Trouble => {
  const code = error.code ?? "unknown error"
  if (ours.has(code)) return outOf(code)
  if (texts[code] !== undefined) return trouble(texts[code])
  if (code.startsWith("HPE_")) return trouble("the answer is no valid HTTP")
  if (code.startsWith("ERR_SSL_")) return trouble(`TLS handshake failed: ${wordsOf(code.slice("ERR_SSL_".length))}`)
  return trouble(code)
}

const wordsOf = (code: string): string => code.toLowerCase().replaceAll("_", " ")

/** A probe that got into trouble has that as its result, with what it had measured before. */
export const resultOf = ({ error, up }: Trouble, data: unknown = null): Effect.Effect<ProbeResult> =>
  Effect.succeed({ up, error, data })

const ignore = (): void => undefined

/** Waits for an event of a socket. The socket keeps a listener for errors, so that a late one is nobody's defect. */
const awaitEvent = <A = void>(socket: Socket, event: string): Effect.Effect<A, Trouble> =>
  Effect.callback((resume) => {
    const onError = (error: NodeJS.ErrnoException) => resume(Effect.fail(troubleOf(error)))
    const onClose = () => resume(Effect.fail(trouble(texts["ECONNRESET"]!)))
    const onEvent = (value: A) => resume(Effect.succeed(value))
    socket.once(event, onEvent).once("error", onError).once("close", onClose)
    return Effect.sync(() => socket.off(event, onEvent).off("error", onError).off("close", onClose))
  })

/** The first bytes that a member sends. */
export const firstBytes = (socket: Socket): Effect.Effect<Buffer, Trouble> => awaitEvent<Buffer>(socket, "data")

const scoped = <S extends Socket>(open: () => S): Effect.Effect<S, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => open().on("error", ignore)),
    (socket) => Effect.sync(() => void socket.destroy())
  )

const connect = Effect.fnUntraced(function*(planned: PlannedTarget) {
  const socket = yield* scoped(() =>
    connectSocket({ host: planned.address, port: planned.port, autoSelectFamily: false, noDelay: true })
  )
  yield* awaitEvent(socket, "connect")
  return socket
})

const openTcp = (planned: PlannedTarget) => step("connect", connect(planned))

const noIssuer = "an intermediate certificate is missing, or the authority is not known here"

/** Codes of a chain that leads to nobody we trust, in words. */
const untrusted: Readonly<Record<string, string>> = {
  CERT_UNTRUSTED: "the authority is not trusted for servers",
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "the authority is not known here",
  UNABLE_TO_GET_ISSUER_CERT: noIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: noIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: noIssuer
}

/** How TLS is spoken. */
export interface TlsOptions {
  readonly context: SecureContext
  /** Takes a chain that leads to nobody we trust; the name must fit all the same. */
  readonly allowUntrusted: boolean
}

/** The public name, or the address where there is none. */
const nameOf = ({ address, host }: PlannedTarget): string => host === "" ? address : plainHost(host)

/** What is wrong with the certificate that a member showed, or undefined. */
const certificateTrouble = (socket: TLSSocket, host: string, allowUntrusted: boolean): Trouble | undefined => {
  if (socket.authorized) return undefined
  // Node declares an Error and gives its code
  const code = String(socket.authorizationError)
  if (allowUntrusted && untrusted[code] !== undefined) {
    return checkServerIdentity(host, socket.getPeerCertificate()) === undefined ? undefined : wrongName(host)
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return wrongName(host)
  if (code === "CERT_HAS_EXPIRED") return trouble("the certificate has expired")
  if (untrusted[code] !== undefined) return trouble(`the certificate is not trusted: ${untrusted[code]}`)
  return trouble(`the certificate is not valid: ${wordsOf(code)}`)
}

const wrongName = (host: string): Trouble => trouble(`the certificate is not for ${host}`)

/** A connection with TLS, and what is wrong with the certificate that came with it. */
export interface Secured {
  readonly socket: TLSSocket
  readonly trouble: Trouble | undefined
}

const handshake = Effect.fnUntraced(function*(planned: PlannedTarget, tls: TlsOptions, socket: Socket) {
  const host = nameOf(planned)
  const secure = yield* scoped(() =>
    connectTls({
      socket,
      host,
      // SNI has no addresses (RFC 6066, 3)
      servername: isIP(host) === 0 ? host : "",
      secureContext: tls.context,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"]
    })
  )
  yield* awaitEvent(secure, "secureConnect")
  return { socket: secure, trouble: certificateTrouble(secure, host, tls.allowUntrusted) } satisfies Secured
})

/** `1.5 s`. */
export const seconds = (millis: number): string => `${Number((millis / 1000).toPrecision(3))} s`

/**
 * Connects to the member's address, not to what the DNS says of its public name. The socket lives as long as the scope.
 * `within` in milliseconds.
 */
export const dialTcp = (planned: PlannedTarget, within: number): Effect.Effect<Socket, Trouble, Scope.Scope> =>
  openTcp(planned).pipe(
    Effect.timeoutOrElse({
      duration: within,
      orElse: () => Effect.fail(trouble(`no connection within ${seconds(within)}`))
    })
  )

/**
 * The same with TLS for the public name, whatever certificate the member shows: what is wrong with it is for the caller to
 * weigh. `within` is for both.
 */
export const secureAny = (
  planned: PlannedTarget,
  within: number,
  tls: TlsOptions
): Effect.Effect<Secured, Trouble, Scope.Scope> =>
  Effect.suspend(() => {
    let doing = "connection"
    return openTcp(planned).pipe(
      Effect.tap(() => Effect.sync(() => void (doing = "TLS handshake"))),
      Effect.flatMap((socket) => step("TLS", handshake(planned, tls, socket), ({ trouble }) => trouble?.error ?? "")),
      Effect.timeoutOrElse({
        duration: within,
        orElse: () => Effect.fail(trouble(`no ${doing} within ${seconds(within)}`))
      })
    )
  })

/** The same; fails when the chain or the name is not valid. */
export const dialTls = (
  planned: PlannedTarget,
  within: number,
  tls: TlsOptions
): Effect.Effect<TLSSocket, Trouble, Scope.Scope> =>
  Effect.flatMap(
    secureAny(planned, within, tls),
    ({ socket, trouble }) => trouble === undefined ? Effect.succeed(socket) : Effect.fail(trouble)
  )

/** Connects as the scheme of the URL says: `https` and `wss` with TLS, `http` and `ws` without. */
export const dial = (
  planned: PlannedTarget,
  url: URL,
  within: number,
  tls: TlsOptions
): Effect.Effect<Socket, Trouble, Scope.Scope> =>
  url.protocol === "https:" || url.protocol === "wss:"
    ? dialTls(planned, within, tls)
    : dialTcp(planned, within)
