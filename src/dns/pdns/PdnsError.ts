import * as Schema from "effect/Schema"

/** The socket or the address cannot be had. */
export class CannotServe extends Schema.TaggedError<CannotServe>()("CannotServe", {
  /** The path of the socket, or `address:port`. */
  where: Schema.String,
  /** As the system says it, e.g. `EACCES`. */
  code: Schema.String
}) {}

/** Somebody answers on the socket already. */
export class SocketInUse extends Schema.TaggedError<SocketInUse>()("SocketInUse", {
  path: Schema.String,
  /** Who says that they have it. */
  holder: Schema.String
}) {}

/** There is something else where the socket would be. */
export class NoSocket extends Schema.TaggedError<NoSocket>()("NoSocket", { path: Schema.String }) {}

/** `GeoDNS.Dns.PowerDnsHttp` is not `address:port`. */
export class BadHttp extends Schema.TaggedError<BadHttp>()("BadHttp", { listen: Schema.String }) {}

/** The keys of a zone cannot be used: without them it would be served unsigned. */
export class BadKeys extends Schema.TaggedError<BadKeys>()("BadKeys", {
  zone: Schema.String,
  file: Schema.String,
  problem: Schema.String
}) {}

const advice = (code: string): string => {
  switch (code) {
    case "EADDRINUSE":
      return "another process has it. Stop that one, or set another port in GeoDNS.Dns.PowerDnsHttp."
    case "EADDRNOTAVAIL":
      return "the address is not one of this machine. Set one that is in GeoDNS.Dns.PowerDnsHttp."
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "the user that runs geodns may not write there. Set another place, or correct the rights of the directory."
    case "ENOENT":
    case "ENOTDIR":
      return "its directory does not exist. Make it, or set another place in GeoDNS.Dns.PowerDnsSocket."
    case "ENAMETOOLONG":
    case "EINVAL":
      return "the path of a socket has at most 107 bytes. Set a shorter one in GeoDNS.Dns.PowerDnsSocket."
    default:
      return `the system says ${code}. Check GeoDNS.Dns.PowerDnsSocket and PowerDnsHttp.`
  }
}

/** PowerDNS cannot be answered. */
export class PdnsError extends Schema.TaggedError<PdnsError>()("PdnsError", {
  reason: Schema.Union([CannotServe, SocketInUse, NoSocket, BadHttp, BadKeys])
}) {
  override get message(): string {
    switch (this.reason._tag) {
      case "CannotServe":
        return `cannot listen for PowerDNS on ${this.reason.where}: ${advice(this.reason.code)}`
      case "SocketInUse":
        return `cannot listen for PowerDNS on ${this.reason.path}: ${this.reason.holder} answers there. Stop that, or set ` +
          "another path in GeoDNS.Dns.PowerDnsSocket."
      case "NoSocket":
        return `cannot listen for PowerDNS on ${this.reason.path}: a file that is no socket is there. Move it away, or set ` +
          "another path in GeoDNS.Dns.PowerDnsSocket."
      case "BadHttp":
        return `"${this.reason.listen}" is no place to listen for PowerDNS: write address:port, as 127.0.0.1:8053`
      case "BadKeys":
        return `the keys of ${this.reason.zone} cannot be used: ${this.reason.file}: ${this.reason.problem}. Correct the ` +
          "file, or take the zone out of GeoDNS.Dns.Keys: it is not served unsigned."
    }
  }
}
