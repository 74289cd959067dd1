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

const listen = (isHearing = true) => Heartbeats.use((heartbeats) => heartbeats.listen(isHearing))
const sought = Heartbeats.use((heartbeats) => heartbeats.sought)
const nothing = { up: undefined, error: "", data: null }

describe("heartbeat", () => {
  it.effect("the member's agent has reported within the interval", () =>
    Effect.gen(function*() {
      yield* listen()
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

  it.effect("no word of a member whose agent was never heard: it is looked for", () =>
    Effect.gen(function*() {
      yield* listen()
      yield* report("Somebody Else")
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* look(), nothing)
      assert.deepStrictEqual(yield* sought, [])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* look(), nothing)
      assert.deepStrictEqual(yield* sought, ["Harbour"])
      // Nobody asks for it any more
      yield* TestClock.adjust("151 seconds")
      assert.deepStrictEqual(yield* sought, [])
      yield* look()
      yield* report("harbour")
      assert.deepStrictEqual(yield* sought, [])
      yield* TestClock.adjust("61 seconds")
      assert.deepInclude(yield* look(), { up: false, error: "the agent has not reported for 60 s" })
    }).pipe(Effect.provide(Probes.layer)))

  it.effect("silence counts only while agents can be heard, and from when they can be heard again", () =>
    Effect.gen(function*() {
      // At first nobody listens
      yield* report("harbour")
      assert.deepStrictEqual(yield* look(), nothing)
      yield* listen()
      assert.deepInclude(yield* look(), { up: true })
      yield* listen(false)
      assert.deepStrictEqual(yield* look(), nothing)
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* look(), nothing)
      yield* listen()
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(yield* look(), nothing)
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* look(), { up: false, error: "the agent has not reported for 60 s" })
      yield* report("harbour")
      assert.deepInclude(yield* look(), { up: true })
    }).pipe(Effect.provide(Probes.layer)))

  it.effect("where no agent is ever heard it cannot run, and says why", () =>
    Effect.gen(function*() {
      const heartbeat = (yield* Probes).get("heartbeat")!
      assert.isUndefined(heartbeat.unusable!())
      yield* Heartbeats.use((heartbeats) => heartbeats.giveUp("nobody is heard here"))
      assert.strictEqual(heartbeat.unusable!(), "nobody is heard here")
      assert.deepStrictEqual(yield* look(), { ...nothing, error: "nobody is heard here" })
    }).pipe(Effect.provide(Probes.layer)))

  it.effect("members that were heard longest ago are forgotten when there are too many", () =>
    Effect.gen(function*() {
      const heartbeats = yield* Heartbeats
      for (let i = 0; i <= 10_000; i++) yield* report(`member ${i}`)
      assert.isUndefined(yield* heartbeats.last("member 0"))
      assert.deepInclude(yield* heartbeats.last("MEMBER 1"), { up: true, age: 0 })
    }).pipe(Effect.provide(Heartbeats.layer)))
})
