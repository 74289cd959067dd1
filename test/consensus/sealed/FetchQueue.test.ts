import { assert, describe, it } from "@effect/vitest"
import { FetchQueue, type Wanted } from "../../../src/consensus/sealed/FetchQueue.ts"
import { target } from "./fixtures.ts"

const limits = { waiting: 4, each: 2, all: 3, senders: 2 }
const wanted = (from: string, i: number, seq = 9): Wanted => ({ from, seq, target: { ...target, member: `M${i}` } })
const takeAll = (queue: FetchQueue): ReadonlyArray<string> => {
  const taken: Array<string> = []
  for (let next = queue.take(); next !== undefined; next = queue.take()) {
    taken.push(`${next.from} ${next.target.member}`)
  }
  return taken
}

describe("FetchQueue", () => {
  it("lets a sender that wants everything wait behind itself, and gives each its turn", () => {
    const queue = new FetchQueue(limits)
    for (let i = 0; i < 1_000; i++) queue.offer(wanted("evil", i))
    // The newest stay.
    assert.strictEqual(queue.size, 4)
    assert.deepStrictEqual(takeAll(queue), ["evil M996", "evil M997"])
    queue.offer(wanted("m1", 1))
    queue.offer(wanted("m1", 2))
    assert.deepStrictEqual(takeAll(queue), ["m1 M1"])
    queue.done(wanted("m1", 1))
    assert.deepStrictEqual(takeAll(queue), ["m1 M2"])
    queue.done(wanted("evil", 996))
    queue.done(wanted("m1", 2))
    assert.deepStrictEqual(takeAll(queue), ["evil M998"])
  })

  it("asks for the same target again where another says that it is ahead, and keeps the newest word of each", () => {
    const queue = new FetchQueue(limits)
    queue.offer(wanted("evil", 1, 1_000_000))
    queue.offer(wanted("m1", 1, 3))
    queue.offer(wanted("m1", 1, 4))
    assert.deepStrictEqual([queue.take(), queue.take(), queue.take()].map((one) => one?.seq), [1_000_000, 4, undefined])
  })

  it("knows only so many senders, and forgets those of whom nothing is left", () => {
    const queue = new FetchQueue(limits)
    for (const from of ["a", "b", "c"]) queue.offer(wanted(from, 1))
    assert.deepStrictEqual(takeAll(queue), ["a M1", "b M1"])
    queue.offer(wanted("c", 1))
    assert.deepStrictEqual(takeAll(queue), [])
    queue.done(wanted("a", 1))
    // Twice is once.
    queue.done(wanted("a", 1))
    queue.offer(wanted("c", 1))
    assert.deepStrictEqual(takeAll(queue), ["c M1"])
  })
})
