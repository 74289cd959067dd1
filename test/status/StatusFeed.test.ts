import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Scope, Stream } from "effect"
import * as fc from "fast-check"
import type { StatusChange } from "../../src/status/Decision.ts"
import { makeStatusFeed, mergeChanges } from "../../src/status/StatusFeed.ts"
import { decision, targetNamed } from "./fixtures.ts"
import { proven } from "./proving.ts"

/** The changes of a target that turns with every step, from `first`. */
const turns = (member: string, count: number, first = false): ReadonlyArray<StatusChange> => {
  const statuses = Array.from(
    { length: count },
    (_, i) => decision({ id: `${member}${i}`, target: targetNamed(member), up: first === (i % 2 === 0), decidedAt: i })
  )
  return statuses.map((after, i) => ({ before: statuses[i - 1], after }))
}

const ids = (changes: Iterable<StatusChange>) => Array.from(changes, ({ after }) => after.id)

describe("StatusFeed", () => {
  it.effect("gives every subscriber every change in order", () =>
    Effect.gen(function*() {
      const feed = makeStatusFeed(10)
      const [a, b] = yield* Effect.all([feed.subscribe, feed.subscribe])
      const changes = turns("x", 5)
      assert.deepStrictEqual(changes.map(feed.publish), [false, false, false, false, false])
      for (const stream of [a, b]) {
        const seen = yield* stream.pipe(Stream.take(5), Stream.runCollect)
        assert.deepStrictEqual(seen, [...changes])
      }
    }))

  it.effect("merges what waits for a subscriber that hangs, and leaves the others alone", () =>
    Effect.gen(function*() {
      const feed = makeStatusFeed(4)
      const hanging = yield* feed.subscribe
      const lively = yield* feed.subscribe
      const following = yield* lively.pipe(Stream.take(5), Stream.runCollect, Effect.forkChild)
      const changes = [...turns("x", 3), ...turns("y", 2, true)]
      const merged: Array<boolean> = []
      for (const change of changes) {
        merged.push(feed.publish(change))
        yield* Effect.yieldNow
      }
      assert.deepStrictEqual(merged, [false, false, false, false, true])
      assert.deepStrictEqual(ids(yield* Fiber.join(following)), ["x0", "x1", "x2", "y0", "y1"])
      const seen = yield* hanging.pipe(Stream.take(3), Stream.runCollect)
      assert.deepStrictEqual(ids(seen), ["x2", "y0", "y1"])
      assert.isUndefined(seen[0]!.before)
      assert.strictEqual(feed.longest(), 0)
    }))

  it.effect("forgets a subscriber whose scope closed", () =>
    Effect.gen(function*() {
      const feed = makeStatusFeed(2)
      yield* Effect.scoped(feed.subscribe)
      assert.deepStrictEqual(turns("x", 5).map(feed.publish), [false, false, false, false, false])
      assert.strictEqual(feed.longest(), 0)
      const scope = yield* Scope.make()
      assert.isDefined(yield* Scope.provide(feed.subscribe, scope))
    }))

  it("merges to where each target went, from where it was", () => {
    const histories = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.boolean()), { maxLength: 30 })
    fc.assert(fc.property(histories, (steps) => {
      const last = new Map<string, StatusChange["after"]>()
      const first = new Map<string, StatusChange>()
      const changes = steps.flatMap(([member, up], i): Array<StatusChange> => {
        const before = last.get(member)
        if (before?.up === up) return []
        const after = decision({ id: `${i}`, target: targetNamed(member), up })
        const change = { before, after }
        last.set(member, after)
        if (!first.has(member)) first.set(member, change)
        return [change]
      })
      // Pretend that the first change of each target was not the first of its life.
      const known = changes.map((change) =>
        change === first.get(change.after.target.member) && !change.after.up
          ? { ...change, before: decision({ target: change.after.target, up: true }) }
          : change
      )
      const merged = mergeChanges(known)
      assert.strictEqual(new Set(merged.map(({ after }) => after.target.member)).size, merged.length)
      for (const [member, after] of last) {
        const from = known.find((change) => change.after.target.member === member)!.before
        const to = merged.find((change) => change.after.target.member === member)
        if (from?.up === after.up) assert.isUndefined(to)
        else assert.deepStrictEqual(to, { before: from, after })
      }
    }))
  })

  it("keeps, when it merges, that it is another outage", () => {
    const [first, second, third] = [proven(1, 1), proven(2, 2), proven(3, 3)]
    const merged = mergeChanges([{ before: first, after: second! }, { before: second, after: third! }])
    assert.deepStrictEqual(merged, [{ before: first, after: third! }])
  })
})
