import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, References } from "effect"
import { TestClock } from "effect/testing"
import { limitNotice } from "../../src/dns/limitNotice.ts"
import { Conditions } from "../../src/node/Conditions.ts"

describe("limitNotice", () => {
  it.effect("is one condition and one line for each time, and over after a quiet minute", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ fiber, logLevel }) => {
      if (logLevel === "Warn") lines.push(fiber.getRef(References.CurrentLogAnnotations)["network"])
    })
    return Effect.gen(function*() {
      const conditions = yield* Conditions
      const isRaised = Effect.map(conditions.current, (all) => all.some(({ name }) => name === "dns:rate-limit"))
      let client: string | undefined
      yield* limitNotice(() => client)
      yield* TestClock.adjust("2 minutes")
      assert.isFalse(yield* isRaised)
      client = "192.0.2.77"
      yield* TestClock.adjust("5 minutes")
      assert.isTrue(yield* isRaised)
      client = undefined
      yield* TestClock.adjust("59 seconds")
      assert.isTrue(yield* isRaised)
      yield* TestClock.adjust("2 seconds")
      assert.isFalse(yield* isRaised)
      for (const next of ["::ffff:192.0.2.77", "2001:db8:1:234::1", "fe80::1%eth0"]) {
        client = next
        yield* TestClock.adjust("1 seconds")
        client = undefined
        yield* TestClock.adjust("1 minutes")
      }
      assert.deepStrictEqual(lines, ["192.0.2.0/24", "192.0.2.0/24", "2001:db8:1:200::/56", "fe80::1%eth0"])
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(Conditions.layerMemory, Logger.layer([logger]))))
  })
})
