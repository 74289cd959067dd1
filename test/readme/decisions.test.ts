import { assert, it } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Option } from "effect"
import { MemoryBroker } from "effect-geodns/bus"
import { Consensus } from "effect-geodns/consensus"
import { Observer } from "effect-geodns/status"
import { TestClock } from "effect/testing"
import { nextDecision } from "./decisions.ts"

const target = { checkType: "site", check: "tcp", member: "Rhine", domain: "", endpoint: "", ipv6: false } as const

/** Whatever it looks at is down. */
const gloomy = Layer.succeed(Observer, {
  observe: (target) =>
    Effect.map(
      Clock.currentTimeMillis,
      (at) => Option.some({ target, up: false, error: "refused", data: null, at, latency: 1 })
    )
})
const monitor = (id: string) => Layer.provide(Consensus.layerMemory({ id, role: "IBPMonitor" }), gloomy)
const dns = Layer.provide(Consensus.layerMemory({ id: "dns-1", role: "IBPDns" }), Observer.layerNone)

it.effect("a DNS node hears what two monitors decide", () =>
  Effect.gen(function*() {
    const heard = yield* Effect.forkChild(nextDecision, { startImmediately: true })
    const first = Context.get(yield* Layer.build(monitor("monitor-1")), Consensus)
    yield* Layer.build(monitor("monitor-2"))
    yield* TestClock.adjust("2 seconds") // until they have heard of each other
    yield* first.propose({ target, up: false, error: "refused", data: null })
    yield* TestClock.adjust("1 second")
    const event = yield* Effect.flatMap(Fiber.join(heard), Effect.fromOption)
    assert.deepStrictEqual(event._tag === "Decided" && event.decision.votes, { "monitor-1": true, "monitor-2": true })
  }).pipe(Effect.provide(dns), Effect.provide(MemoryBroker.layer)))
