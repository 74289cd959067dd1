import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import fc from "fast-check"
import { decodeOrTell, parseOrTell } from "../../src/config/decodeOrTell.ts"

const Thing = Schema.Struct({
  name: Schema.String.check(Schema.isMaxLength(3)),
  parts: Schema.Array(Schema.Struct({ size: Schema.Int })).check(Schema.isMaxLength(2)),
  note: Schema.optionalKey(Schema.String)
})
const problem = (value: unknown) =>
  Result.match(decodeOrTell(Thing, value), { onFailure: (text) => text, onSuccess: () => "" })

describe("what a file should hold", () => {
  it("is decoded, or the first that is wrong is told, and where", () => {
    const good = { name: "a", parts: [{ size: 1 }] }
    assert.strictEqual(problem({ ...good, else: 1 }), "")
    assert.strictEqual(problem(7), "expected an object, found 7")
    assert.strictEqual(problem({ parts: [] }), "name: expected a value, found nothing")
    assert.strictEqual(
      problem({ ...good, parts: [{ size: 1 }, { size: "x" }] }),
      `parts[1].size: expected a number, found "x"`
    )
    assert.strictEqual(problem({ else: 1, ...good, note: 1 }), "note: expected a text, found 1")
    assert.match(problem({ ...good, name: "abcd" }), /^name: expected .* 3, found "abcd"$/)
    assert.match(problem({ ...good, parts: [1, 2, 3].map((size) => ({ size })) }), /^parts: expected .* 2$/)
  })

  it("is told of in one line whatever it is, without what a terminal obeys", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      assert.notMatch(problem(value), /[\u0000-\u001f]/)
      assert.isTrue(Result.isSuccess(parseOrTell(JSON.stringify(value))))
    }))
  })

  it("is JSON, or it is told where it is none, and nothing of it is repeated", () => {
    const problem = (text: string) => Result.match(parseOrTell(text), { onFailure: (text) => text, onSuccess: String })
    assert.strictEqual(
      problem("-----BEGIN PRIVATE KEY-----\nsecret"),
      "it is no JSON: line 1, column 1: expected an object or a list: { or ["
    )
    assert.match(problem(`{\n "a": secret }`), /^it is no JSON: line 2, column 7: expected a value$/)
    assert.match(problem(""), /^it is no JSON: line 1, column 1: /)
  })
})
