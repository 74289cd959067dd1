import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as metrics from "../../src/monitor/metrics.ts"
import type { PlannedTarget } from "../../src/monitor/PlannedTarget.ts"
import { Prober } from "../../src/monitor/Prober.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import type { Observation } from "../../src/status/Observation.ts"
import { Observer } from "../../src/status/Observer.ts"
import { plannedTarget } from "./planned.ts"

const Test = Layer.mergeAll(Prober.layer, ScriptedProbes.layer).pipe(Layer.provideMerge(Conditions.layerMemory))

type Options = Omit<Parameters<typeof plannedTarget>[0], "run">

const scripted = Effect.fnUntraced(function*(options: Options = {}) {
  const { run } = yield* ScriptedProbes
  return plannedTarget({ run, ...options })
})

const plan = Effect.fnUntraced(function*(targets: ReadonlyArray<PlannedTarget>, workers = 10) {
  const prober = yield* Prober
  yield* prober.replan(new Map(targets.map((planned) => [planned.key, planned])), workers)
})

/** Everything that is observed from now on. */
const watch = Effect.gen(function*() {
  const prober = yield* Prober
  const seen: Array<Observation> = []
  const stream = yield* prober.subscribe
  yield* Effect.forkScoped(
    Stream.runForEach(stream, ({ observation }) => Effect.sync(() => void seen.push(observation)))
  )
  return seen
})

const observe = Effect.fnUntraced(function*(planned: PlannedTarget, freshFor = -1) {
  const observer = yield* Observer
  return yield* observer.observe(planned.target, freshFor)
})

const started = (planned: PlannedTarget) =>
  ScriptedProbes.use(({ started }) => started({ member: planned.target.member, endpoint: planned.target.endpoint }))

describe("Prober", () => {
  it.effect("observes: status, error, data, when it ended and how long it took", () =>
    Effect.gen(function*() {
      const planned = yield* scripted()
      const { set } = yield* ScriptedProbes
      yield* plan([planned])
      const seen = yield* watch
      yield* set({}, { up: false, error: "status 503", data: { StatusCode: 503 }, latency: 120 })
      const prober = yield* Prober
      yield* prober.start(planned.key, 0)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen, [{
        target: planned.target,
        up: false,
        error: "status 503",
        data: { StatusCode: 503 },
        at: 120,
        latency: 120
      }])
    }).pipe(Effect.provide(Test)))

  it.effect("ends a probe at the timeout of its check", () =>
    Effect.gen(function*() {
      const planned = yield* scripted({ timeout: 4_000 })
      yield* plan([planned])
      yield* ScriptedProbes.use(({ set }) => set({}, { up: true, latency: Infinity }))
      const looking = yield* Effect.forkChild(observe(planned))
      yield* TestClock.adjust(3_999)
      assert.isUndefined(looking.pollUnsafe())
      yield* TestClock.adjust(1)
      const { at, error, up } = Option.getOrThrow(yield* Fiber.join(looking))
      assert.deepStrictEqual([up, error, at], [false, "no complete answer within 4 s", 4_000])
    }).pipe(Effect.provide(Test)))

  it.effect("never has two probes of one target under way", () =>
    Effect.gen(function*() {
      const planned = yield* scripted()
      yield* plan([planned])
      const prober = yield* Prober
      const seen = yield* watch
      yield* ScriptedProbes.use(({ set }) => set({}, { up: true, latency: 1_000 }))
      yield* prober.start(planned.key, 0)
      yield* prober.start(planned.key, 0)
      const votes = yield* Effect.forkChild(Effect.all([observe(planned), observe(planned)], { concurrency: 2 }))
      yield* TestClock.adjust("1 second")
      const [first, second] = yield* Fiber.join(votes)
      assert.deepStrictEqual(Option.getOrThrow(first), seen[0])
      assert.deepStrictEqual(Option.getOrThrow(second), seen[0])
      assert.strictEqual(yield* started(planned), 1)
    }).pipe(Effect.provide(Test)))

  it.effect("has no more probes under way than workers, and of one member than its share", () =>
    Effect.gen(function*() {
      const prober = yield* Prober
      yield* ScriptedProbes.use(({ set }) => set({}, { up: true, latency: 1_000 }))
      const targets: Array<PlannedTarget> = []
      for (const member of ["A", "B", "C", "D", "E"]) {
        for (let i = 0; i < 4; i++) targets.push(yield* scripted({ member, url: `http://${member}/${i}` }))
      }
      yield* plan(targets, 6)
      const seen = yield* watch
      for (const { key } of targets) yield* prober.start(key, 0)
      yield* Effect.yieldNow
      assert.strictEqual(yield* ScriptedProbes.use(({ started }) => started({})), 6)
      for (const member of ["A", "B", "C", "D", "E"]) {
        assert.isAtMost(yield* ScriptedProbes.use(({ started }) => started({ member })), 2)
      }
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(seen.length, 20)
      assert.deepStrictEqual(seen.map(({ at }) => at).filter((at) => at > 4_000), [])
      assert.strictEqual(yield* ScriptedProbes.use(({ started }) => started({})), 20)
    }).pipe(Effect.provide(Test)))

  it.effect("a probe that hangs does not hold up a new plan: the target is gone at once", () =>
    Effect.gen(function*() {
      const { run } = yield* ScriptedProbes
      const hangs = plannedTarget({
        run: () => Effect.uninterruptible(Effect.sleep("1 hour").pipe(Effect.andThen(run(hangs))))
      })
      const other = yield* scripted({ member: "Lagoon" })
      yield* plan([hangs], 1)
      const seen = yield* watch
      const looking = yield* Effect.forkChild(observe(hangs))
      yield* Effect.yieldNow
      yield* plan([other], 1)
      assert.isTrue(Option.isNone(yield* Fiber.join(looking)))
      assert.isTrue(Option.isNone(yield* observe(hangs)))
      const next = yield* Effect.forkChild(observe(other))
      yield* TestClock.adjust(1)
      assert.isTrue(Option.isSome(yield* Fiber.join(next)))
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(seen.map(({ target }) => target.member), ["Lagoon"])
    }).pipe(Effect.provide(Test)))

  it.effect("ends the probe under way of a target that is gone", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const hanging = (member: string) =>
        plannedTarget({
          member,
          run: () => Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => void ended.push(member)))),
          timeout: 60_000
        })
      const [gone, stays] = [hanging("Harbour"), hanging("Lagoon")]
      yield* plan([gone, stays])
      const prober = yield* Prober
      yield* prober.start(gone.key, 0)
      yield* prober.start(stays.key, 0)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(ended, [])
      yield* plan([stays])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(ended, ["Harbour"])
    }).pipe(Effect.provide(Test)))

  it.effect("a target that is another thing now is observed anew; new times alone change nothing", () =>
    Effect.gen(function*() {
      const planned = yield* scripted()
      yield* plan([planned])
      const looking = yield* Effect.forkChild(observe(planned))
      yield* TestClock.adjust(1)
      const first = Option.getOrThrow(yield* Fiber.join(looking))
      yield* plan([yield* scripted({ timeout: 99, interval: 99 })])
      assert.strictEqual(Option.getOrThrow(yield* observe(planned, 10_000)), first)
      assert.strictEqual(yield* started(planned), 1)
      yield* plan([yield* scripted({ address: "127.0.1.8" })])
      const again = yield* Effect.forkChild(observe(planned, 10_000))
      yield* TestClock.adjust(1)
      assert.notStrictEqual(Option.getOrThrow(yield* Fiber.join(again)), first)
      assert.strictEqual(yield* started(planned), 2)
    }).pipe(Effect.provide(Test)))

  it.effect("measures how late probes start, how long they take, and what comes of them", () =>
    Effect.gen(function*() {
      const measures = Effect.all({
        lateness: Metric.value(metrics.lateness),
        duration: Metric.value(metrics.duration),
        up: Metric.value(metrics.outcomes.up),
        skipped: Metric.value(metrics.skipped)
      })
      const planned = yield* scripted()
      const prober = yield* Prober
      yield* plan([planned])
      const before = yield* measures
      yield* TestClock.setTime(10_000)
      yield* ScriptedProbes.use(({ set }) => set({}, { up: true, latency: 500 }))
      yield* prober.start(planned.key, 8_000)
      yield* prober.start(planned.key, 9_000)
      yield* TestClock.adjust("1 second")
      const after = yield* measures
      assert.strictEqual(after.lateness.count - before.lateness.count, 1)
      assert.closeTo(after.lateness.sum - before.lateness.sum, 2, 1e-9)
      assert.closeTo(after.duration.sum - before.duration.sum, 0.5, 1e-9)
      assert.strictEqual(after.up.count - before.up.count, 1)
      assert.strictEqual(after.skipped.count - before.skipped.count, 1)
    }).pipe(Effect.provide(Test)))

  it.effect("a broken probe says nothing about its member, and the next one works", () =>
    Effect.gen(function*() {
      const { run } = yield* ScriptedProbes
      let isBroken = true
      const planned = plannedTarget({ run: (p) => isBroken ? Effect.die(new Error("a bug of ours")) : run(p) })
      yield* plan([planned])
      const seen = yield* watch
      assert.isTrue(Option.isNone(yield* observe(planned)))
      isBroken = false
      const looking = yield* Effect.forkChild(observe(planned))
      yield* TestClock.adjust(1)
      assert.isTrue(Option.getOrThrow(yield* Fiber.join(looking)).up)
      assert.strictEqual(seen.length, 1)
    }).pipe(Effect.provide(Test)))

  it.effect("a node that cannot try says so of itself, and nothing of the member", () =>
    Effect.gen(function*() {
      const planned = yield* scripted()
      const { set } = yield* ScriptedProbes
      const conditions = yield* Conditions
      yield* plan([planned])
      const seen = yield* watch
      const look = Effect.gen(function*() {
        const looking = yield* Effect.forkChild(observe(planned))
        yield* TestClock.adjust(1)
        return yield* Fiber.join(looking)
      })
      yield* set({}, { up: undefined, error: "this node could not try: EMFILE: raise the limits" })
      assert.isTrue(Option.isNone(yield* look))
      assert.deepStrictEqual(seen, [])
      const [condition] = yield* conditions.current
      assert.strictEqual(condition!.name, "probes")
      assert.match(condition!.detail, /EMFILE.*raise the limits/)
      yield* set({}, { up: true })
      yield* look
      assert.strictEqual((yield* conditions.current).length, 1)
      yield* TestClock.adjust("1 minute")
      yield* look
      assert.deepStrictEqual(yield* conditions.current, [])
      assert.strictEqual(seen.length, 2)
    }).pipe(Effect.provide(Test)))
})

describe("Observer", () => {
  it.effect("gives the last observation while it is fresh, then a new one", () =>
    Effect.gen(function*() {
      const planned = yield* scripted()
      yield* plan([planned])
      const look = Effect.fnUntraced(function*(freshFor: number) {
        const looking = yield* Effect.forkChild(observe(planned, freshFor))
        yield* TestClock.adjust(1)
        return Option.getOrThrow(yield* Fiber.join(looking)).at
      })
      assert.strictEqual(yield* look(10_000), 1)
      yield* TestClock.setTime(10_000)
      assert.strictEqual(yield* look(10_000), 1)
      yield* TestClock.setTime(10_002)
      assert.strictEqual(yield* look(10_000), 10_003)
      assert.strictEqual(yield* started(planned), 2)
    }).pipe(Effect.provide(Test)))

  it.effect("asks whether it may probe only where it has to, and makes none when it may not", () =>
    Effect.gen(function*() {
      const planned = yield* scripted()
      yield* plan([planned])
      const observer = yield* Observer
      const asked: Array<boolean> = []
      const look = (may: boolean) =>
        observer.observe(planned.target, 1_000, () => {
          asked.push(may)
          return may
        })
      assert.isTrue(Option.isNone(yield* look(false)))
      assert.strictEqual(yield* started(planned), 0)
      const looking = yield* Effect.forkChild(look(true), { startImmediately: true })
      // It joins the one under way.
      const joining = yield* Effect.forkChild(look(false), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isSome(yield* Fiber.join(looking)))
      assert.isTrue(Option.isSome(yield* Fiber.join(joining)))
      // This one is fresh.
      assert.isTrue(Option.isSome(yield* look(false)))
      assert.deepStrictEqual(asked, [false, true])
      assert.strictEqual(yield* started(planned), 1)
    }).pipe(Effect.provide(Test)))

  it.effect("judges no target that is not planned here", () =>
    Effect.gen(function*() {
      const planned = yield* scripted()
      assert.isTrue(Option.isNone(yield* observe(planned)))
      yield* plan([planned])
      const { ipv6: _, ...rest } = planned.target
      const observer = yield* Observer
      assert.isTrue(Option.isNone(yield* observer.observe({ ...rest, ipv6: true }, 10_000)))
      assert.strictEqual(yield* started(planned), 0)
    }).pipe(Effect.provide(Test)))

  it.effect("waits 10 s for a probe; one that takes longer still counts when it is done", () =>
    Effect.gen(function*() {
      const planned = yield* scripted({ timeout: 60_000 })
      yield* plan([planned])
      const seen = yield* watch
      yield* ScriptedProbes.use(({ set }) => set({}, { up: true, latency: 12_000 }))
      const looking = yield* Effect.forkChild(observe(planned))
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.join(looking)))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(seen.length, 1)
      assert.isTrue(Option.isSome(yield* observe(planned, 1_000)))
    }).pipe(Effect.provide(Test)))
})
