import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { OutageEvent } from "../../src/domain/Outage.ts"
import { targetKey } from "../../src/domain/Target.ts"
import { OpenOutages } from "../../src/status/OpenOutages.ts"
import { decided } from "../../src/status/Transition.ts"
import { decision, target, targetNamed } from "./fixtures.ts"

const minimum = 900_000
const up = (decidedAt: number) => decision({ id: `up-${decidedAt}`, up: true, error: "", decidedAt })
const down = (decidedAt: number) => decision({ id: `down-${decidedAt}`, decidedAt })

const settle = (outages: OpenOutages, status: ReturnType<typeof decision>): OutageEvent | undefined => {
  const event = outages.next(decided(status), { minimumOffline: minimum })
  if (event !== undefined) outages.commit(event)
  return event
}

describe("OpenOutages", () => {
  it("opens with the decision that took the target down, and closes with the one that brought it back", () => {
    const outages = new OpenOutages()
    const opened = settle(outages, decision())
    assert.deepStrictEqual(opened, {
      _tag: "Opened",
      outage: {
        id: "p1",
        target,
        start: 1_000,
        end: undefined,
        error: "connection refused",
        data: null,
        votes: { "monitor-1": true, "monitor-2": true },
        blip: false
      }
    })
    assert.deepStrictEqual(settle(outages, up(1_000 + minimum)), {
      _tag: "Closed",
      outage: { ...opened!.outage, end: 1_000 + minimum, blip: false }
    })
    assert.strictEqual(outages.size, 0)
  })

  it("marks what is shorter than the minimum as a blip", () => {
    const outages = new OpenOutages()
    settle(outages, down(0))
    assert.isTrue(settle(outages, up(minimum - 1))!.outage.blip)
  })

  it("opens nothing when the first status is up, and closes nothing that is not open", () => {
    const outages = new OpenOutages()
    assert.isUndefined(settle(outages, up(1)))
    assert.isUndefined(settle(outages, up(2)))
  })

  it("keeps start, error and votes of the open one when it is down again", () => {
    const outages = new OpenOutages()
    settle(outages, down(1))
    assert.isUndefined(settle(outages, decision({ id: "other", decidedAt: 5, error: "timeout", votes: {} })))
    assert.deepStrictEqual(outages.get(targetKey(target))!.id, "down-1")
  })

  it("makes a new outage of the second time, never the first one again", () => {
    const outages = new OpenOutages()
    const events = [down(1), up(2), down(3), up(4)].map((status) => settle(outages, status)!)
    assert.deepStrictEqual(events.map(({ _tag, outage }) => [_tag, outage.id, outage.start, outage.end]), [
      ["Opened", "down-1", 1, undefined],
      ["Closed", "down-1", 1, 2],
      ["Opened", "down-3", 3, undefined],
      ["Closed", "down-3", 3, 4]
    ])
  })

  it("changes nothing before it is committed", () => {
    const outages = new OpenOutages()
    assert.strictEqual(outages.next(decided(down(1)), { minimumOffline: minimum })?._tag, "Opened")
    assert.strictEqual(outages.size, 0)
    assert.strictEqual(outages.next(decided(down(1)), { minimumOffline: minimum })?._tag, "Opened")
  })

  it("has at most one open outage per target, each ending after it started, whatever comes", () => {
    const statuses = fc.array(fc.record({
      member: fc.constantFrom("a", "b"),
      up: fc.boolean(),
      decidedAt: fc.integer({ min: 0, max: 100 })
    }))
    fc.assert(fc.property(statuses, (all) => {
      const outages = new OpenOutages()
      const open = new Map<string, string>()
      for (const [i, { member, ...status }] of all.entries()) {
        const event = settle(outages, decision({ ...status, id: `p${i}`, target: targetNamed(member) }))
        if (event?._tag === "Opened") {
          assert.isFalse(open.has(member))
          open.set(member, event.outage.id)
        } else if (event?._tag === "Closed") {
          assert.strictEqual(open.get(member), event.outage.id)
          assert.isTrue(event.outage.start < event.outage.end!)
          open.delete(member)
        }
      }
      assert.deepStrictEqual(outages.all().map(({ id }) => id).sort(), [...open.values()].sort())
    }))
  })
})
