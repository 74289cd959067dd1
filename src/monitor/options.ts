import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 }))

/** The keys of `ExtraOptions` that say what is looked at; every probe takes them. */
export const TargetOptions = Schema.Struct({
  /** Only services of these types. */
  ServiceTypes: Schema.optionalKey(Schema.Array(Schema.String)),
  /** The port to dial, instead of the URL's. */
  Port: Schema.optionalKey(Port),
  /** For sites and domains, which have no URL of their own: `https` when missing. */
  Scheme: Schema.optionalKey(Schema.Literals(["http", "https"])),
  /** For sites and domains: `/` when missing. */
  Path: Schema.optionalKey(Schema.String.check(Schema.isStartingWith("/")))
})
export type TargetOptions = typeof TargetOptions.Type

/** A time or size that must be positive. */
export const Positive = Schema.Finite.check(Schema.isGreaterThan(0))

/** Seconds for the connection, TLS included: 10 when missing (5 for `ssl`). */
export const ConnectTimeout = Schema.optionalKey(Positive)

/** Takes a certificate chain that leads to nobody we trust; no when missing. */
export const AllowUntrusted = Schema.optionalKey(Schema.Boolean)

/** Milliseconds that a connection may take: some of the check's time is left to say that it was the connection. */
export const connectWithin = (
  options: { readonly ConnectTimeout?: number },
  timeout: number,
  usual = 10
): number => Math.round(Math.min((options.ConnectTimeout ?? usual) * 1000, 0.9 * timeout))

/**
 * Milliseconds after which a probe that asks several things stops and says what it knows: a little before the deadline of
 * the check, which would leave nothing to say.
 */
export const sayBy = (timeout: number): number => Math.round(0.95 * timeout)

/** The names of the options that a probe reads, beside `TargetOptions`. */
export const optionNames = (schema: { readonly fields: object }): ReadonlyArray<string> => Object.keys(schema.fields)

/** Reads options; the failure has one line for each thing that is wrong. */
export const readOptions = <A, I>(
  schema: Schema.Codec<A, I>,
  options: Readonly<Record<string, unknown>>
): Result.Result<A, ReadonlyArray<string>> =>
  Result.mapError(
    Schema.decodeUnknownResult(schema)(options, { errors: "all" }),
    (error) => error.message.replaceAll(/\n\s+at /g, " at ").split("\n")
  )
