import * as Redacted from "effect/Redacted"
import type { Local } from "../domain/documents/Local.ts"

/** TLS beyond what the system trusts. Paths are read at every attempt to connect, so that renewed files count. */
export interface NatsTls {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  /** For servers with `handshake_first`. */
  readonly handshakeFirst?: boolean
}

/** How a client reaches the broker. */
export interface NatsOptions {
  /** `nats://host:port`, `tls://host:port` or `host:port`; one that answers is taken. A user in a URL counts for it. */
  readonly servers: ReadonlyArray<string>
  /** What the broker shows of us. */
  readonly name: string
  readonly user?: string
  readonly password?: Redacted.Redacted
  /** The seed of an nkey, `SU…`. */
  readonly nkeySeed?: Redacted.Redacted
  /** A file with a JWT and a seed, as `nsc` makes it; read at every attempt to connect. */
  readonly credentialsFile?: string
  /** Given, even empty, it refuses to talk without TLS. */
  readonly tls?: NatsTls
}

/** The broker of v2's documents when `Nats.Url` says nothing. */
const defaultServer = "nats://127.0.0.1:4222"

/** The options that the local document gives. `place` makes a path of one that counts from the place of the document. */
export const natsOptions = (
  local: Pick<Local, "Nats" | "GeoDNS">,
  place: (path: string) => string
): NatsOptions => {
  const { NodeID, Pass, Url, User } = local.Nats
  const { CredentialsFile, NKeySeed, Tls } = local.GeoDNS.Nats
  const servers = Url.split(",").map((server) => server.trim()).filter((server) => server !== "")
  return {
    servers: servers.length > 0 ? servers : [defaultServer],
    name: NodeID === "" ? "geodns" : NodeID,
    ...User !== "" && { user: User },
    ...Redacted.value(Pass) !== "" && { password: Pass },
    ...NKeySeed !== undefined && { nkeySeed: NKeySeed },
    ...CredentialsFile !== undefined && { credentialsFile: place(CredentialsFile) },
    ...Tls !== undefined && {
      tls: {
        ...Tls.CaFile !== undefined && { caFile: place(Tls.CaFile) },
        ...Tls.CertFile !== undefined && { certFile: place(Tls.CertFile) },
        ...Tls.KeyFile !== undefined && { keyFile: place(Tls.KeyFile) },
        handshakeFirst: Tls.HandshakeFirst
      }
    }
  }
}
