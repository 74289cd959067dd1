import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { isTooDeep } from "../../src/config/jsonSyntax.ts"
import { readInParts } from "../../src/config/readInParts.ts"

/** How it is read in parts of a length, and how many turns others had. */
const read = (text: string, partLength: number) => {
  const parts = readInParts(text, partLength)
  let turns = 0
  for (;;) {
    const step = parts.next()
    if (step.done === true) return { value: step.value, turns }
    turns++
  }
}

/** What is expected: nothing for what is no object and no list. */
const whole = (text: string): unknown => {
  try {
    const value: unknown = isTooDeep(text) ? undefined : JSON.parse(text)
    return typeof value === "object" && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const lengths = fc.constantFrom(0, 1, 7, 40, 1_000)

describe("reading in parts", () => {
  it("gives what reading the whole gives, keys in their order", () => {
    // No keys with escapes: Node 24.21 reads the key of '{"\\"":1}' as a backslash once it has read '{"\\\\":1}'.
    const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "1", "{,}", "[", ":"))
      .map((text) => text.replaceAll(/["\\]/g, "'"))
    const value = fc.anything({
      key,
      maxDepth: 3,
      values: [fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)]
    })
    const object = fc.oneof(fc.dictionary(key, value), fc.array(value))
    fc.assert(fc.property(object, fc.constantFrom(0, 1, "\t"), lengths, (value, space, length) => {
      const text = JSON.stringify(value, undefined, space)
      const { value: found } = read(text, length)
      assert.strictEqual(JSON.stringify(found), JSON.stringify(JSON.parse(text)))
    }))
  })

  it("takes nothing that is no JSON, wherever it is broken", () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      '"a"',
      '"a":1',
      '"b":[1,{"c":2}]',
      '"\\\\"',
      "\\",
      " ",
      "\n",
      "\u00a0",
      "null",
      "0"
    )
    const broken = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
      fc.array(piece, { maxLength: 12 }).map((pieces) => `{${pieces.join("")}}`),
      fc.array(piece, { maxLength: 12 }).map((pieces) => `[${pieces.join("")}]`),
      fc.array(fc.constantFrom("1", "[2]", '{"c":2}', '"]"', ""), { maxLength: 6 }).map((them) => `[${them}]`),
      fc.array(fc.constantFrom('"a":1', '"b":[1,{"c":2}]', '"a":"}"', ""), { maxLength: 6 }).map((them) => `{${them}}`),
      fc.tuple(fc.json(), fc.nat(50), piece).map(([text, at, put]) => text.slice(0, at) + put + text.slice(at + 1))
    )
    fc.assert(
      fc.property(broken, lengths, (text, length) => {
        assert.deepStrictEqual(read(text, length).value, whole(text))
      }),
      { numRuns: 3_000 }
    )
  })

  it("keeps the last of two values of one key, and refuses what is nested too deeply", () => {
    assert.deepStrictEqual(read('{"a":1,"b":2,"a":3}', 0).value, { a: 3, b: 2 })
    assert.isUndefined(read(`{"a":${"[".repeat(64)}${"]".repeat(64)}}`, 0).value)
    assert.isDefined(read(`{"a":${"[".repeat(63)}${"]".repeat(63)}}`, 0).value)
  })

  it("lets others have their turn", () => {
    const text = JSON.stringify(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key ${i}`, [1, 2, 3]])))
    assert.isAbove(read(text, 100).turns, 15)
    assert.isAbove(read(JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ i }))), 50).turns, 10)
    assert.strictEqual(read(text, 1e6).turns, 0)
  })
})
