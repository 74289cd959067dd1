import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { decided, doneRecord, readRecord, type Transition, transitionRecord } from "../../src/status/Transition.ts"
import { decision, target } from "./fixtures.ts"
import { proven } from "./proving.ts"

const transitions: fc.Arbitrary<Transition> = fc.oneof(
  fc.record({
    id: fc.string(),
    up: fc.boolean(),
    error: fc.string({ unit: "grapheme" }),
    data: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
    decidedAt: fc.integer(),
    votes: fc.dictionary(fc.string({ unit: "grapheme-ascii" }).map((name) => `n${name}`), fc.boolean(), {
      noNullPrototype: true
    }),
    after: fc.option(fc.record({ id: fc.string(), start: fc.integer() }), { nil: undefined })
  }).map(({ after, ...some }) => decided(decision(some), after)),
  fc.integer().map((at): Transition => ({ _tag: "Gone", target, at }))
)

describe("the records of the journal", () => {
  it("are read as they were written, each in one line", () => {
    fc.assert(fc.property(fc.nat(), transitions, (number, transition) => {
      const record = transitionRecord(number, transition)
      assert.notInclude(record, "\n")
      assert.deepStrictEqual(readRecord(record), { number, transition })
    }))
    assert.deepStrictEqual(readRecord(doneRecord(7)), { done: 7 })
  })

  it("keep what proves a decision whole, and the outage when a certificate is damaged", () => {
    const transition = decided(proven(3, 1_000, { late: true }))
    assert.deepStrictEqual(readRecord(transitionRecord(1, transition)), { number: 1, transition })
    const damaged = JSON.parse(transitionRecord(1, transition))
    damaged.status.proof.certificate.votes = "none"
    assert.deepStrictEqual(readRecord(JSON.stringify(damaged)), {
      number: 1,
      transition: decided({ ...proven(3, 1_000), proof: { seq: 3, late: true } })
    })
  })

  it("leave out data that is no JSON, not the outage", () => {
    for (const data of [1n, undefined, () => 1]) {
      assert.deepStrictEqual(readRecord(transitionRecord(1, decided(decision({ data })))), {
        number: 1,
        transition: decided(decision({ data: null }))
      })
    }
  })

  it("are nothing when they are something else", () => {
    for (const text of ["", "{", "null", "{}", '{"n":1}', '{"n":"1","status":{}}', '{"done":null}']) {
      assert.isUndefined(readRecord(text))
    }
  })
})
