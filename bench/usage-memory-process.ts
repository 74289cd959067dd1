/**
 * Counts many distinct keys into journals in a folder, then goes on at a DNS node's pace, then reads the whole journal as
 * for a collator that asks for yesterday, and writes what that cost as one line of JSON.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AppendFiles } from "../src/node/AppendFiles.ts"
import { Conditions } from "../src/node/Conditions.ts"
import { NodeIdentity } from "../src/node/NodeIdentity.ts"
import { UsageJournals } from "../src/usage/UsageJournals.ts"

const [folder = "", keyCount = "1000000", steadySeconds = "10"] = process.argv.slice(2)
const keys = Number(keyCount)
const networks = 75_000

const hit = (i: number) => ({
  domain: `rpc${(i / networks | 0) % 20}.example.org`,
  member: `Member ${(i / networks | 0) % 13}`,
  place: {
    location: undefined,
    country: String.fromCharCode(65 + i % 20, 65 + i % 10),
    countryName: `Country ${i % 200}`,
    asn: `AS${64_000 + i % networks}`,
    network: `Example Network ${i % networks} Ltd.`,
    prefix: 24
  },
  ipv6: false
})

/**
 * The longest that the event loop worked at one thing meanwhile: the most CPU time of this thread between two ticks of a
 * millisecond. Not the time on the clock, which is that of whatever else runs on the machine too.
 */
const blocked = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const spent = () => {
      const { system, user } = process.threadCpuUsage()
      return (system + user) / 1_000
    }
    let last = spent()
    let millis = 0
    const ticks = setInterval(() => {
      const now = spent()
      millis = Math.max(millis, now - last)
      last = now
    }, 1)
    return Effect.map(effect, (value) => {
      clearInterval(ticks)
      return { value, millis: Math.max(millis, spent() - last) }
    })
  })

const count = (total: number, perSlice: number, key: (i: number) => number) =>
  Effect.gen(function*() {
    const journals = yield* UsageJournals
    for (let i = 0; i < total;) {
      for (let k = 0; k < perSlice && i < total; k++) journals.record(hit(key(i++)))
      yield* Effect.sleep("10 millis")
    }
  })

const program = Effect.gen(function*() {
  const journals = yield* UsageJournals
  const filling = yield* blocked(count(keys, 500, (i) => i))
  const steady = yield* blocked(count(Number(steadySeconds) * 10_000, 100, (i) => i * 7919 % keys))
  yield* journals.sync
  const held = process.memoryUsage().rss
  const other = yield* Layer.build(Layer.fresh(UsageJournals.layer))
  const reading = yield* blocked(Effect.provideContext(
    Effect.gen(function*() {
      const journals = yield* UsageJournals
      const [journal] = yield* journals.list()
      return (yield* journals.table(journal!)).rows
    }),
    other
  ))
  console.log(JSON.stringify({
    keys: journals.stats().keys,
    read: reading.value,
    heldMb: held / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1e3,
    fillingMillis: filling.millis,
    steadyMillis: steady.millis,
    readingMillis: reading.millis
  }))
})

await program.pipe(
  Effect.provide(
    UsageJournals.layer.pipe(Layer.provideMerge([
      AppendFiles.layer(folder),
      NodeIdentity.layer({ id: "dns-1", role: "IBPDns" }),
      Conditions.layer
    ]))
  ),
  Effect.scoped,
  Effect.runPromise
)
