import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { Config } from "../../src/config/Config.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { KnownTargets } from "../../src/status/KnownTargets.ts"
import { MonitorResults } from "../../src/status/MonitorResults.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { BadStatus, type ResultsError } from "../../src/status/ResultsError.ts"
import { Shadow } from "../../src/status/Shadow.ts"
import { decision, targetNamed } from "./fixtures.ts"

/** The results of a monitor: what each member is, as v2 writes it, or as its older versions do. */
const results = (members: Readonly<Record<string, boolean>>, older = false) =>
  JSON.stringify({
    EndpointResults: [{
      CheckName: "wss",
      Domain: "rpc.example",
      RpcUrl: "wss://rpc.example/polkadot",
      IsIPv6: false,
      Results: Object.entries(members).flatMap(([MemberName, Status]) =>
        older ? (Status ? [] : [{ MemberName }]) : [{ MemberName, Status, Checktime: "1970-01-01T00:00:01Z" }]
      )
    }]
  })

const start = Effect.fnUntraced(function*(first: Effect.Effect<string, ResultsError["reason"]>) {
  const answer = yield* Ref.make(first)
  const services = yield* Layer.build(
    Shadow.layerFollowed.pipe(
      Layer.provide(
        MonitorResults.layerMemory({ host: "monitor.example:9090", answer: Effect.flatten(Ref.get(answer)) })
      ),
      Layer.provideMerge(OfficialStatus.layer),
      Layer.provideMerge(Conditions.layerMemory),
      Layer.provide([
        DurableFiles.layerMemory,
        Config.layerMemory({ local: { DnsApi: { RefreshIntervalSeconds: 30 } } }),
        Layer.succeed(KnownTargets, () => ({ member }) => member !== "gone")
      ])
    )
  )
  const official = Context.get(services, OfficialStatus)
  const { comparison } = Context.get(services, Shadow)
  return {
    comparison,
    setAnswer: (next: Effect.Effect<string, ResultsError["reason"]>) => Ref.set(answer, next),
    decide: (member: string, up: boolean) =>
      official.restore(decision({ id: member, target: targetNamed(member), up, decidedAt: 1 })),
    differences: Effect.map(
      comparison,
      ({ differences }) =>
        differences.map(({ here, since, target, there }) => ({ member: target.member, here, there, since }))
    ),
    condition: Effect.map(
      Context.get(services, Conditions).current,
      (all) => all.find(({ name }) => name === "shadow")?.detail
    )
  }
})

describe("Shadow.layerFollowed", () => {
  it.effect("compares what it follows with what the monitor says is official", () =>
    Effect.gen(function*() {
      const node = yield* start(Effect.succeed(results({ A: false, B: true, gone: true })))
      yield* node.decide("A", true)
      yield* node.decide("B", true)
      yield* node.decide("C", false)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.differences, [
        { member: "A", here: true, there: false, since: 0 },
        { member: "C", here: false, there: undefined, since: 0 }
      ])
      assert.deepInclude(yield* node.comparison, {
        against: "the results of monitor.example:9090",
        at: 30_000,
        problem: undefined,
        compared: 3,
        agreed: 1
      })
      assert.match((yield* node.condition)!, /0 of 3 targets differ/)
      yield* TestClock.adjust("60 seconds")
      assert.match((yield* node.condition)!, /2 of 3 targets differ from the results of monitor\.example:9090$/)

      yield* node.setAnswer(Effect.succeed(results({ A: true, B: true, C: false })))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.differences, [])
    }))

  it.effect("takes what an older monitor does not list for up", () =>
    Effect.gen(function*() {
      const node = yield* start(Effect.succeed(results({ A: false, B: true, C: true }, true)))
      yield* node.decide("A", false)
      yield* node.decide("B", true)
      yield* node.decide("C", false)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.differences, [{ member: "C", here: false, there: true, since: 0 }])
    }))

  it.effect("says why it cannot compare, and keeps what it saw before", () =>
    Effect.gen(function*() {
      const node = yield* start(Effect.succeed(results({ A: false })))
      yield* node.decide("A", true)
      yield* TestClock.adjust("30 seconds")
      yield* node.setAnswer(Effect.fail(new BadStatus({ status: 503 })))
      yield* TestClock.adjust("30 seconds")
      const { at, differences, problem } = yield* node.comparison
      assert.deepStrictEqual([at, problem], [30_000, "monitor.example:9090 has no results yet (status 503)"])
      assert.lengthOf(differences, 1)
      assert.match((yield* node.condition)!, /It cannot compare with the results of monitor\.example:9090: monitor/)
    }))
})
