import type { Authenticator, NatsConnection, TlsOptions } from "@nats-io/transport-node"
import * as Redacted from "effect/Redacted"
import { readFile } from "node:fs/promises"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { formatNatsAddress, type NatsAddress } from "./NatsAddress.ts"
import type { NatsOptions } from "./NatsOptions.ts"

/** Milliseconds to reach a server and to be greeted by it, and as many to log in. */
const connectTimeout = 10_000

const read = (path: string | undefined): Promise<string> | undefined =>
  path === undefined ? undefined : readFile(path, "utf8")

/** The files are small and local: reading them again finds renewed ones. */
const tlsOptions = async ({ tls }: NatsOptions, address: NatsAddress): Promise<TlsOptions | undefined> => {
  if (tls === undefined && !address.tls) return undefined
  const [ca, cert, key] = await Promise.all([read(tls?.caFile), read(tls?.certFile), read(tls?.keyFile)])
  return {
    ...ca !== undefined && { ca },
    ...cert !== undefined && { cert },
    ...key !== undefined && { key },
    ...tls?.handshakeFirst === true && { handshakeFirst: true },
    // The client passes this on: without it a certificate for an address is held against "localhost".
    ...Net.isIP(address.host) !== 0 && { host: address.host }
  }
}

/**
 * Waits until a NATS server greets us. The client never closes its socket when a server accepts a connection and stays
 * silent, as a stopped one does; here it is closed at any rate, and the client dials only whom it will hear.
 */
const greeting = (address: NatsAddress, tls: TlsOptions | undefined, signal: AbortSignal): Promise<void> =>
  new Promise((done, fail) => {
    const { host, port } = address
    const socket = tls?.handshakeFirst === true
      ? Tls.connect({
        host,
        port,
        rejectUnauthorized: false,
        ...typeof tls.cert === "string" && { cert: tls.cert },
        ...typeof tls.key === "string" && { key: tls.key }
      })
      : Net.connect({ host, port })
    const end = (problem: Error | undefined) => {
      clearTimeout(timer)
      signal.removeEventListener("abort", onAbort)
      socket.destroy()
      if (problem === undefined) done()
      else fail(problem)
    }
    const timer = setTimeout(end, connectTimeout, new Error(`no answer within ${connectTimeout / 1000} s`))
    const onAbort = () => end(new Error("given up"))
    signal.addEventListener("abort", onAbort)
    socket.on("error", end)
    socket.once(
      "data",
      (data: Buffer) =>
        end(data.subarray(0, 5).toString() === "INFO " ? undefined : new Error("what answers there is no NATS server"))
    )
    socket.once("close", () => end(new Error("closed before a greeting")))
  })

/** One attempt to connect to one server; it reconnects not by itself. Rejects with what went wrong. */
export const natsDial = async (
  options: NatsOptions,
  address: NatsAddress,
  signal: AbortSignal
): Promise<NatsConnection> => {
  // Loaded only when it is used: a node on another bus starts without it.
  const client = await import("@nats-io/transport-node")
  const tls = await tlsOptions(options, address)
  const authenticators: Array<Authenticator> = []
  if (options.credentialsFile !== undefined) {
    authenticators.push(client.credsAuthenticator(await readFile(options.credentialsFile)))
  }
  if (options.nkeySeed !== undefined) {
    authenticators.push(client.nkeyAuthenticator(Buffer.from(Redacted.value(options.nkeySeed).trim())))
  }
  const user = options.user ?? address.user
  if (user !== undefined) {
    const password = options.password === undefined ? address.password : Redacted.value(options.password)
    authenticators.push(client.usernamePasswordAuthenticator(user, password ?? ""))
  }
  await greeting(address, tls, signal)
  const connection = await client.connect({
    servers: formatNatsAddress(address),
    name: options.name,
    noEcho: true,
    timeout: connectTimeout,
    reconnect: false,
    ignoreClusterUpdates: true,
    ...authenticators.length > 0 && { authenticator: authenticators },
    ...tls !== undefined && { tls }
  })
  if (signal.aborted) void connection.close()
  return connection
}
