import { assert, describe, it } from "@effect/vitest"
import { playPlan } from "./cluster/play.ts"
import { befalls, holdsIn } from "./holds.ts"
import { makePlan } from "./plan/makePlan.ts"
import { modes } from "./plan/Mode.ts"

/** Other load may slow a run a lot. */
const patience = 240_000

const holds = holdsIn(playPlan)

const everywhere = [
  "turn",
  "misjudge",
  "partitions between monitors",
  "deaf",
  "crash: disk kept",
  "crash: disk tail-lost",
  "crash: disk lost",
  "messages: lost",
  "messages: cut",
  "messages: doubled",
  "messages: overtaken",
  "messages: delayed",
  "proposals",
  "votes",
  "rejected",
  "changes to up",
  "changes to down",
  "outages",
  "outages that ended",
  "alert threads",
  "consensus_decisions_total: passed"
]

describe("clusters of the real services", () => {
  it("holds in the mode open, where the electorate is heard", () => {
    befalls(holds("open", 25).counts, ...everywhere)
  }, patience)

  it("holds in the mode open with a roster", () => {
    befalls(holds("roster", 25).counts, ...everywhere, "strangers", "roster")
  }, patience)

  it("holds in the mode prefer", () => {
    befalls(holds("prefer", 25).counts, ...everywhere, "strangers", "roster")
  }, patience)

  it("holds in the mode require, under forgery, replay and stolen keys", () => {
    befalls(
      holds("require", 40).counts,
      ...everywhere,
      "strangers",
      "roster: add",
      "roster: rekey",
      "certificates kept",
      "certificates held back",
      "late decisions",
      "told who is behind",
      "forged: torn text",
      "forged: join",
      "forged: answer on geodns.v1.status",
      "forged: replay",
      "forged: stolen-certificate",
      "nodes_forged_total: unsigned",
      "snapshot_unproven_total: refused",
      "consensus_dropped_total: decision BadSignature",
      "consensus_dropped_total: decision TooFewVotes",
      "consensus_dropped_total: decision unproven",
      "consensus_dropped_total: vote unsigned"
    )
  }, patience)

  it("takes nobody down who is fine", () => {
    for (const mode of ["open", "require"] as const) {
      const { counts } = holds(mode, 6, "fine")
      befalls(counts, "misjudge", "messages: lost", "changes to up")
      assert.strictEqual(counts.get("changes to down") ?? 0, 0)
    }
  }, patience)

  it("lets those who follow know of an outage within 15 s", () => {
    const latencies = holds("require", 10, "outage").latencies
    assert.lengthOf(latencies, 20)
    assert.isAtMost(Math.max(...latencies), 15_000)
    assert.isAbove(Math.min(...latencies), 1_000)
  }, patience)

  it("keeps the votes of a majority with an outage that began while the bus was away", () => {
    for (const mode of ["open", "roster", "prefer"] as const) {
      for (let seed = 1; seed <= 4; seed++) {
        const plan = makePlan(seed, mode, "outage")
        const away = plan.monitors.map((id) => ({ kind: "partition", at: 25_000, until: 55_000, side: [id] }) as const)
        const { counts, violations } = playPlan({ ...plan, incidents: [...away, ...plan.incidents] })
        assert.deepStrictEqual(violations, [])
        assert.strictEqual(counts.get("outages"), 1)
        assert.isUndefined(counts.get("outages with few votes"))
      }
    }
  }, patience)

  it("goes on deciding in a flood of invented proposals and votes", () => {
    for (const mode of modes) {
      const plan = makePlan(1, mode, "outage")
      const floods = [20, 32, 44].map((at) => ({ kind: "flood", at: at * 1_000, count: 120, salt: at } as const))
      const { counts, violations } = playPlan({ ...plan, incidents: [...plan.incidents, ...floods] })
      assert.deepStrictEqual(violations, [])
      assert.strictEqual(counts.get("flood messages"), 720)
      befalls(counts, "outages")
    }
  }, patience)

  it("does the same again with the same seed", () => {
    for (const mode of modes) {
      const story = (seed: number) => playPlan(makePlan(seed, mode), true).story
      assert.deepStrictEqual(story(3), story(3))
      assert.notDeepEqual(story(4), story(3))
    }
  }, patience)

  it("tells what must not be, and how it came about", () => {
    const { story, violations } = playPlan({ ...makePlan(1, "require", "outage"), fine: true }, true)
    assert.include(violations.map(({ property }) => property), "P6")
    const told = story.join("\n")
    for (const line of [/proposes member-1 down/, /votes: sees member-1 down/, /keeps member-1 down \(seq \d+, m/]) {
      assert.match(told, line)
    }
  })
})
