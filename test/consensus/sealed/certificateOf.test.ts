import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { certificateOf } from "../../../src/consensus/sealed/certificateOf.ts"
import { maxSpread, verify } from "../../../src/consensus/sealed/verify.ts"
import { monitors, rostersOf, start, target, vote } from "./fixtures.ts"

const make = (ages: ReadonlyArray<number>) =>
  certificateOf({
    cluster: "test",
    epoch: 1,
    target,
    seq: 1,
    votes: ages.map((age, i) => vote(monitors[i]!, { at: start - age })),
    quorum: 3
  })
const voters = (ages: ReadonlyArray<number>) => make(ages)?.votes.map(({ voter }) => voter)

describe("a certificate of votes", () => {
  it("is made of all that were observed within a minute", () => {
    assert.deepStrictEqual(voters([0, 10, maxSpread]), ["m1", "m2", "m3"])
    assert.isUndefined(voters([0, 10, maxSpread + 1]))
    assert.isUndefined(voters([0, 10]))
  })

  it("leaves out those too far from the others: the most, and of as many the newest", () => {
    assert.deepStrictEqual(voters([90_000, 0, 10, 20]), ["m2", "m3", "m4"])
    assert.deepStrictEqual(voters([0, 70_000, 70_010, 70_020]), ["m2", "m3", "m4"])
    assert.deepStrictEqual(voters([0, 40_000, 50_000, 80_000, 90_000]), ["m2", "m3", "m4", "m5"])
    assert.deepStrictEqual(voters([0, 50_000, 55_000, 100_000]), ["m1", "m2", "m3"])
  })

  it("always holds, and is there whenever there are enough within a minute", () => {
    const ages = fc.array(fc.integer({ min: 0, max: 150_000 }), { minLength: 5, maxLength: 5 })
    fc.assert(fc.property(ages, (ages) => {
      const made = make(ages)
      const enough = ages.some((from) => ages.filter((age) => age >= from && age - from <= maxSpread).length >= 3)
      assert.strictEqual(made !== undefined, enough)
      if (made !== undefined) assert.isTrue(Result.isSuccess(verify(made, undefined, rostersOf())))
    }))
  })
})
