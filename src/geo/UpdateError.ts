import * as Schema from "effect/Schema"

/** No answer, or one that ended too early. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", { detail: Schema.String }) {}

/** Account or key are refused. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", { status: Schema.Int }) {}

/** The provider has no such edition. */
export class UnknownEdition extends Schema.TaggedError<UnknownEdition>()("UnknownEdition", {}) {}

/** Too many downloads, says the provider. */
export class TooMany extends Schema.TaggedError<TooMany>()("TooMany", {
  /** Milliseconds that it asks us to wait. */
  retryAfter: Schema.UndefinedOr(Schema.Finite)
}) {}

/** Another answer than was asked for. */
export class BadAnswer extends Schema.TaggedError<BadAnswer>()("BadAnswer", { detail: Schema.String }) {}

/** It took too long. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", { what: Schema.String }) {}

/** More than can be true, packed or unpacked. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", {
  what: Schema.String,
  /** Bytes. */
  limit: Schema.Int
}) {}

/** The archive cannot be unpacked, or holds what it must not. */
export class BadArchive extends Schema.TaggedError<BadArchive>()("BadArchive", { detail: Schema.String }) {}

/** What came is not what the provider says that it sent. */
export class BadChecksum extends Schema.TaggedError<BadChecksum>()("BadChecksum", {}) {}

/** What was in the archive cannot be used. */
export class BadDatabase extends Schema.TaggedError<BadDatabase>()("BadDatabase", { detail: Schema.String }) {}

/** The directory does not take the file. */
export class Unwritable extends Schema.TaggedError<Unwritable>()("Unwritable", { detail: Schema.String }) {}

/** What is kept beside the databases cannot be read: going on without it would forget what was downloaded. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { detail: Schema.String }) {}

/** `GeoDNS.GeoIp.DownloadsPerDay` are done, or the share of this edition in them. */
export class UsedUp extends Schema.TaggedError<UsedUp>()("UsedUp", {
  perDay: Schema.Int,
  /** Whether there are some left, which the other editions have a claim on. */
  isShare: Schema.Boolean,
  /** Milliseconds since the epoch: when there is one again. */
  until: Schema.Finite
}) {}

/** Another process updates the same directory. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", { detail: Schema.String }) {}

/** The settings name nobody who could ask the provider. */
export class NoAccount extends Schema.TaggedError<NoAccount>()("NoAccount", { missing: Schema.Array(Schema.String) }) {}

/** Why an update did not happen. */
export const UpdateReason = Schema.Union([
  Unreachable,
  Refused,
  UnknownEdition,
  TooMany,
  BadAnswer,
  TimedOut,
  TooLarge,
  BadArchive,
  BadChecksum,
  BadDatabase,
  Unwritable,
  Unreadable,
  UsedUp,
  Busy,
  NoAccount
])
export type UpdateReason = typeof UpdateReason.Type

const describe = (reason: UpdateReason): string => {
  switch (reason._tag) {
    case "Unreachable":
      return `no answer from the provider (${reason.detail})`
    case "Refused":
      return `the provider refuses the account (status ${reason.status}): check Maxmind.AccountID and Maxmind.LicenseKey`
    case "UnknownEdition":
      return "the provider has no such edition for this account: check GeoDNS.GeoIp.Editions and GeoDNS.GeoIp.Url"
    case "TooMany":
      return "the provider allows no more downloads for now: do other nodes use the same account?"
    case "BadAnswer":
      return `the provider answers wrongly: ${reason.detail}`
    case "TimedOut":
      return `${reason.what} took too long`
    case "TooLarge":
      return `${reason.what} is larger than ${Math.round(reason.limit / 1024 / 1024)} MiB`
    case "BadArchive":
      return `the archive cannot be used: ${reason.detail}`
    case "BadChecksum":
      return "the archive is damaged: its checksum is not the one of the provider"
    case "BadDatabase":
      return `what was downloaded cannot be used: ${reason.detail}`
    case "Unwritable":
      return reason.detail
    case "Unreadable":
      return `${reason.detail}. It keeps how many downloads were made: make it readable for the user that runs geodns, or ` +
        "remove it"
    case "UsedUp":
      return (reason.isShare
        ? `there is a newer one, but this edition has used its share of the ${reason.perDay} downloads within 24 hours `
        : `there is a newer one, but ${reason.perDay} downloads were made within 24 hours `) +
        `(GeoDNS.GeoIp.DownloadsPerDay); the next is possible at ${new Date(reason.until).toISOString()}`
    case "Busy":
      return `another process updates this directory: ${reason.detail}`
    case "NoAccount":
      return `there is no ${reason.missing.join(" and no ")}`
  }
}

/** A GeoIP database was not updated. What was there before is still in use. */
export class UpdateError extends Schema.TaggedError<UpdateError>()("UpdateError", {
  /** Which one; `""` for all. */
  edition: Schema.String,
  reason: UpdateReason
}) {
  override get message(): string {
    return `${this.edition === "" ? "the GeoIP databases are" : `${this.edition} is`} not updated: ${
      describe(this.reason)
    }`
  }
}
