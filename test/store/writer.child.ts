import { Effect, Stream } from "effect"
import { writeSync } from "node:fs"
import { OutageStore, Store, UsageStore } from "../../src/store/index.ts"
import { march, outage, target, usage } from "./samples.ts"

// Stores without end and says what was acknowledged, until it is killed.
const run = Effect.gen(function*() {
  const outages = yield* OutageStore
  const counted = yield* UsageStore
  yield* Stream.range(1, 1_000_000).pipe(
    Stream.runForEach((i) =>
      Effect.gen(function*() {
        yield* outages.open(outage(`o${i}`, { target: target({ check: `c${i}` }) }))
        yield* outages.close(`o${i}`, march + i, false)
        yield* counted.upsert(Array.from({ length: 20 }, (_, k) => usage(i, { network: `net ${k}` })))
        writeSync(1, `${i}\n`)
      })
    )
  )
}).pipe(Effect.provide(Store.layerSqlite({ filename: process.argv[2]! })))

await Effect.runPromise(run)
