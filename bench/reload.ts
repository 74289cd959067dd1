import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { Config } from "../src/config/Config.ts"
import { encodeMemoryDocuments, type RawDocuments } from "../src/config/memoryConfig.ts"
import { MemoryDocuments } from "../src/config/MemoryDocuments.ts"
import { AnswerState } from "../src/dns/AnswerState.ts"
import { domainName } from "../src/dns/DomainName.ts"
import { RecordType } from "../src/dns/protocol.ts"
import { Conditions } from "../src/node/Conditions.ts"
import { DurableFiles } from "../src/node/DurableFiles.ts"
import { Steering } from "../src/steering/Steering.ts"
import { atMost, type Benchmark } from "./measure.ts"
import { numbers, place } from "./random.ts"

const memberCount = 1_000
const serviceKeys = Array.from({ length: 200 }, (_, i) => `Service${i}`)
const hostOf = (service: string): string => `${service.toLowerCase()}.bench.example`

const random = numbers(5)
const places = Array.from({ length: memberCount }, () => place(random))
const staticName = domainName("static.bench.example")!

const addressIn = (version: number, member: number): string => `198.${18 + version}.${member >> 8}.${member & 255}`

/** 1,000 members that all serve 200 names. From one version to the next, every member and every service changes. */
const documents = (version: number): RawDocuments => ({
  services: Object.fromEntries(serviceKeys.map((key) => [key, {
    Configuration: { Name: `${key} ${version}`, ServiceType: "RPC", Active: 1, LevelRequired: 1 },
    Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
    Providers: { Bench: { RpcUrls: [`wss://${hostOf(key)}/`] } }
  }])),
  members: Object.fromEntries(places.map(({ latitude, longitude }, i) => [`member${i}`, {
    Details: { Name: `Member ${i}` },
    Membership: { MemberLevel: 5 },
    Service: { Active: 1, ServiceIPv4: addressIn(version, i), ServiceIPv6: `2001:db8::${i + 1}` },
    ServiceAssignments: { All: serviceKeys },
    Location: { Region: "Everywhere", Latitude: latitude, Longitude: longitude }
  }])),
  pricing: { Everywhere: { cores: 1, memory: 1, disk: 1, bandwidth: 1 } },
  staticDns: [
    { qname: "bench.example", qtype: "NS", content: "ns1.bench.example" },
    { qname: staticName.text, qtype: "A", content: `192.0.2.${version}` }
  ]
})

/** The same names and members beside 20,000 static records, of which one changes. */
const manyRecords = (version: number): RawDocuments => ({
  ...documents(0),
  staticDns: [
    ...documents(version).staticDns ?? [],
    ...Array.from({ length: 20_000 }, (_, i) => ({
      qname: `host${i}.bench.example`,
      qtype: "A",
      content: `10.0.${i >> 8}.${i & 255}`
    }))
  ]
})

/** The longest pauses of reloads in which one of many static records changes, in milliseconds. */
const recordPauses = (count: number) =>
  Effect.gen(function*() {
    const config = yield* Config
    const memory = yield* MemoryDocuments
    const state = yield* AnswerState
    const pauses: Array<number> = []
    for (let version = 1; version <= count; version++) {
      const texts = Object.entries(encodeMemoryDocuments(manyRecords(version)))
      yield* Effect.sleep("200 millis")
      for (const [location, text] of texts) yield* memory.set(location, text)
      const before = state.current().zones
      const pause = watchLoop()
      yield* config.reload
      while (state.current().zones === before) yield* Effect.sleep(0)
      pauses.push(pause())
    }
    return pauses
  })

const layer = AnswerState.layer.pipe(
  Layer.provideMerge(Steering.layerMemory(documents(0))),
  Layer.provide([DurableFiles.layerMemory, Conditions.layerMemory])
)

/** The longest time from one turn of the event loop to the next, in milliseconds, until it is asked for. */
const watchLoop = () => {
  let longest = 0
  let last = performance.now()
  let next = setImmediate(function turn() {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    next = setImmediate(turn)
  })
  return (): number => {
    clearImmediate(next)
    return Math.max(longest, performance.now() - last)
  }
}

interface Round {
  readonly rebuilt: number
  /** Of it, from the moment at which the new configuration was there. */
  readonly tables: number
  readonly pause: number
}

const rounds = (count: number) =>
  Effect.gen(function*() {
    const config = yield* Config
    const memory = yield* MemoryDocuments
    const state = yield* AnswerState
    const lastHost = hostOf(serviceKeys.at(-1)!)
    const isInForce = (version: number): boolean => {
      const { steering, zones } = state.current()
      const found = zones.lookup(staticName.key, RecordType.A)
      const choice = steering.choose(lastHost, false, { location: places[0], scope: "" })
      return found._tag === "Answer" && found.set.data[0]?.at(-1) === version &&
        choice?.addresses[0]?.startsWith(`198.${18 + version}.`) === true
    }
    let changedAt = 0
    yield* Stream.runForEach(config.changes, () =>
      Effect.sync(() => {
        changedAt = performance.now()
      })).pipe(Effect.forkScoped({ startImmediately: true }))
    const done: Array<Round> = []
    for (let version = 1; version <= count; version++) {
      const texts = Object.entries(encodeMemoryDocuments(documents(version)))
      // Steering is at rest: it takes what comes within a moment together.
      yield* Effect.sleep("200 millis")
      for (const [location, text] of texts) yield* memory.set(location, text)
      const start = performance.now()
      const pause = watchLoop()
      yield* config.reload
      while (!isInForce(version)) yield* Effect.sleep(0)
      const end = performance.now()
      done.push({ rebuilt: end - start, tables: end - changedAt, pause: pause() })
    }
    return done
  })

/**
 * From documents that have all changed to answers by them, as a node does it: read, decoded, checked, compared, kept,
 * and every name of steering and zones built anew. Other work on the machine only slows: the best of the rounds counts.
 */
export const run: Benchmark = async ({ smoke }) => {
  const done = await Effect.runPromise(
    rounds(smoke ? 2 : 12).pipe(
      Effect.scoped,
      Effect.provide(layer),
      Effect.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
    )
  )
  const pauses = await Effect.runPromise(
    recordPauses(smoke ? 3 : 8).pipe(
      Effect.scoped,
      Effect.provide(layer),
      Effect.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
    )
  )
  const best = (figure: keyof Round): number => Math.min(...done.map((round) => round[figure]))
  return [
    atMost("reload, 1,000 members × 200", best("rebuilt"), "ms", 100),
    atMost("reload, its tables and zones", best("tables"), "ms", 50),
    atMost("reload, longest pause", best("pause"), "ms", 20),
    // The first one brings all of them.
    atMost("reload, longest pause, 20,000 static records", Math.min(...pauses.slice(1)), "ms", 20)
  ]
}
