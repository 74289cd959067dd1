import * as Schema from "effect/Schema"

/** The address is taken, not one of this machine, or needs more rights. `code` is that of the system, as `EADDRINUSE`. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  /** `host:port` as asked for. */
  address: Schema.String,
  code: Schema.String
}) {}

/** The certificate and its key cannot be used. */
export class BadCertificate extends Schema.TaggedError<BadCertificate>()("BadCertificate", {
  /** What is wrong, in which file. Shows nothing of the key. */
  problem: Schema.String
}) {}

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there already; stop it or choose another port",
  EACCES: "this user may not; choose a port from 1024 on, or give the process the right (CAP_NET_BIND_SERVICE)",
  EADDRNOTAVAIL: "no interface of this machine has that address",
  ENOTFOUND: "that host name has no address; give an IP address of this machine",
  ERR_SOCKET_BAD_PORT: "a port is a whole number from 0 to 65535"
}

/** The HTTP API cannot run. A node never goes on without it in silence. */
export class HttpError extends Schema.TaggedError<HttpError>()("HttpError", {
  reason: Schema.Union([CannotListen, BadCertificate])
}) {
  override get message(): string {
    if (this.reason._tag === "BadCertificate") {
      return `The HTTP API cannot use the files of GeoDNS.Http.Tls: ${this.reason.problem}`
    }
    const { address, code } = this.reason
    return `The HTTP API cannot listen on ${address} (${code}): ${advice[code] ?? "the system refused"}`
  }
}
