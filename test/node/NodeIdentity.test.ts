import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"

const who = { id: "MONITOR-1", role: "IBPMonitor" } as const

describe("NodeIdentity", () => {
  it.effect("is what was configured, from now on, with a boot id of its own", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1234)
      const one = yield* NodeIdentity.pipe(Effect.provide(NodeIdentity.layer(who)))
      const two = yield* NodeIdentity.pipe(Effect.provide(NodeIdentity.layer(who)))
      assert.deepStrictEqual([one.id, one.role, one.startedAt], ["MONITOR-1", "IBPMonitor", 1234])
      assert.notStrictEqual(one.boot, two.boot)
      assert.isAtLeast(one.boot.length, 16)
    }))

  it.effect("in memory the same run gives the same boot id, another node another one", () =>
    Effect.gen(function*() {
      const one = yield* NodeIdentity.pipe(Effect.provide(NodeIdentity.layerMemory(who)))
      const again = yield* NodeIdentity.pipe(Effect.provide(NodeIdentity.layerMemory(who)))
      const other = yield* NodeIdentity.pipe(Effect.provide(NodeIdentity.layerMemory({ ...who, id: "MONITOR-2" })))
      assert.deepStrictEqual(one, again)
      assert.notStrictEqual(one.boot, other.boot)
    }))
})
