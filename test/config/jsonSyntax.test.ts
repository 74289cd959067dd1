import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { excerpt, findSyntaxProblem, lineAndColumn, maskValues, maxDepth } from "../../src/config/jsonSyntax.ts"

const parses = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null
  } catch {
    return false
  }
}

/** JSON with a little damage: some letters gone, doubled or replaced. */
const damaged = fc.tuple(
  fc.json({ maxDepth: 4 }),
  fc.array(
    fc.tuple(fc.nat(), fc.constantFrom("", '"', ",", ":", "{", "}", "[", "]", "\\", "1", "e", "-", "\n", "\u0001"))
  )
).map(([json, damage]) =>
  damage.reduce((text, [at, letter]) => {
    const i = at % (text.length + 1)
    return text.slice(0, i) + letter + text.slice(i + 1)
  }, json)
)

describe("findSyntaxProblem", () => {
  it("agrees with JSON.parse about objects and lists", () => {
    fc.assert(
      fc.property(fc.oneof(damaged, fc.json({ maxDepth: 6 }), fc.string()), (text) => {
        const problem = findSyntaxProblem(text)
        assert.strictEqual(problem === undefined, parses(text), text)
        if (problem !== undefined) assert.isTrue(problem.offset >= 0 && problem.offset <= text.length)
      }),
      { numRuns: 2_000 }
    )
  })

  it("says where it went wrong, and what could stand there", () => {
    const cases: ReadonlyArray<readonly [text: string, offset: number, expected: RegExp]> = [
      ["", 0, /an object or a list/],
      ["12", 0, /an object or a list/],
      ["<!doctype html>", 0, /an object or a list/],
      ["{", 1, /a key in double quotes or }/],
      ['{"a" 1}', 5, /a colon/],
      ['{"a": 1,}', 8, /another key/],
      ["{'a': 1}", 1, /a key in double quotes/],
      ['{"a": tru}', 6, /a value/],
      ['{"a": 01}', 7, /a comma or }/],
      ["[1 2]", 3, /a comma or \]/],
      ["[1,]", 3, /a value/],
      ['["a\nb"]', 3, /a closing quote on the same line/],
      ['["a', 1, /a closing quote for the string that begins here/],
      ['["\\x"]', 2, /an escape/],
      ["{} x", 3, /the end of the document/],
      ['{"a": {}', 8, /a comma or }/]
    ]
    for (const [text, offset, expected] of cases) {
      const problem = findSyntaxProblem(text)
      assert.strictEqual(problem?.offset, offset, text)
      assert.match(problem?.expected ?? "", expected, text)
    }
  })

  it("bounds the nesting, without a stack that overflows", () => {
    assert.strictEqual(findSyntaxProblem("[".repeat(maxDepth) + "]".repeat(maxDepth)), undefined)
    assert.match(findSyntaxProblem("[".repeat(5_000_000))?.expected ?? "", /at most 64 levels/)
  })
})

describe("lineAndColumn, excerpt", () => {
  const text = '{\n  "a": 1,\n  "b" 2\n}'

  it("count from 1", () => {
    assert.deepStrictEqual(lineAndColumn(text, 0), { line: 1, column: 1 })
    assert.deepStrictEqual(lineAndColumn(text, text.indexOf("2")), { line: 3, column: 7 })
  })

  it("show the line only, short and without control characters", () => {
    assert.deepStrictEqual(excerpt(text, text.indexOf("2")), { before: '"b"', after: "2" })
    const long = `${"x".repeat(500)}\u0007\u001b[31m${"y".repeat(500)}`
    const { after, before } = excerpt(long, 502)
    assert.isAtMost(before.length + after.length, 110)
    assert.isTrue(before.startsWith("…") && after.endsWith("…"))
    assert.notMatch(before + after, /\p{Cc}/u)
  })

  it("work at any offset of any text", () => {
    fc.assert(fc.property(fc.string(), fc.nat(), (text, at) => {
      const offset = at % (text.length + 1)
      assert.isAtMost(excerpt(text, offset).before.length, 61)
      assert.isAtLeast(lineAndColumn(text, offset).column, 1)
    }))
  })
})

describe("maskValues", () => {
  it("leaves punctuation and known keys", () => {
    const known = new Set(["Nats", "Pass"])
    assert.strictEqual(
      maskValues('{"Nats": {"Pass": "hun"ter2", "odd": [1, true, hunter2', known),
      '{"Nats": {"Pass": "•"•", "•": [•, •, •'
    )
  })

  it("never shows a word of the text that is no known key, wherever it is cut", () => {
    const known = new Set(["Pass", "User"])
    const secret = fc.stringMatching(/^[a-z0-9!$%]{4,12}$/)
    fc.assert(fc.property(secret, fc.constantFrom('"', ",", ":", " ", "\\"), fc.nat(), (secret, middle, cut) => {
      const text = `{ "User": "u", "Pass": "${secret}${middle}${secret}", "User" "${secret}": ${secret} }`
      assert.notInclude(maskValues(text.slice(cut % text.length), known), secret)
    }))
  })
})
