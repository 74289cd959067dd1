import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { spread } from "../../src/bus/NatsConnector.ts"

describe("the pause before a client connects again", () => {
  it("is never shorter than it has to be, nor much longer, and differs from node to node", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(fc.property(fc.integer({ min: 0, max: 10_000 }), random, (pause, random) => {
      const total = spread(pause, random)
      assert.isAtLeast(total, pause)
      assert.isAtMost(total, pause + Math.max(500, pause / 4))
    }))
    // After a connection that lasted everybody is free to come back at once.
    assert.deepStrictEqual([spread(0, 0), spread(0, 0.5), spread(2_000, 0.5), spread(10_000, 0.5)], [
      0,
      250,
      2_250,
      11_250
    ])
  })
})
