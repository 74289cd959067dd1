import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** A string that Go may leave out or send as null: both mean `""`. */
export const Text = Schema.NullOr(Schema.String).pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transform({ decode: (s: string | null) => s ?? "", encode: (s: string) => s as string | null })
  ),
  Schema.withDecodingDefaultKey(Effect.succeed(""))
)

/** A boolean that Go may leave out: missing means false (a vote without `Agree` counts as no). */
export const Flag = Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false)))

/** A node id or message id: never empty, at most 256 characters. */
export const Id = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(256))

/** Free data that a probe measured; `null` when there is none. Never evidence. */
export const Data = Schema.Unknown.pipe(Schema.withDecodingDefaultKey(Effect.succeed(null)))

/** A list that Go writes as `null` when it is empty. We always write `[]`. */
export const List = <S extends Schema.Constraint>(item: S) =>
  Schema.NullOr(Schema.Array(item)).pipe(
    Schema.decodeTo(
      Schema.toType(Schema.Array(item)),
      SchemaTransformation.transform<ReadonlyArray<S["Type"]>, ReadonlyArray<S["Type"]> | null>({
        decode: (items) => items ?? [],
        encode: (items) => items
      })
    ),
    Schema.withDecodingDefaultKey(Effect.succeed(null))
  )
