import { assert, describe, it } from "@effect/vitest"
import { Equal, Redacted } from "effect"
import * as fc from "fast-check"
import { diffKeys } from "../../src/config/diff.ts"

const isSame = (a: unknown, b: unknown): boolean => diffKeys({ it: a }, { it: b }).changed.length === 0

describe("diffKeys", () => {
  it("tells what was added, removed and changed, whatever the order of keys", () => {
    assert.deepStrictEqual(
      diffKeys({ a: { x: 1, y: [1, 2] }, b: { x: 1 }, c: 0 }, { d: 0, b: { x: 2 }, a: { y: [1, 2], x: 1 } }),
      { added: ["d"], removed: ["c"], changed: ["b"] }
    )
    // A name that every object has is no key of the document.
    assert.deepStrictEqual(diffKeys({}, { toString: 1 }), { added: ["toString"], removed: [], changed: [] })
  })

  it("compares values as Equal does", () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      assert.strictEqual(isSame(a, b), Equal.equals(a, b))
      assert.isTrue(isSame(a, JSON.parse(JSON.stringify(a))))
    }))
    for (
      const [a, b] of [[[], {}], [[1], [1, 2]], [{ a: undefined }, {}], [{ a: undefined }, { b: undefined }], [
        null,
        {}
      ]]
    ) {
      assert.isFalse(isSame(a, b))
    }
  })

  it("compares secrets by what they hide", () => {
    const holding = (secret: string) => ({ Pass: Redacted.make(secret) })
    assert.isTrue(isSame(holding("one"), holding("one")))
    assert.isFalse(isSame(holding("one"), holding("two")))
    assert.isFalse(isSame(holding("one"), { Pass: "one" }))
  })
})
