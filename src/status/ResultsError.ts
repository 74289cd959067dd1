import * as Schema from "effect/Schema"

/** `DnsApi.MonitorAddress` is not set. */
export class NoMonitor extends Schema.TaggedError<NoMonitor>()("NoMonitor", {}) {}

/** `DnsApi.MonitorAddress` is no host, address or URL. */
export class BadAddress extends Schema.TaggedError<BadAddress>()("BadAddress", {}) {}

/** There was no answer, or it broke off. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", { detail: Schema.String }) {}

/** It did not answer in time. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", { seconds: Schema.Finite }) {}

/** It answered something else than 200. */
export class BadStatus extends Schema.TaggedError<BadStatus>()("BadStatus", { status: Schema.Int }) {}

/** The answer is longer than we read. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}

/** The answer are no results. */
export class NoResults extends Schema.TaggedError<NoResults>()("NoResults", {}) {}

/** The answer is what the monitor itself saw, unvoted. */
export class NotOfficial extends Schema.TaggedError<NotOfficial>()("NotOfficial", {}) {}

/** The results of a monitor could not be read. */
export class ResultsError extends Schema.TaggedError<ResultsError>()("ResultsError", {
  /** `host:port` of the monitor, `""` when there is none. */
  host: Schema.String,
  reason: Schema.Union([NoMonitor, BadAddress, Unreachable, TimedOut, BadStatus, TooLarge, NoResults, NotOfficial])
}) {
  override get message(): string {
    const { host, reason } = this
    switch (reason._tag) {
      case "NoMonitor":
        return "no monitor is configured: set DnsApi.MonitorAddress and DnsApi.MonitorPort"
      case "BadAddress":
        return "DnsApi.MonitorAddress is no host name, address or http(s) URL"
      case "Unreachable":
        return `${host} gives no results: ${reason.detail}`
      case "TimedOut":
        return `${host} did not answer within ${reason.seconds} s`
      case "BadStatus":
        return reason.status === 503
          ? `${host} has no results yet (status 503)`
          : `${host} answers with status ${reason.status}: is this the API of a monitor?`
      case "TooLarge":
        return `the answer of ${host} is longer than ${reason.limit} bytes`
      case "NoResults":
        return `what ${host} answers at /results are no results: is this the API of a monitor?`
      case "NotOfficial":
        return `${host} has only what it sees itself, and no official status yet`
    }
  }
}
