import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { OutageBacklog } from "../../src/status/OutageBacklog.ts"
import { decided, type WaitingTransition } from "../../src/status/Transition.ts"
import { decision, targetNamed } from "./fixtures.ts"
import { proven } from "./proving.ts"

const members = ["a", "b", "c"]

const waiting = (number: number, member: string, up: boolean, bytes = 10): WaitingTransition => ({
  number,
  bytes,
  transition: decided(
    decision({ id: `${up ? "u" : "d"}${number}`, target: targetNamed(member), up, decidedAt: number })
  )
})

/** The same as a plain list. */
interface Entry {
  readonly number: number
  readonly member: string
  readonly up: boolean
  readonly bytes: number
}

const lastOf = (list: ReadonlyArray<Entry>, member: string) => list.filter((it) => it.member === member).at(-1)
const endOf = (list: ReadonlyArray<Entry>, { member, number, up }: Entry) =>
  up ? undefined : list.find((it) => it.member === member && it.number > number)
const bytesOf = (list: ReadonlyArray<Entry>) => list.reduce((sum, { bytes }) => sum + bytes, 0)

const giveUp = (list: ReadonlyArray<Entry>, room: { size: number; bytes: number }) => {
  let left = list
  const given: Array<number> = []
  while (left.length > room.size || bytesOf(left) > room.bytes) {
    const downs = left.slice(1).filter(({ up }) => !up)
    const next = downs.find((it) => endOf(left, it) !== undefined) ?? downs[0]
    if (next === undefined) break
    const end = endOf(left, next)
    left = left.filter((it) => it !== next && it !== end)
    given.push(next.number)
  }
  return { left, given }
}

const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      member: fc.constantFrom(...members),
      up: fc.boolean(),
      bytes: fc.integer({ min: 1, max: 9 })
    })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("done" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("until" as const), ahead: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("giveUp" as const), size: fc.nat(12), bytes: fc.nat(60) })
  }
)

describe("OutageBacklog", () => {
  it("holds what a plain list holds, whatever is done to it", () => {
    fc.assert(fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const backlog = new OutageBacklog()
      let model: ReadonlyArray<Entry> = []
      let last = 0
      for (const one of commands) {
        switch (one.do) {
          case "add": {
            const entry = { ...one, number: ++last }
            const before = lastOf(model, one.member)
            const isNews = before === undefined || before.up !== one.up
            assert.strictEqual(backlog.isNews(waiting(last, one.member, one.up).transition), isNews)
            backlog.add(waiting(last, one.member, one.up, one.bytes))
            if (isNews) model = [...model, entry]
            break
          }
          case "done":
            if (model[0] !== undefined) backlog.remove(model[0].number)
            model = model.slice(1)
            break
          case "until": {
            const until = (model[0]?.number ?? 0) + one.ahead
            backlog.removeUntil(until)
            model = model.filter(({ number }) => number > until)
            break
          }
          case "giveUp": {
            const { given, left } = giveUp(model, one)
            assert.deepStrictEqual(backlog.giveUp(one).map(({ number }) => number), given)
            model = left
          }
        }
        const all = [...backlog.all()]
        assert.deepStrictEqual(all.map(({ number }) => number), model.map(({ number }) => number))
        assert.strictEqual(backlog.first()?.number, model[0]?.number)
        assert.strictEqual(backlog.size, model.length)
        assert.strictEqual(backlog.bytes, bytesOf(model))
        assert.deepStrictEqual(
          all.map((it) => backlog.endOf(it)?.number),
          model.map((it) => endOf(model, it)?.number)
        )
        assert.deepStrictEqual(
          members.filter((member) => backlog.has(targetNamed(member))),
          members.filter((member) => lastOf(model, member) !== undefined)
        )
        assert.sameMembers(
          backlog.downTargets().map(({ member }) => member),
          members.filter((member) => lastOf(model, member)?.up === false)
        )
      }
    }))
  })

  it("gives up the oldest outages that are over, then those that are not, and never an end of one that is stored", () => {
    const backlog = new OutageBacklog()
    for (
      const one of [
        waiting(1, "at work", false),
        waiting(2, "stored", true),
        waiting(3, "open", false),
        waiting(4, "over", false),
        waiting(5, "over", true),
        waiting(6, "at work", true),
        waiting(7, "over", false)
      ]
    ) backlog.add(one)
    const left = () => [...backlog.all()].map(({ number }) => number)
    assert.deepStrictEqual(backlog.giveUp({ size: 6, bytes: 1_000 }).map(({ number }) => number), [4])
    assert.deepStrictEqual(left(), [1, 2, 3, 6, 7])
    assert.deepStrictEqual(backlog.giveUp({ size: 9, bytes: 45 }).map(({ number }) => number), [3])
    assert.deepStrictEqual(left(), [1, 2, 6, 7])
    assert.deepStrictEqual(backlog.giveUp({ size: 0, bytes: 0 }).map(({ number }) => number), [7])
    assert.deepStrictEqual(left(), [1, 2, 6])
  })

  it("keeps the next outage of a target apart from the one before, whose end was missed", () => {
    const backlog = new OutageBacklog()
    const add = (number: number, status: ReturnType<typeof proven>) =>
      backlog.add({ number, bytes: 10, transition: decided(status) })
    add(1, proven(1, 1))
    add(2, proven(1, 5))
    add(3, proven(3, 3))
    add(4, proven(4, 4))
    add(5, proven(6, 4))
    const numbers = () => Array.from(backlog.all(), ({ number }) => number)
    assert.deepStrictEqual(numbers(), [1, 3, 4])
    assert.strictEqual(backlog.endOf(backlog.first()!)?.number, 3)
    // Somebody is at work on the first: what is given up is the second, with its end, and the first has none then.
    assert.deepStrictEqual(backlog.giveUp({ size: 1, bytes: 100 }).map(({ number }) => number), [3])
    assert.deepStrictEqual(numbers(), [1])

    add(6, proven(2, 6))
    add(7, proven(5, 7))
    add(8, proven(7, 8))
    assert.deepStrictEqual(backlog.giveUp({ size: 3, bytes: 100 }).map(({ number }) => number), [7])
    // The one after it is not lost with it.
    assert.deepStrictEqual(numbers(), [1, 6, 8])
  })
})
