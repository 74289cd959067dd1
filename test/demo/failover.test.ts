import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Random, References } from "effect"
import { TestClock } from "effect/testing"
import { failover, failoverSteps, type Seen } from "../../src/demo/failover.ts"
import { demoMembers } from "../../src/demo/places.ts"
import { layer as simulatedWorld } from "../../src/demo/SimulatedWorld.ts"

/** A bad day of the network: one message in ten lost, one in twenty twice, all late and out of order. */
const faults = { loss: 0.1, duplication: 0.05, delay: { min: "1 millis", max: "400 millis" } } as const

/** Plays the story in simulated time. Gives what was seen, or fails with what was missing. */
const play = Effect.fnUntraced(function*(seed: number) {
  const seen: Array<Seen> = []
  const story = failover({
    member: demoMembers[0]!,
    client: "203.0.113.7",
    onSeen: (step) => Effect.sync(() => void seen.push(step)),
    patience: "3 minutes"
  }).pipe(
    Effect.provide(simulatedWorld(faults)),
    Random.withSeed(seed)
  )
  yield* TestClock.setTime(Date.parse("2026-04-21T08:00:00Z"))
  const fiber = yield* Effect.forkChild(story)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
  const exit = yield* Fiber.await(fiber)
  if (Exit.isFailure(exit)) yield* Effect.die(new Error(`seed ${seed}: ${exit.cause}`))
  return seen
}, Effect.provide(TestClock.layer()))

const quiet = Layer.mergeAll(Logger.layer([]), Layer.succeed(References.MinimumLogLevel, "Fatal"))

describe("failover", () => {
  it.effect("is seen whole in 200 seeded runs over a network with loss and reordering", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < 200; seed++) {
        const seen = yield* play(seed)
        assert.deepStrictEqual(seen.map(({ step }) => step), [...failoverSteps], `seed ${seed}`)
        assert.isTrue(seen.every(({ at }, i) => i === 0 || at >= seen[i - 1]!.at), `seed ${seed}: times`)
      }
    }).pipe(Effect.provide(quiet)), 120_000)

  it.effect("is the same for the same seed", () =>
    Effect.gen(function*() {
      const times = (seen: ReadonlyArray<Seen>) =>
        seen.map(({ at, step, what }) => `${step} ${at - seen[0]!.at} ${what}`)
      assert.deepStrictEqual(times(yield* play(7)), times(yield* play(7)))
    }).pipe(Effect.provide(quiet)))
})
