import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import { Texts } from "../../src/domain/documents/Field.ts"

describe("Texts", () => {
  it("decodes and refuses exactly what a usual list of texts does, with the same words", () => {
    const usual = Schema.Array(Schema.String)
    const value = fc.oneof(
      fc.array(fc.string()),
      fc.array(fc.oneof({ weight: 5, arbitrary: fc.string() }, fc.anything())),
      fc.anything()
    )
    const outcome = (schema: Schema.ConstraintDecoder<unknown>, value: unknown, errors: "all" | "first") =>
      Result.mapError(Schema.decodeUnknownResult(schema)(value, { errors }), (error) => error.message)
    fc.assert(fc.property(value, fc.constantFrom("all" as const, "first" as const), (value, errors) => {
      const within = (list: Schema.ConstraintDecoder<ReadonlyArray<string>>) =>
        Schema.Struct({ A: Schema.Record(Schema.String, list) })
      assert.deepStrictEqual(outcome(Texts, value, errors), outcome(usual, value, errors))
      const deep = { A: { x: ["ok"], y: value } }
      assert.deepStrictEqual(outcome(within(Texts), deep, errors), outcome(within(usual), deep, errors))
    }))
  })

  it("refuses a list with holes", () => {
    assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Texts)(new Array(2))))
  })

  it("is written as it is read", () => {
    assert.deepStrictEqual(Schema.encodeSync(Texts)(["a", ""]), ["a", ""])
  })
})
