import { assert, describe, it } from "@effect/vitest"
import { draw, hashText, weigh } from "../../src/steering/rendezvous.ts"

const scopes = Array.from({ length: 20_000 }, (_, i) => hashText(`10.${i >> 8}.${i & 255}.0/24`))

describe("rendezvous hashing", () => {
  it("draws on every node what it always drew", () => {
    assert.deepStrictEqual(
      [hashText(""), hashText("203.0.113.0/24"), draw(hashText("203.0.113.0/24"), hashText("Potomac Works"))],
      [2872998923, 3477977207, 1051324997]
    )
  })

  it("spreads neighbouring scopes evenly over members of like names", () => {
    const members = Array.from({ length: 7 }, (_, i) => hashText(`member-${i}`))
    const counts = members.map(() => 0)
    for (const scope of scopes) {
      const draws = members.map((member) => draw(scope, member))
      counts[draws.indexOf(Math.max(...draws))]!++
    }
    const expected = scopes.length / members.length
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 6 degrees of freedom: 22.5 is passed once in a thousand.
    assert.isBelow(chiSquare, 22.5)
  })

  it("weighs in order and stays finite at the ends", () => {
    for (const drawn of [0, 1, 2 ** 30, 2 ** 31 - 1]) {
      assert.isTrue(Number.isFinite(weigh(drawn, 1)))
      assert.isBelow(weigh(drawn, 1), 0)
      assert.isBelow(weigh(drawn, 1), weigh(drawn, 2))
    }
    assert.isBelow(weigh(1, 1), weigh(2, 1))
  })
})
