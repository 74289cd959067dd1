import * as Context from "effect/Context"
import * as Schema from "effect/Schema"

/** The address is taken, not ours, or needs more rights. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  address: Schema.String,
  code: Schema.String
}) {}

/** The zone data cannot be served. */
export class BadZone extends Schema.TaggedError<BadZone>()("BadZone", { problems: Schema.Array(Schema.String) }) {}

/** The embedded DNS server cannot run. */
export class DnsError extends Schema.TaggedError<DnsError>()("DnsError", {
  reason: Schema.Union([CannotListen, BadZone])
}) {}

/** The embedded authoritative server, over UDP and TCP. It runs as long as its layer. */
export class DnsServer extends Context.Service<DnsServer, {
  /** Where it listens, with the port that the system chose when 0 was asked for. */
  readonly host: string
  readonly port: number
}>()("effect-geodns/dns/DnsServer") {}
