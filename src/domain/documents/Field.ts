import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaCompiler from "effect/schema/SchemaCompiler"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** A key that may be missing: `value` then stands for it, and is named as its default where settings are described. */
export const withDefault = <S extends Schema.Constraint>(schema: S, value: S["Encoded"]) =>
  Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(schema).annotateKey({ default: value })

/** Free text, `""` when the key is missing. */
export const Text = withDefault(Schema.String, "")

/** A list of free texts. Long ones are common: members list all that they serve. */
export const Texts = Schema.Array(Schema.String)

const isTexts = (input: unknown): boolean => {
  if (!Array.isArray(input)) return false
  // By index, as it is usually done: a hole is no text.
  for (let i = 0; i < input.length; i++) if (typeof input[i] !== "string") return false
  return true
}

// The rule is the same, without a parser run for each item; what is no list of texts is told by the usual one.
SchemaCompiler.set(Texts.ast, {
  decode: (input) => isTexts(input) ? input : SchemaCompiler.invalid,
  decodeEffect: SchemaParser.decodeUnknownEffect(Schema.Array(Schema.String))
})

/** A secret: redacted from decoding on, empty when the key is missing. */
export const Secret = withDefault(Schema.RedactedFromValue(Schema.String), "")

/** A switch written as 0 or 1. */
export const Switch = Schema.Literals([0, 1]).pipe(
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform<boolean, 0 | 1>({ decode: (n) => n === 1, encode: (b) => b ? 1 : 0 })
  )
)

/** A port written as a string (v2) or a number; `0` lets the system choose. Empty or missing means "not set". */
export const PortText = Schema.Union([Schema.String, Schema.Int]).pipe(
  Schema.decodeTo(
    Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))),
    SchemaTransformation.transform<number | null, string | number>({
      decode: (p) => typeof p === "number" ? p : p === "" ? null : /^\d+$/.test(p) ? Number(p) : Number.NaN,
      encode: (p) => p === null ? "" : String(p)
    })
  ),
  (port) => withDefault(port, "")
)

/** A number of seconds or milliseconds that must be positive. */
export const Positive = Schema.Finite.check(Schema.isGreaterThan(0))

/** A number that may be zero. */
export const NonNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
