import * as Schema from "effect/Schema"

/** The address is taken, not ours, or needs more rights. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  /** `address:port` */
  address: Schema.String,
  transport: Schema.Literals(["UDP", "TCP"]),
  /** As the system says it, e.g. `EADDRINUSE`. */
  code: Schema.String
}) {}

/** What is configured is not `address:port`. */
export class BadListen extends Schema.TaggedError<BadListen>()("BadListen", { listen: Schema.String }) {}

const advice = (code: string): string => {
  switch (code) {
    case "EADDRINUSE":
      return "another process has it. Stop that one, or set another port in GeoDNS.Dns.Listen (0 takes a free one)."
    case "EACCES":
      return "ports below 1024 need more rights. Give the process CAP_NET_BIND_SERVICE, or listen on a higher port and " +
        "redirect port 53 to it."
    case "EADDRNOTAVAIL":
      return "the address is not one of this machine. Set one that is in GeoDNS.Dns.Listen ([::] stands for all)."
    default:
      return `the system says ${code}. Check GeoDNS.Dns.Listen.`
  }
}

/** The embedded DNS server cannot run. */
export class DnsError extends Schema.TaggedError<DnsError>()("DnsError", {
  reason: Schema.Union([CannotListen, BadListen])
}) {
  override get message(): string {
    return this.reason._tag === "BadListen"
      ? `"${this.reason.listen}" is no place to listen for DNS: write address:port, as 127.0.0.1:5300 or [::]:53`
      : `cannot listen for DNS on ${this.reason.address} (${this.reason.transport}): ${advice(this.reason.code)}`
  }
}
