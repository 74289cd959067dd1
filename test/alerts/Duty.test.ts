import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Ref, Stream } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { databaseError, type StoreError } from "../../src/store/StoreError.ts"
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

  it.effect("all tell when the store does not answer at all, also who had not the duty, and each once with the same key", () =>
    Effect.gen(function*() {
      for (const answer of [away, Effect.never]) {
        const world = yield* makeWorld
        const isAway = yield* Ref.make(false)
        const awaiting = <A>(effect: Effect.Effect<A, StoreError>) =>
          Effect.flatMap(Ref.get(isAway), (failing) => failing ? answer : effect)
        const store = (it: typeof world.store): typeof world.store => ({
          ...it,
          lease: (...args) => awaiting(it.lease(...args)),
          get: (id) => awaiting(it.get(id)),
          save: (thread) => awaiting(it.save(thread)),
          unfinished: Stream.unwrap(awaiting(Effect.succeed(it.unfinished)))
        })
        const first = yield* startCollator(world, { id: "c1", store })
        const second = yield* startCollator(world, { id: "c2", store })
        yield* world.opens(outage("o0"))
        yield* TestClock.adjust("1 minute")
        yield* Ref.set(isAway, true)
        yield* TestClock.adjust("50 seconds")
        yield* world.opens(outage("o1"))
        yield* world.opens(outage("o2"))
        yield* world.closes(outage("o0"))
        yield* TestClock.adjust("20 seconds")
        yield* settle
        const keys = () => world.server.got.map((it) => it.idempotencyKey).sort()
        // The other one cannot know that the first was told, and finds it open.
        const told = ["o0:opened", "o0:resolved", "o1:opened", "o2:opened"].flatMap((key) => [key, key])
        assert.deepStrictEqual(keys(), told)
        assert.includeMembers(yield* first.conditions, ["alerts:duty", "alerts:store"])
        assert.includeMembers(yield* second.conditions, ["alerts:duty", "alerts:store"])
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(keys(), told)
        yield* Ref.set(isAway, false)
        yield* TestClock.adjust("5 minutes")
        yield* settle
        assert.deepStrictEqual(keys(), told)
        yield* world.closes(outage("o1"))
        yield* TestClock.adjust("1 minute")
        yield* settle
        assert.deepStrictEqual(world.server.got.slice(told.length).map((it) => it.idempotencyKey), ["o1:resolved"])
        assert.deepStrictEqual([yield* first.conditions, yield* second.conditions], [[], []])
        yield* first.stop
        yield* second.stop
      }
    }).pipe(Effect.scoped, quietly))

  it.effect("a read that never ends holds up no other outage, and its own for a moment", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const store = (it: typeof world.store): typeof world.store => ({
        ...it,
        get: (id) => id === "o1" ? Effect.never : it.get(id)
      })
      const { conditions } = yield* startCollator(world, { store })
      yield* world.opens(outage("o1"))
      yield* world.opens(outage("o2"))
      assert.deepStrictEqual(world.server.seen, [])
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.deepStrictEqual(world.server.seen, ["o1:opened", "o2:opened"])
      yield* TestClock.adjust("1 minute")
      yield* world.opens(outage("o3"))
      assert.deepStrictEqual(yield* conditions, [])
    }).pipe(Effect.scoped, quietly))

  it.effect("who does not know that its duty is over tells and stores nothing, for another one does", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const isStill = yield* Ref.make(false)
      const saved: Array<string> = []
      // It cannot even be interrupted, as when the process stands still.
      const store = (it: typeof world.store): typeof world.store => ({
        ...it,
        lease: (...args) =>
          Effect.flatMap(
            Ref.get(isStill),
            (waits) =>
              waits
                ? Effect.uninterruptible(Effect.andThen(Effect.sleep("10 minutes"), it.lease(...args)))
                : it.lease(...args)
          ),
        save: (thread) => Effect.andThen(Effect.sync(() => saved.push(thread.outage)), it.save(thread))
      })
      yield* startCollator(world, { id: "c1", store })
      yield* startCollator(world, { id: "c2" })
      yield* world.opens(outage("o1"))
      yield* Ref.set(isStill, true)
      yield* TestClock.adjust("45 seconds")
      yield* settle
      saved.length = 0
      yield* world.opens(outage("o2"))
      yield* world.closes(outage("o1"))
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual(world.server.got.map((it) => it.idempotencyKey), ["o1:opened", "o2:opened", "o1:resolved"])
      assert.deepStrictEqual(saved, [])
      assert.deepInclude(yield* world.store.get("o1"), { finished: true })
    }).pipe(Effect.scoped, quietly))
})
