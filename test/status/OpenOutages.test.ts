import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { OutageEvent } from "../../src/domain/Outage.ts"
import { targetKey } from "../../src/domain/Target.ts"
import { OpenOutages } from "../../src/status/OpenOutages.ts"
import { decided, type Transition } from "../../src/status/Transition.ts"
import { decision, target, targetNamed } from "./fixtures.ts"
import { proven } from "./proving.ts"

const minimum = 900_000
const up = (decidedAt: number) => decision({ id: `up-${decidedAt}`, up: true, error: "", decidedAt })
const down = (decidedAt: number) => decision({ id: `down-${decidedAt}`, decidedAt })

const settle = (outages: OpenOutages, status: ReturnType<typeof decision>): OutageEvent | undefined => {
  const event = outages.next(decided(status), { minimumOffline: minimum, now: 1_000_000 })
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
    assert.strictEqual(outages.next(decided(down(1)), { minimumOffline: minimum, now: 1_000_000 })?._tag, "Opened")
    assert.strictEqual(outages.size, 0)
    assert.strictEqual(outages.next(decided(down(1)), { minimumOffline: minimum, now: 1_000_000 })?._tag, "Opened")
  })

  const minute = 60_000
  /** What follows from a transition from before the store was read, where this one was found open. */
  const ofOld = (transition: Transition, open: { id: string; start: number }, { end, now = 60 * minute }: {
    readonly end?: Transition
    readonly now?: number
  } = {}) => {
    const outages = new OpenOutages()
    const { start: decidedAt } = open
    outages.commit(outages.next(decided(decision({ ...open, decidedAt })), { minimumOffline: minimum, now })!)
    const event = outages.next(transition, { isOld: true, minimumOffline: minimum, end, now })
    return event && `${event._tag} ${event.outage.id}`
  }

  it("ends with what is old the outage that it is for, told by its id, whatever the clocks said", () => {
    const open = { id: "d1", start: 30 * minute }
    const early = up(10 * minute)
    assert.strictEqual(ofOld(decided(early, open), open), "Closed d1")
    assert.isUndefined(ofOld(decided(early), open))
    assert.isUndefined(ofOld(decided(early, { ...open, id: "another" }), open))
    // Under another id it is the same when it can be, by its times.
    const late = up(40 * minute)
    for (const start of [29.5, 30, 30.5]) {
      assert.strictEqual(ofOld(decided(late, { id: "ours", start: start * minute }), open), "Closed d1")
    }
    assert.isUndefined(ofOld(decided(late, { id: "ours", start: 31 * minute }), open))
    assert.strictEqual(ofOld(decided(late), open), "Closed d1")
    assert.strictEqual(ofOld({ _tag: "Gone", target, at: 31 * minute }, open), "Closed d1")
    assert.isUndefined(ofOld({ _tag: "Gone", target, at: 29 * minute }, open))
  })

  it("ends with what comes late only what began before, and asks the store anew what is open then", () => {
    const open = { id: "next", start: 30 * minute }
    const late = up(29.9 * minute)
    const ofLate = (transition: Transition, now = 30 * minute) => {
      const outages = new OpenOutages()
      outages.commit(outages.next(decided(decision({ ...open, decidedAt: open.start })), { minimumOffline: 0, now })!)
      const event = outages.next(transition, { minimumOffline: 0, now })
      if (event === undefined) outages.pass(transition)
      return event === undefined ? outages.size : `${event._tag} ${event.outage.id}`
    }
    assert.strictEqual(ofLate(decided(late, { id: "ours", start: 29.8 * minute })), 0)
    assert.strictEqual(ofLate(decided(late)), 0)
    assert.strictEqual(ofLate(decided(late, open)), "Closed next")
    assert.strictEqual(ofLate({ _tag: "Gone", target, at: 29 * minute }), "Closed next")
    assert.strictEqual(ofLate(decided(late), 24 * minute), "Closed next")
    assert.strictEqual(ofLate(decided(up(30.1 * minute))), "Closed next")
    assert.strictEqual(ofLate(decided(down(29.9 * minute))), 1)
  })

  it("takes what is over for another than the one that is open when it was over before, or told by a clock that was ahead", () => {
    const open = { id: "d1", start: 30 * minute }
    const old = decided(down(20 * minute))
    const opened = `Opened down-${20 * minute}`
    assert.strictEqual(ofOld(old, open, { end: decided(up(30 * minute)) }), opened)
    assert.isUndefined(ofOld(old, open, { end: decided(up(31 * minute)) }))
    assert.strictEqual(ofOld(old, open, { end: decided(up(37 * minute)), now: 31 * minute }), opened)
    assert.isUndefined(ofOld(old, open, { end: decided(up(35 * minute)), now: 31 * minute }))
    assert.isUndefined(ofOld(decided(down(29.6 * minute)), open, { end: decided(up(37 * minute)), now: 31 * minute }))
    const same = decided(decision({ id: "d1", decidedAt: 20 * minute }))
    assert.isUndefined(ofOld(same, open, { end: decided(up(25 * minute)) }))
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

  describe("of what is proved", () => {
    const openWith = (seq: number, at = 30 * minute) => {
      const outages = new OpenOutages()
      settle(outages, proven(seq, at))
      return outages
    }
    const context = { minimumOffline: minimum, now: 60 * minute }
    const next = (outages: OpenOutages, status: ReturnType<typeof proven>, isOld: boolean) => {
      const event = outages.next(decided(status), { ...context, isOld })
      return event && `${event._tag} ${event.outage.proof?.seq}`
    }

    it("is closed by a higher step and by no other, whatever the clocks say, new or from before a restart", () => {
      for (const isOld of [false, true]) {
        for (const at of [1, 29 * minute, 31 * minute, 90 * minute]) {
          assert.strictEqual(next(openWith(3), proven(4, at), isOld), "Closed 3")
          assert.strictEqual(next(openWith(3), proven(6, at), isOld), "Closed 3")
          assert.isUndefined(next(openWith(3), proven(2, at), isOld))
          assert.isUndefined(next(openWith(3), proven(3, at), isOld))
          assert.isUndefined(next(openWith(3), proven(1, at), isOld))
        }
      }
    })

    it("ends after it starts, and is late when its end is", () => {
      const outages = openWith(1)
      const closed = settle(outages, proven(2, 10 * minute, { late: true }))!
      assert.deepStrictEqual(closed.outage, {
        ...closed.outage,
        id: "seq-1-Lagoon",
        start: 30 * minute,
        end: 30 * minute + 1,
        proof: { seq: 1, late: true, certified: true }
      })
    })

    it("is over by the next one, when its own end was missed", () => {
      const outages = openWith(1, 50)
      const closed = settle(outages, proven(5, 90))!
      assert.strictEqual(closed._tag, "Closed")
      assert.deepInclude(closed.outage, { id: "seq-1-Lagoon", end: 90 })
      assert.deepStrictEqual(closed.outage.proof, { seq: 1, late: false, certified: false })
      assert.deepInclude(settle(outages, proven(5, 90))?.outage, { id: "seq-5-Lagoon", start: 90 })
      assert.isUndefined(settle(outages, proven(5, 90)))
    })

    it("stays open when the end of an earlier one comes after it, and is closed by its own then", () => {
      const outages = openWith(3)
      const late = decided(proven(2, 40 * minute))
      assert.isUndefined(outages.next(late, context))
      outages.pass(late)
      assert.deepInclude(settle(outages, proven(4, 20 * minute))?.outage, { id: "seq-3-Lagoon" })
    })

    it("ends what was opened without proof, and knows an earlier one that is over from the one that is open", () => {
      const outages = new OpenOutages()
      settle(outages, down(30 * minute))
      assert.isUndefined(settle(outages, proven(1, 31 * minute)))
      assert.deepInclude(settle(outages, proven(2, 10 * minute))?.outage, { id: `down-${30 * minute}` })
      const earlier = openWith(5).next(decided(proven(1, 90 * minute)), {
        ...context,
        end: decided(proven(2, 91 * minute))
      })
      assert.strictEqual(earlier?._tag, "Opened")
      assert.strictEqual(earlier?.outage.proof?.seq, 1)
    })
  })
})
