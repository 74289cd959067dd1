import { assert, describe, it } from "@effect/vitest"
import { MissedEvents } from "../../src/alerts/MissedEvents.ts"
import type { OutageEvent } from "../../src/domain/Outage.ts"
import { minute, outage } from "./samples.ts"

const opened = (id: string): OutageEvent => ({ _tag: "Opened", outage: outage(id) })
const ids = (events: ReadonlyArray<OutageEvent>) => events.map(({ outage }) => outage.id)

describe("missed events", () => {
  it("are given once, in order, for ten minutes or what is asked for", () => {
    const missed = new MissedEvents()
    for (const [id, at] of [["a", 0], ["b", 1], ["c", 9 * minute]] as const) missed.add(opened(id), at)
    assert.deepStrictEqual(ids(missed.take(10 * minute)), ["b", "c"])
    assert.deepStrictEqual(missed.take(10 * minute), [])
    for (const [id, at] of [["d", 0], ["e", minute]] as const) missed.add(opened(id), at)
    assert.deepStrictEqual(ids(missed.take(minute, minute)), ["e"])
  })

  it("are the newest 10,000 at most", () => {
    const missed = new MissedEvents()
    for (let i = 0; i < 25_000; i++) missed.add(opened(String(i)), 0)
    const kept = ids(missed.take(0))
    assert.isAtMost(kept.length, 10_000)
    assert.isAtLeast(kept.length, 5_000)
    assert.strictEqual(kept.at(-1), "24999")
  })
})
