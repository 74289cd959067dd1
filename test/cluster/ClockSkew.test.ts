import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { clockProblems } from "../../src/cluster/clockProblems.ts"
import { ClockSkew, judgeClocks, maxMeasured, toleratedSkew } from "../../src/cluster/ClockSkew.ts"
import { noTime } from "../../src/domain/wire/WireTime.ts"

const began = Date.parse("2026-04-21T08:00:00Z")
const everybody = () => true

/** Hears of nodes on our time. `off` is by how much the clock of the sender is ahead, `delay` how long its message took. */
const hear = (clocks: ClockSkew, node: string, at: number, off: number, delay = 0) =>
  clocks.heard(node, began + at - delay + off, began + at, at)

const skewOf = (clocks: ClockSkew, node: string, at: number) => clocks.measured(everybody, began + at, at).get(node)

describe("ClockSkew", () => {
  it("takes the message that looks youngest: delay makes them look older only", () => {
    fc.assert(fc.property(
      fc.integer({ min: -100_000, max: 100_000 }),
      fc.array(fc.integer({ min: 0, max: 3_600_000 }), { minLength: 3, maxLength: 40 }),
      (off, delays) => {
        const clocks = new ClockSkew()
        delays.forEach((delay, i) => hear(clocks, "a", i * 15_000, off, delay))
        // Only the last five to ten minutes count.
        const skew = skewOf(clocks, "a", (delays.length - 1) * 15_000)!
        assert.isAtMost(skew, off)
        assert.isTrue(delays.slice(-20).every((delay) => skew >= off - delay))
      }
    ))
  })

  it("says nothing after one burst, as of a node that was stopped, nor by times that are none", () => {
    const clocks = new ClockSkew()
    for (let at = 0; at < 1_000; at++) hear(clocks, "a", at, 0, 60_000)
    assert.isUndefined(skewOf(clocks, "a", 1_000))
    hear(clocks, "a", 31_000, 0)
    assert.strictEqual(skewOf(clocks, "a", 31_000), 0)
    for (let at = 0; at < 100_000; at += 10_000) clocks.heard("b", noTime, began + at, at)
    assert.isUndefined(skewOf(clocks, "b", 100_000))
  })

  it("forgets within ten minutes what a clock was before it was set, and who is silent or not known any more", () => {
    const clocks = new ClockSkew()
    for (let at = 0; at <= 300_000; at += 30_000) hear(clocks, "a", at, 60_000)
    assert.strictEqual(skewOf(clocks, "a", 300_000), 60_000)
    for (let at = 330_000; at <= 900_000; at += 30_000) hear(clocks, "a", at, 0)
    assert.strictEqual(skewOf(clocks, "a", 900_000), 0)
    hear(clocks, "b", 900_000, 0)
    clocks.measured((node) => node !== "b", began + 900_000, 900_000)
    assert.strictEqual(clocks.size, 1)
    clocks.measured(everybody, began + 2_000_000, 2_000_000)
    assert.strictEqual(clocks.size, 0)
  })

  it("measures all anew when our own clock is set, and takes a slow correction for what it is", () => {
    const clocks = new ClockSkew()
    for (let at = 0; at <= 60_000; at += 10_000) hear(clocks, "a", at, 0)
    // Our clock is set an hour ahead.
    const set = 3_600_000
    for (let at = 70_000; at <= 90_000; at += 10_000) clocks.heard("a", began + at, began + at + set, at)
    assert.isUndefined(clocks.measured(everybody, began + 90_000 + set, 90_000).get("a"))
    clocks.heard("a", began + 110_000, began + 110_000 + set, 110_000)
    assert.strictEqual(clocks.measured(everybody, began + 110_000 + set, 110_000).get("a"), -set)
    const slewed = new ClockSkew()
    for (let at = 0; at <= 60_000; at += 10_000) slewed.heard("a", began + at, began + at * 1.0005, at)
    assert.closeTo(slewed.measured(everybody, began + 60_030, 60_000).get("a")!, 0, 31)
  })

  it("keeps those that it measures, and has room for so many", () => {
    const clocks = new ClockSkew()
    for (const at of [0, 30_000, 60_000]) {
      for (let n = 0; n < 10_000; n++) hear(clocks, `node-${n}`, at, 0)
    }
    assert.strictEqual(clocks.size, maxMeasured)
    assert.strictEqual(clocks.measured(everybody, began + 60_000, 60_000).size, maxMeasured)
    assert.strictEqual(skewOf(clocks, "node-0", 60_000), 0)
  })
})

describe("judgeClocks", () => {
  const judge = (...skews: ReadonlyArray<number>) => judgeClocks(new Map(skews.map((skew, i) => [`n${i + 1}`, skew])))

  it("finds nothing where all agree", () => {
    assert.deepStrictEqual(judge(), { own: undefined, others: [], agreeing: 1 })
    assert.deepStrictEqual(judge(4_900, -4_900), { own: undefined, others: [], agreeing: 3 })
  })

  it("blames another node that is off, where most agree with us", () => {
    assert.deepStrictEqual(judge(100, 20_000, -50), {
      own: undefined,
      others: [{ node: "n2", ahead: 20_000 }],
      agreeing: 3
    })
  })

  it("blames ourselves where most others agree with each other and not with us", () => {
    assert.deepStrictEqual(judge(20_000, 20_100), { own: { ahead: -20_100, of: 2 }, others: [], agreeing: 2 })
    assert.deepStrictEqual(judge(-60_000, -60_000, 0, -60_000), {
      own: { ahead: 60_000, of: 3 },
      others: [{ node: "n3", ahead: 60_000 }],
      agreeing: 3
    })
  })

  it("blames nobody where it cannot tell", () => {
    assert.deepStrictEqual(judge(20_000), {
      own: undefined,
      others: [{ node: "n1", ahead: 20_000 }],
      agreeing: undefined
    })
    assert.deepStrictEqual(judge(20_000, 20_000, 0).agreeing, undefined)
    assert.deepStrictEqual(judge(20_000, 40_000).others.map(({ node }) => node), ["n2", "n1"])
  })

  it("blames ourselves only when more than half of all clocks are together away from ours", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -30_000, max: 30_000 }), { maxLength: 12 }), (skews) => {
      const { own } = judge(...skews)
      if (own === undefined) return
      assert.isAbove(own.of * 2, skews.length + 1)
      const together = skews.filter((skew) => Math.abs(skew + own.ahead) <= 2 * toleratedSkew && skew !== 0)
      assert.isAtLeast(together.length, own.of)
    }))
  })
})

describe("clockProblems", () => {
  it("says which clock it is, by how much, and where to look", () => {
    assert.deepStrictEqual(clockProblems(new Map([["a", 0]])), { own: undefined, others: undefined })
    assert.deepStrictEqual(clockProblems(new Map([["a", 7_240], ["b", 0], ["c", -200_000]])), {
      own: undefined,
      others:
        "clocks differ from ours: c 3 min behind, a 7.2 s ahead. Too few agree to tell which are wrong: look at the time "
        + "synchronisation of these machines and of this one"
    })
    assert.deepStrictEqual(clockProblems(new Map([["a", 7_240], ["b", 0], ["c", 0]])), {
      own: undefined,
      others:
        "clocks of other nodes are off: a 7.2 s ahead. 3 of 4 clocks agree with each other, ours among them: look at the "
        + "time synchronisation of these machines"
    })
    assert.deepStrictEqual(clockProblems(new Map([["a", 7_240], ["b", 7_000]])), {
      own:
        "the clock of this node is 7.2 s behind: those of 2 of the 2 other nodes that it measures agree with each other, and not "
        + "with it. Look at the time synchronisation of this machine",
      others: undefined
    })
  })

  it("names a few, however many there are and whatever they are called", () => {
    const skews = new Map(Array.from({ length: 200 }, (_, i) => [`${i}${"x".repeat(250)}`, 10_000 * i]))
    const { others } = clockProblems(skews)
    assert.isBelow(others!.length, 1_000)
    assert.include(others, "and 189 more")
  })
})
