import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { Death } from "../status/collating.ts"
import { makeWorld, settle, startCollator, unreachable, type World } from "./collating.ts"
import { march, minute, outage } from "./samples.ts"

const quietly = Effect.provide(Logger.layer([]))
const o1 = outage("o1")

/** What happens while a collator is there that is to be killed, and what after it. */
const story = (world: World, death: Death) =>
  Effect.gen(function*() {
    const first = yield* startCollator(world, { death })
    yield* world.opens(o1)
    yield* TestClock.adjust("2 seconds")
    yield* world.closes(o1)
    yield* TestClock.adjust("2 seconds")
    yield* first.stop
  })

describe("a collator that is killed", () => {
  it.effect("at any step, done or not, sends one message per outage, and edits it once when it is over", () =>
    Effect.gen(function*() {
      const whole = new Death()
      yield* story(yield* makeWorld, whole)
      assert.isAbove(whole.steps, 5)
      for (let at = 1; at <= whole.steps; at++) {
        for (const takesPlace of [true, false]) {
          const world = yield* makeWorld
          const name = `killed at step ${at} of ${whole.steps}, which took ${takesPlace ? "" : "no "}place`
          const death = new Death(at, takesPlace)
          yield* story(world, death)
          assert.isTrue(death.isDead, name)
          yield* startCollator(world)
          yield* TestClock.adjust("2 minutes")
          yield* settle
          const { seen } = world.server
          // One that was not told when it was over is told once, as over; or not at all, when nobody alerted in its time.
          if (seen.length === 1) assert.deepStrictEqual(seen, ["o1:resolved"], name)
          else if (seen.length > 0) assert.deepStrictEqual(seen, ["o1:opened", "o1:resolved (resolved edits $1)"], name)
        }
      }
    }).pipe(Effect.scoped, quietly))

  it.effect("and comes back while the outage lasts tells it once, and edits that when it is over", () =>
    Effect.gen(function*() {
      for (let at = 1; at <= 8; at++) {
        for (const takesPlace of [true, false]) {
          const world = yield* makeWorld
          const name = `killed at step ${at}, which took ${takesPlace ? "" : "no "}place`
          const first = yield* startCollator(world, { death: new Death(at, takesPlace) })
          yield* world.opens(o1)
          yield* TestClock.adjust("2 seconds")
          yield* first.stop
          const second = yield* startCollator(world)
          yield* TestClock.adjust("1 minute")
          yield* world.closes(o1)
          yield* TestClock.adjust("1 minute")
          yield* settle
          assert.deepStrictEqual(world.server.seen, ["o1:opened", "o1:resolved (resolved edits $1)"], name)
          yield* second.stop
        }
      }
    }).pipe(Effect.scoped, quietly))
})

describe("a channel that was down for an hour", () => {
  it.effect("gets everything once and in order", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const ids = Array.from({ length: 12 }, (_, i) => `o${String(i).padStart(2, "0")}`)
      const all = ids.map((id, i) => outage(id, { start: march + i * minute }))
      yield* startCollator(world)
      yield* world.opens(all[0]!)
      world.server.down = unreachable
      yield* world.closes(all[0]!, march + 2 * minute)
      for (const one of all.slice(1)) {
        yield* world.opens(one)
        yield* TestClock.adjust("5 minutes")
      }
      // This one is over before anybody could be told.
      yield* world.closes(all[3]!, march + 30 * minute)
      assert.deepStrictEqual(world.server.seen, ["o00:opened"])
      world.server.down = undefined
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual(world.server.seen, [
        "o00:opened",
        "o00:resolved (resolved edits $1)",
        "o01:opened",
        "o02:opened",
        "o03:resolved",
        ...ids.slice(4).map((id) => `${id}:opened`)
      ])
      assert.lengthOf(world.server.got, world.server.seen.length)
    }).pipe(Effect.scoped, quietly))
})
