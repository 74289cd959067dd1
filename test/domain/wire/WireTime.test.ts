import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as fc from "fast-check"
import { noTime, WireTime } from "../../../src/domain/wire/WireTime.ts"

const encode = Schema.encodeSync(WireTime)

describe("WireTime", () => {
  it("is written as toISOString writes it, from the year 0 to 9999", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.parse("0000-01-01T00:00:00Z"), max: Date.parse("9999-12-31T23:59:59.999Z") }),
        (millis) => assert.strictEqual(encode(millis), new Date(millis).toISOString())
      ),
      { numRuns: 2_000, examples: [[noTime], [0], [-1], [Date.parse("2024-02-29T23:59:59.999Z")]] }
    )
  })

  it("cuts what is finer than a millisecond, on both sides of 1970", () => {
    for (const millis of [1_776_000_000_000.75, -0.5, -1.5]) {
      assert.strictEqual(encode(millis), new Date(millis).toISOString())
    }
  })
})
