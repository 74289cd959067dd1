import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { makeLook } from "../../src/consensus/makeLook.ts"
import { probeRates } from "../../src/consensus/ProbeBudget.ts"
import { type Target, targetKey } from "../../src/domain/Target.ts"
import type { Observation } from "../../src/status/Observation.ts"
import { Observer } from "../../src/status/Observer.ts"
import { target } from "./fixtures.ts"

const named = (member: string): Target => ({ ...target, member })

/** Sees everything up, by a probe each time when the last one is too old, as a monitor does. */
const looking = (isOutsider: (from: string) => boolean = () => false) =>
  Effect.gen(function*() {
    const lasts = new Map<string, Observation>()
    let probes = 0
    const look = yield* makeLook({ freshFor: () => 10_000, isOutsider }).pipe(
      Effect.provideService(Observer, {
        observe: (of, freshFor, mayProbe = () => true) =>
          Effect.map(Clock.currentTimeMillis, (at) => {
            const last = lasts.get(targetKey(of))
            if (last !== undefined && at - last.at <= freshFor) return Option.some(last)
            if (!mayProbe()) return Option.none()
            probes++
            const seen: Observation = { target: of, up: true, error: "", data: null, at, latency: 1 }
            lasts.set(targetKey(of), seen)
            return Option.some(seen)
          })
      })
    )
    return {
      probes: () => probes,
      ask: (from: string, of: Target, up = true) => look({ _tag: "Observe", id: "p", target: of, up, from })
    }
  })

/** Proposes as many different targets, and returns how many it may have looked at. */
const flood = (ask: (from: string, of: Target) => Effect.Effect<{ readonly up: boolean | undefined }>, from: string) =>
  Effect.map(
    Effect.forEach(Array.from({ length: 6_000 }, (_, i) => i), (i) => ask(from, named(`${from} ${i}`))),
    (all) => all.filter(({ up }) => up !== undefined).length
  )

describe("looking at what others propose", () => {
  it.effect("costs nothing where what was seen last is fresh, also when nothing more may be probed", () =>
    Effect.gen(function*() {
      const { ask, probes } = yield* looking()
      const ours = named("Ours")
      yield* ask("m1", ours)
      assert.strictEqual(yield* flood(ask, "evil"), probeRates.proposer.most)
      const before = probes()
      assert.deepStrictEqual(yield* ask("evil", ours), { up: true, observedAt: 0 })
      assert.deepStrictEqual(yield* ask("evil", named("new")), { up: undefined, reason: "busy" })
      assert.strictEqual(probes(), before)
      // Nor where it was looked at a second time.
      assert.deepStrictEqual(yield* ask("evil", ours, false), { up: true, observedAt: 0 })
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual(yield* ask("m1", ours), { up: true, observedAt: 11_000 })
    }))

  it.effect("leaves members their probes, however many outsiders ask for the same one to be probed", () =>
    Effect.gen(function*() {
      const { ask, probes } = yield* looking((from) => from.startsWith("evil"))
      const one = named("One")
      let times = 0
      for (let i = 0; i < 3_000; i++) {
        if ((yield* ask(`evil ${i}`, { ...one, endpoint: `x${i}` })).up !== undefined) times++
      }
      assert.strictEqual(times, probeRates.outsiders.most)
      assert.strictEqual(probes(), times)
      for (let i = 0; i < 1_000; i++) {
        assert.strictEqual((yield* ask("m1", { ...one, endpoint: `n${i}` })).up, true)
      }
    }))
})
