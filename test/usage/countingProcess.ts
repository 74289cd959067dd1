import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import * as Store from "../../src/store/Store.ts"
import { UsageStore } from "../../src/store/UsageStore.ts"
import { Usage } from "../../src/usage/Usage.ts"

/**
 * Counts answers as fast as it says, and stores them several times a second, until it is killed. Every few milliseconds it
 * says how many it will have counted before it counts them, and when totals go to the store and have arrived there. With
 * `once` it only stores what is there, and ends.
 */
const [directory = "", offset = "0", once = ""] = process.argv.slice(2)
const live = Effect.runSync(Clock.Clock)
const shift = Number(offset)
/** A clock on another day. */
const clock: Clock.Clock = {
  currentTimeMillisUnsafe: () => live.currentTimeMillisUnsafe() + shift,
  currentTimeMillis: Effect.sync(() => live.currentTimeMillisUnsafe() + shift),
  currentTimeNanosUnsafe: () => live.currentTimeNanosUnsafe() + BigInt(shift) * 1_000_000n,
  currentTimeNanos: Effect.sync(() => live.currentTimeNanosUnsafe() + BigInt(shift) * 1_000_000n),
  monotonicTimeNanosUnsafe: () => live.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: live.monotonicTimeNanos,
  sleep: (duration) => live.sleep(duration)
}
const place = { location: undefined, country: "DE", countryName: "Germany", asn: "AS64500", prefix: 24 }

const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

const telling = Layer.effect(
  UsageStore,
  Effect.map(UsageStore, (store) =>
    UsageStore.of({
      ...store,
      upsert: (rows) => say("flushing").pipe(Effect.andThen(store.upsert(rows)), Effect.andThen(say("flushed")))
    }))
)

const program = Effect.gen(function*() {
  const usage = yield* Usage
  if (once !== "") return void (yield* usage.flush)
  let counted = 0
  process.stdout.write("0\n")
  while (true) {
    process.stdout.write(`${counted + 40}\n`)
    for (let i = 0; i < 40; i++) {
      usage.record({
        domain: `${i % 7}.example`,
        member: `Member ${i % 3}`,
        place: { ...place, network: `Net ${counted % 500}` },
        ipv6: false
      })
      counted += 1
    }
    yield* Effect.sleep("4 millis")
  }
})

await program.pipe(
  Effect.provide(
    Usage.layerStoringWith({ flushEvery: "200 millis" }).pipe(
      Layer.provide([
        AppendFiles.layer(directory),
        NodeIdentity.layer({ id: "dns-1", role: "IBPDns" }),
        Conditions.layer,
        telling.pipe(
          Layer.provide(Store.layerSqlite({ filename: `${directory}/usage.sqlite`, busyTimeout: "20 seconds" }))
        )
      ])
    )
  ),
  Effect.provideService(Clock.Clock, clock),
  Effect.scoped,
  Effect.runPromise
)
