import { assert, describe, it } from "@effect/vitest"
import { playPlan } from "./core/play.ts"
import { befalls, holdsIn } from "./holds.ts"
import { makePlan } from "./plan/makePlan.ts"
import { type Mode, modes } from "./plan/Mode.ts"
import { forgeries } from "./plan/Plan.ts"
import { Watch } from "./world/Watch.ts"

/** Other load may slow a run a lot. */
const patience = 180_000

const holds = holdsIn(playPlan)

const everywhere = [
  "turn",
  "misjudge",
  "partition",
  "partitions between monitors",
  "deaf",
  "loss",
  "delay",
  "reorder",
  "duplicate",
  "clock",
  "flood",
  "crash: disk kept",
  "crash: disk tail-lost",
  "crash: disk lost",
  "messages: lost",
  "messages: cut",
  "messages: doubled",
  "messages: overtaken",
  "proposals",
  "votes",
  "abstained",
  "changes to up",
  "changes to down",
  "outages",
  "outages that ended",
  "rejected: expired",
  "rejected: superseded",
  "rejected: voted-down"
]
const rosters = ["roster: add", "roster: remove", "roster: rekey", "strangers"]

describe("clusters of the pure cores", () => {
  it("holds in the mode open, where the electorate is heard", () => {
    befalls(holds("open", 500).counts, ...everywhere)
  }, patience)

  it("holds in the mode open with a roster", () => {
    befalls(holds("roster", 500).counts, ...everywhere, ...rosters)
  }, patience)

  it("holds in the mode prefer", () => {
    befalls(holds("prefer", 500).counts, ...everywhere, ...rosters)
  }, patience)

  it("holds in the mode require, under forgery, replay and stolen keys", () => {
    befalls(
      holds("require", 700).counts,
      ...everywhere,
      ...rosters,
      ...forgeries.map((what) => `forged: ${what}`),
      "certificates with stolen votes",
      "certificates held back",
      "late decisions",
      "told who is behind",
      "fetched",
      "dropped: decision BadSignature",
      "dropped: decision TooFewVotes",
      "dropped: decision UnknownEpoch",
      "dropped: decision RetiredEpoch",
      "dropped: decision OtherCluster",
      "dropped: decision NotPassed",
      "dropped: vote bad-signature"
    )
  }, patience)

  for (const mode of modes) {
    it(`takes nobody down who is fine, in the mode ${mode}`, () => {
      const { counts } = holds(mode, 250, "fine")
      befalls(counts, "misjudge", "messages: lost", "changes to up")
      assert.strictEqual(counts.get("changes to down") ?? 0, 0)
    }, patience)
  }

  for (const mode of ["open", "require"] as const) {
    it(`lets those who follow know of 1,000 outages within 15 s, in the mode ${mode}`, () => {
      const { counts, latencies: unsorted } = holds(mode, 500, "outage")
      assert.isUndefined(counts.get("outages with few votes"))
      const latencies = unsorted.toSorted((a, b) => a - b)
      assert.lengthOf(latencies, 1_000)
      assert.isAtMost(latencies[990]!, 15_000)
      assert.isAbove(latencies[0]!, 1_000)
    }, patience)
  }

  it("does the same again with the same seed", () => {
    for (const mode of modes) {
      const story = (seed: number) => playPlan(makePlan(seed, mode), true).story
      assert.deepStrictEqual(story(7), story(7))
      assert.notDeepEqual(story(8), story(7))
    }
  })

  it("checks nothing that the mode does not promise", () => {
    const found = (mode: Mode) => {
      const watch = new Watch({ mode, minimumStateTime: 0, stolen: [], targets: [] }, () => 0)
      watch.violated("P3", "the minority decided")
      return watch.violations.length
    }
    assert.deepStrictEqual(modes.map(found), [0, 1, 1, 1])
  })
})
