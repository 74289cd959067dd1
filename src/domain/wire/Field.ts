import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { CheckType } from "../Target.ts"

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

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * Free data that a probe measured: an object, or `null` when there is none. Never evidence. Go refuses a whole message
 * with anything else there, so anything else is read as `null`, and written as `null`.
 */
export const Data = Schema.Unknown.pipe(
  Schema.decodeTo(
    Schema.Unknown,
    SchemaTransformation.transform<unknown, unknown>({
      decode: (value) => isObject(value) ? value : null,
      encode: (value) => isObject(value) ? value : null
    })
  ),
  Schema.withDecodingDefaultKey(Effect.succeed(null))
)

const byNumber = { 1: "site", 2: "domain", 3: "endpoint" } as const

/** The check type. v2 stores it as 1, 2, 3, and a node that sends it so is understood; we write the name. */
export const WireCheckType = Schema.Union([CheckType, Schema.Literals([1, 2, 3])]).pipe(
  Schema.decodeTo(
    CheckType,
    SchemaTransformation.transform<CheckType, CheckType | 1 | 2 | 3>({
      decode: (type) => typeof type === "number" ? byNumber[type] : type,
      encode: (type) => type
    })
  )
)

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
