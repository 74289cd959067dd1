import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Admission } from "../../src/monitor/Admission.ts"
import { Timetable } from "../../src/monitor/Timetable.ts"

const memberOf = (key: string): string => key[0]!

/** Lets everything start that may. */
const startAll = (admission: Admission): Array<string> => {
  const started: Array<string> = []
  for (let key = admission.next(); key !== undefined; key = admission.next()) started.push(key)
  return started
}

describe("Admission", () => {
  it("never runs more than it may, in all or of one member, and in the end everybody has run once", () => {
    const keys = fc.uniqueArray(fc.tuple(fc.constantFrom(..."abc"), fc.nat(20)).map(([m, n]) => `${m}${n}`), {
      selector: (key) => key
    })
    fc.assert(
      fc.property(
        keys,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(),
        (keys, total, each, seed) => {
          const admission = new Admission(total, each)
          for (const key of keys) admission.enter(key, memberOf(key))
          const running: Array<string> = []
          const ran: Array<string> = []
          while (ran.length < keys.length) {
            running.push(...startAll(admission))
            assert.strictEqual(admission.running, running.length)
            assert.isAtMost(running.length, total)
            for (const member of "abc") assert.isAtMost(running.filter((key) => memberOf(key) === member).length, each)
            assert.isAbove(running.length, 0)
            const [done] = running.splice(seed % running.length, 1)
            ran.push(done!)
            admission.leave(done!)
          }
          assert.deepStrictEqual(ran.toSorted(), keys.toSorted())
          assert.strictEqual(admission.waiting, 0)
          assert.strictEqual(admission.running, 0)
        }
      )
    )
  })

  it("a member whose probes all hang holds up only its own", () => {
    const admission = new Admission(4, 2)
    for (let i = 0; i < 10; i++) admission.enter(`dead ${i}`, "dead")
    admission.enter("well 0", "well")
    assert.deepStrictEqual(startAll(admission), ["dead 0", "well 0", "dead 1"])
    admission.leave("well 0")
    admission.enter("well 1", "well")
    assert.deepStrictEqual(startAll(admission), ["well 1"])
  })

  it("many members whose probes all hang hardly hold up the others", () => {
    // 20 members with 40 targets each, every 30 s; the probes of 8 members take 15 s, those of the others 0.2 s.
    const admission = new Admission(100, 13)
    const timetable = new Timetable("x")
    const members = new Map<string, number>()
    for (let i = 0; i < 800; i++) {
      members.set(`${i}`, i % 20)
      timetable.set(`${i}`, 30_000, 0)
    }
    const due = new Map<string, number>()
    let running: ReadonlyArray<{ readonly key: string; readonly end: number }> = []
    const late: Array<number> = []
    for (let now = 0; now < 180_000; now += 10) {
      for (const { end, key } of running) if (end <= now) admission.leave(key)
      const started = running.filter(({ end }) => end > now)
      for (let run = timetable.take(now); run !== undefined; run = timetable.take(now)) {
        if (!admission.has(run.key)) due.set(run.key, run.due)
        admission.enter(run.key, `m${members.get(run.key)}`)
      }
      for (const key of startAll(admission)) {
        const hangs = members.get(key)! < 8
        started.push({ key, end: now + (hangs ? 15_000 : 200) })
        if (now > 60_000 && !hangs) late.push(now - due.get(key)!)
      }
      running = started
    }
    late.sort((a, b) => a - b)
    assert.isAtLeast(late.length, 12 * 40 * 3)
    assert.isAtMost(late[late.length >> 1]!, 1_500)
    assert.isAtMost(late.at(-1)!, 15_000)
  })

  it("the member with the fewest under way comes first, however long others wait", () => {
    const admission = new Admission(5, 4)
    for (const key of ["a1", "a2", "a3", "a4", "b1", "b2"]) admission.enter(key, memberOf(key))
    assert.deepStrictEqual(startAll(admission), ["a1", "b1", "a2", "b2", "a3"])
    admission.enter("b3", "b")
    admission.enter("c1", "c")
    admission.enter("c2", "c")
    admission.leave("b1")
    assert.deepStrictEqual(startAll(admission), ["c1"])
    admission.leave("a1")
    admission.leave("a2")
    // One each
    assert.deepStrictEqual(startAll(admission), ["b3", "c2"])
  })

  it("members take turns", () => {
    const admission = new Admission(1, 1)
    for (const key of ["a1", "a2", "a3", "b1", "c1"]) admission.enter(key, memberOf(key))
    const order: Array<string> = []
    for (let key = admission.next(); key !== undefined; key = admission.next()) {
      order.push(key)
      admission.leave(key)
    }
    assert.deepStrictEqual(order, ["a1", "b1", "c1", "a2", "a3"])
  })

  it("a key that waits or runs does not enter again; one that left while it waited never runs", () => {
    const admission = new Admission(1, 1)
    admission.enter("a1", "a")
    admission.enter("a1", "a")
    admission.enter("a2", "a")
    assert.deepStrictEqual(startAll(admission), ["a1"])
    admission.enter("a1", "a")
    admission.leave("a2")
    admission.leave("a1")
    admission.leave("a1")
    assert.deepStrictEqual(startAll(admission), [])
    assert.strictEqual(admission.running, 0)
  })

  it("can be given more room, or less, while it runs", () => {
    const admission = new Admission(1, 1)
    for (const key of ["a1", "a2", "b1", "b2"]) admission.enter(key, memberOf(key))
    assert.deepStrictEqual(startAll(admission), ["a1"])
    admission.resize(4, 2)
    assert.deepStrictEqual(startAll(admission), ["b1", "a2", "b2"])
    admission.resize(1, 1)
    admission.enter("a3", "a")
    admission.leave("a1")
    assert.deepStrictEqual(startAll(admission), [])
  })
})
