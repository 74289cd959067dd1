import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Ref } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { databaseError } from "../../src/store/StoreError.ts"
import { Death } from "../status/collating.ts"
import { makeWorld, settle, startCollator } from "./collating.ts"
import { outage } from "./samples.ts"

const quietly = Effect.provide(Logger.layer([]))
const away = databaseError("take the duty of alerts")(
  new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: null, message: "gone" }) })
)

describe("collators that share a database", () => {
  it.effect("send each message once, whichever has the duty", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const [first, second] = [
        yield* startCollator(world, { id: "c1" }),
        yield* startCollator(world, { id: "c2" })
      ]
      yield* world.opens(outage("o1"))
      yield* world.opens(outage("o2"))
      yield* world.closes(outage("o1"))
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(world.server.got.map((it) => it.idempotencyKey), ["o1:opened", "o2:opened", "o1:resolved"])
      assert.lengthOf(yield* first.alerts.threads, 1)
      assert.lengthOf(yield* second.alerts.threads, 0)
    }).pipe(Effect.scoped, quietly))

  it.effect("one goes on where the other has stopped, or was killed, also with what came to nobody's turn", () =>
    Effect.gen(function*() {
      for (const isKilled of [false, true]) {
        const world = yield* makeWorld
        const death = new Death()
        const first = yield* startCollator(world, { id: "c1", death })
        yield* startCollator(world, { id: "c2" })
        yield* world.opens(outage("o1"))
        death.isDead = isKilled
        yield* first.stop
        // Of nobody's turn: one that goes on, and one that is over before somebody takes over.
        yield* world.opens(outage("o2"))
        yield* world.opens(outage("o3"))
        yield* world.closes(outage("o3"))
        yield* TestClock.adjust("41 seconds")
        yield* settle
        assert.sameMembers([...world.server.seen], ["o1:opened", "o2:opened", "o3:resolved"], `killed: ${isKilled}`)
        yield* world.closes(outage("o1"))
        assert.include(world.server.seen, "o1:resolved (resolved edits $1)")
        assert.lengthOf(world.server.got, 4)
      }
    }).pipe(Effect.scoped, quietly))

  it.effect("a collator that starts again has its duty at once", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const death = new Death()
      const first = yield* startCollator(world, { id: "c1", death })
      death.isDead = true
      yield* first.stop
      yield* startCollator(world, { id: "c1" })
      yield* world.opens(outage("o1"))
      assert.deepStrictEqual(world.server.seen, ["o1:opened"])
    }).pipe(Effect.scoped, quietly))

  it.effect("all tell when nobody can say whose duty it is, and one again when that is known", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const isAway = yield* Ref.make(false)
      const store = (it: typeof world.store): typeof world.store => ({
        ...it,
        lease: (...args) => Effect.flatMap(Ref.get(isAway), (failing) => failing ? away : it.lease(...args))
      })
      const [first, second] = [
        yield* startCollator(world, { id: "c1", store }),
        yield* startCollator(world, { id: "c2", store })
      ]
      yield* Ref.set(isAway, true)
      yield* TestClock.adjust("50 seconds")
      yield* world.opens(outage("o1"))
      assert.deepStrictEqual(world.server.got.map((it) => it.idempotencyKey), ["o1:opened", "o1:opened"])
      assert.deepStrictEqual(yield* first.conditions, ["alerts:duty"])
      assert.deepStrictEqual(yield* second.conditions, ["alerts:duty"])
      yield* Ref.set(isAway, false)
      yield* TestClock.adjust("20 seconds")
      yield* world.opens(outage("o2"))
      yield* world.closes(outage("o1"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(world.server.got.slice(2).map((it) => it.idempotencyKey), ["o2:opened", "o1:resolved"])
      assert.deepStrictEqual(yield* first.conditions, [])
    }).pipe(Effect.scoped, quietly))
})
