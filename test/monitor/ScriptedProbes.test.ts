import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { plannedTarget } from "./planned.ts"

const look = Effect.fnUntraced(function*(member: string, url = "wss://rpc.example/a") {
  const { run } = yield* ScriptedProbes
  const looking = yield* Effect.forkChild(run(plannedTarget({ run, member, url })))
  yield* TestClock.adjust(1_000)
  return yield* Fiber.join(looking)
})

describe("ScriptedProbes", () => {
  it.effect("everything is up until it is said otherwise; the last rule that fits decides", () =>
    Effect.gen(function*() {
      const { set, started, unset } = yield* ScriptedProbes
      assert.deepStrictEqual(yield* look("A"), { up: true, error: "", data: null })
      yield* set({ member: "A", endpoint: "wss://rpc.example/a" }, { up: false, error: "status 503", data: 1 })
      assert.deepStrictEqual(yield* look("A"), { up: false, error: "status 503", data: 1 })
      assert.isTrue((yield* look("A", "wss://rpc.example/b")).up)
      assert.isTrue((yield* look("B")).up)
      yield* set({ member: "A" }, { up: true })
      assert.isTrue((yield* look("A")).up)
      yield* unset({ member: "A" })
      assert.isFalse((yield* look("A")).up)
      assert.strictEqual(yield* started({ member: "A" }), 5)
      assert.strictEqual(yield* started({}), 6)
    }).pipe(Effect.provide(ScriptedProbes.layer)))

  it.effect("a probe under way finds what is true at its end, and never ends while it hangs", () =>
    Effect.gen(function*() {
      const { run, set } = yield* ScriptedProbes
      yield* set({}, { up: true, latency: 500 })
      const looking = yield* Effect.forkChild(run(plannedTarget({ run })))
      yield* TestClock.adjust(400)
      yield* set({}, { up: false })
      yield* TestClock.adjust(100)
      assert.isFalse((yield* Fiber.join(looking)).up)
      yield* set({}, { up: true, latency: Infinity })
      const hanging = yield* Effect.forkChild(run(plannedTarget({ run })))
      yield* TestClock.adjust("1 day")
      assert.isUndefined(hanging.pollUnsafe())
    }).pipe(Effect.provide(ScriptedProbes.layer)))
})
