import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { capWindow, removalCap, removalTimes } from "../../src/steering/removalCap.ts"

const now = 1_000_000

const removals = fc.uniqueArray(
  fc.record({ member: fc.string({ minLength: 1, maxLength: 3 }), decidedAt: fc.nat(now + 300_000) })
    .map((removal) => ({ ...removal, since: Math.min(removal.decidedAt, now) })),
  { maxLength: 20, selector: ({ member }) => member }
)

describe("removalCap", () => {
  it.each([[0, 1], [1, 1], [2, 1], [5, 1], [6, 2], [8, 2], [9, 3], [30, 10]])("of %i members: %i", (members, cap) => {
    assert.strictEqual(removalCap(members), cap)
  })

  it.each([[100, 0.29, 29], [10, 0.1, 1], [10, 0, 1], [10, 1, 10], [7, 0.5, 3]])(
    "of %i members with a share of %d: %i",
    (members, share, cap) => assert.strictEqual(removalCap(members, share), cap)
  )
})

describe("removalTimes", () => {
  it("never lets more go within a minute than may", () => {
    fc.assert(fc.property(removals, fc.integer({ min: 1, max: 5 }), (removals, cap) => {
      const times = [...removalTimes(removals, cap).values()].sort((a, b) => a - b)
      times.forEach((time, i) => {
        if (i >= cap) assert.isAtLeast(time - times[i - cap]!, capWindow)
      })
    }))
  })

  it("lets each go as soon as that allows, the oldest first, wherever they are in the list", () => {
    fc.assert(fc.property(removals, fc.integer({ min: 1, max: 5 }), (removals, cap) => {
      const times = removalTimes(removals, cap)
      assert.deepStrictEqual([...removalTimes([...removals].reverse(), cap)], [...times])
      let newest = 0
      for (const [i, [member, time]] of [...times].entries()) {
        const { decidedAt, since } = removals.find((removal) => removal.member === member)!
        assert.isAtLeast(decidedAt, newest)
        newest = decidedAt
        // At most one window for every `cap` members before it.
        assert.isAtLeast(time, since)
        assert.isAtMost(time, since + Math.floor(i / cap) * capWindow)
      }
    }))
  })

  it("goes by who decided first, also among decisions of fast clocks that were heard of at once", () => {
    const removals = [{ member: "A", decidedAt: now + 9_000, since: now }, {
      member: "B",
      decidedAt: now + 8_000,
      since: now
    }]
    assert.deepStrictEqual([...removalTimes(removals, 1)], [["B", now], ["A", now + capWindow]])
  })
})
