import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { Heartbeats } from "../../../src/monitor/Heartbeats.ts"
import { Probes } from "../../../src/monitor/Probes.ts"
import { lookAt } from "./looks.ts"

const report = (member: string, up = true, error = "") =>
  Heartbeats.use((heartbeats) => heartbeats.report(member, { up, error, data: { load: 0.5 } }))
const look = (options = {}) =>
  lookAt({ address: "192.0.2.1", port: 443 }, { probe: "heartbeat", member: "Harbour", interval: 60_000, options })

describe("heartbeat", () => {
  it.effect("the member's agent has reported within the interval", () =>
    Effect.gen(function*() {
      yield* report("harbour")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* look(), { up: true, error: "", data: { Age: 60, Report: { load: 0.5 } } })
      yield* TestClock.adjust("1 second")
      const late = yield* look()
      assert.deepInclude(late, { up: false, error: "the agent has not reported for 60 s" })
      assert.deepInclude(late.data, { Age: 61 })
      assert.deepInclude(yield* look({ MaxAge: 90 }), { up: true })
      yield* report("Harbour", false, "disk full")
      assert.deepInclude(yield* look(), { up: false, error: "the agent reports: disk full" })
    }).pipe(Effect.provide(Probes.layer)))

  it.effect("a node that has not listened for an interval has no opinion of who was not heard", () =>
    Effect.gen(function*() {
      yield* report("Somebody Else")
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* look(), { up: undefined, error: "", data: null })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* look(), { up: false, error: "the agent has never reported", data: null })
    }).pipe(Effect.provide(Probes.layer)))

  it.effect("members that were heard longest ago are forgotten when there are too many", () =>
    Effect.gen(function*() {
      const heartbeats = yield* Heartbeats
      for (let i = 0; i <= 10_000; i++) yield* report(`member ${i}`)
      assert.isUndefined(yield* heartbeats.last("member 0"))
      assert.deepInclude(yield* heartbeats.last("MEMBER 1"), { up: true, age: 0 })
    }).pipe(Effect.provide(Heartbeats.layer)))
})
