import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, PubSub, Stream } from "effect"
import { Config } from "../../src/config/Config.ts"
import { setDocuments } from "../../src/config/memoryConfig.ts"
import { reloadOnHangup } from "../../src/config/reloadOnSignal.ts"

const price = { cores: 1, memory: 1, disk: 1, bandwidth: 1 }
const version = Config.use((config) => Effect.map(config.current, (snapshot) => snapshot.version))
const changed = Config.use(({ changes }) => Stream.runHead(changes))

describe("reloadOnHangup", () => {
  it.effect("reads everything again at each signal", () =>
    Effect.gen(function*() {
      const signals = yield* PubSub.unbounded<void>()
      yield* Effect.gen(function*() {
        for (const [i, region] of ["a", "b"].entries()) {
          yield* setDocuments({ pricing: { [region]: price } })
          assert.strictEqual(yield* version, i + 1)
          const next = yield* Effect.forkChild(changed, { startImmediately: true })
          yield* PubSub.publish(signals, undefined)
          yield* Effect.flatMap(Effect.yieldNow, () => Fiber.await(next))
          assert.strictEqual(yield* version, i + 2)
        }
      }).pipe(Effect.provide(reloadOnHangup(Stream.fromPubSub(signals)).pipe(Layer.provideMerge(Config.layerMemory()))))
    }).pipe(Effect.provide(Logger.layer([]))))

  it.live("listens to the process as long as its scope, and no longer", () =>
    Effect.gen(function*() {
      const before = process.listenerCount("SIGHUP")
      yield* Effect.gen(function*() {
        while (process.listenerCount("SIGHUP") === before) yield* Effect.yieldNow
        const next = yield* Effect.forkChild(changed, { startImmediately: true })
        yield* setDocuments({ pricing: { a: price } })
        process.kill(process.pid, "SIGHUP")
        yield* Effect.timeout(Fiber.await(next), "10 seconds")
        assert.strictEqual(yield* version, 2)
      }).pipe(Effect.provide(reloadOnHangup().pipe(Layer.provideMerge(Config.layerMemory()))))
      assert.strictEqual(process.listenerCount("SIGHUP"), before)
    }).pipe(Effect.provide(Logger.layer([]))))
})
