import { Clock, Effect, Layer, Result } from "effect"
import * as References from "effect/References"
import { renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { Config } from "../../../src/config/Config.ts"
import { setDocuments } from "../../../src/config/memoryConfig.ts"
import { AcmeChallenges } from "../../../src/dns/AcmeChallenges.ts"
import { AnswerState } from "../../../src/dns/AnswerState.ts"
import { DnsServer } from "../../../src/dns/DnsServer.ts"
import { domainName } from "../../../src/dns/DomainName.ts"
import { RecordType } from "../../../src/dns/protocol.ts"
import { writeDatabase } from "../../../src/geo/GeoEntry.ts"
import { GeoIp } from "../../../src/geo/GeoIp.ts"
import { Conditions } from "../../../src/node/Conditions.ts"
import { DurableFiles } from "../../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../../src/node/NodeIdentity.ts"
import { OfficialStatus } from "../../../src/status/OfficialStatus.ts"
import { Steering } from "../../../src/steering/Steering.ts"
import { Usage } from "../../../src/usage/Usage.ts"
import { decide } from "../../steering/world.ts"
import {
  type Change,
  databases,
  documents,
  entries,
  healths,
  memberName,
  near,
  now,
  probeAddress,
  probeName,
  type State,
  staticAddress,
  staticName,
  versions
} from "./world.ts"

/*
 * `node server.child.ts FOLDER` is a server whose documents, GeoIP database (a file in the folder) and health change all the
 * time. It tells its parent the port, and when it is told to stop, when which change came into force.
 */

const folder = process.argv[2]!

const layer = DnsServer.layerZones({ listen: "127.0.0.1:0" }).pipe(
  Layer.provide(AcmeChallenges.layerMemory()),
  Layer.provideMerge(AnswerState.layer),
  Layer.provideMerge(Layer.mergeAll(
    // We ask more than any client should.
    Steering.layerMemory({ ...documents(0), local: { GeoDNS: { Dns: { RateLimit: { ResponsesPerSecond: 0 } } } } }),
    GeoIp.layerWith({ directory: folder, watchEvery: "50 millis" }),
    Usage.layerMemory,
    DurableFiles.layerMemory
  )),
  Layer.provideMerge(Conditions.layerMemory),
  Layer.provide(NodeIdentity.layerMemory({ id: "dns", role: "IBPDns" }))
)

const files = databases.map((database) => Result.getOrThrow(writeDatabase("City", entries(database), 0)))

/** Under the same name, all at once. */
const writeGeo = (database: number): void => {
  writeFileSync(join(folder, ".next"), files[database]!)
  renameSync(join(folder, ".next"), join(folder, "City.mmdb"))
}

const changes: Array<Change> = []

/** Makes a change, and waits until it is in force everywhere. */
const make = Effect.fnUntraced(function*<E, R>(
  of: keyof State,
  to: number,
  change: Effect.Effect<unknown, E, R>,
  isInForce: () => boolean
) {
  const begin = now()
  yield* change
  yield* Effect.sleep("1 millis").pipe(Effect.repeat({ until: isInForce }), Effect.timeout("20 seconds"))
  changes.push({ of, to, begin, end: now() })
})

/** From each state to each other, in an order that comes round. */
const walk = <E, R>(states: number, to: (state: number, before: number) => Effect.Effect<unknown, E, R>) =>
  Effect.gen(function*() {
    let before = 0
    for (let step = 1;; step = step % (states - 1) + 1) {
      for (let i = 0; i < states; i++) {
        const next = (before + step) % states
        yield* to(next, before)
        before = next
      }
    }
  })

const program = Effect.gen(function*() {
  const { port } = yield* DnsServer
  const config = yield* Config
  const geo = yield* GeoIp
  const state = yield* AnswerState
  const official = yield* OfficialStatus
  const staticKey = domainName(staticName)!.key

  const servesStatic = (version: number): boolean => {
    const found = state.current().zones.lookup(staticKey, RecordType.A)
    const last = found._tag === "Answer" ? found.set.data[0]?.at(-1) : undefined
    return last === Number(staticAddress(version).split(".").at(-1))
  }
  const toVersion = (version: number) =>
    make(
      "version",
      version,
      Effect.andThen(setDocuments(documents(version)), config.reload),
      () =>
        servesStatic(version) &&
        state.current().steering.choose(probeName, false, { location: undefined, scope: "" })?.addresses[0] ===
          probeAddress(version)
    ).pipe(Effect.andThen(Effect.sleep("40 millis")))

  const toDatabase = (database: number) =>
    make(
      "database",
      database,
      Effect.sync(() => writeGeo(database)),
      () => geo.locate("20.0.0.0").location?.longitude === entries(database)[0]!.location!.longitude
    ).pipe(Effect.andThen(Effect.sleep("40 millis")))

  const answers = (site: number): boolean =>
    state.current().steering.choose("rpc.steady.example", false, { location: near(site), scope: "" })?.members[0] ===
      memberName(site)
  const decideOn = (site: number, up: boolean) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => official.apply(decide(memberName(site), {}, at, up)))
  const toHealth = Effect.fnUntraced(function*(health: number, before: number) {
    const [gone, back] = [healths[health], healths[before]]
    if (back !== undefined) yield* make("health", 0, decideOn(back, true), () => answers(back))
    if (gone !== undefined) yield* make("health", health, decideOn(gone, false), () => !answers(gone))
    yield* Effect.sleep("40 millis")
  })

  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  process.on("message", () => process.send!({ changes, longestPause: delay.max / 1e6 }, () => process.exit()))
  process.send!({ port })
  yield* Effect.all([
    walk(versions.length, toVersion),
    walk(databases.length, toDatabase),
    walk(healths.length, toHealth)
  ], { concurrency: "unbounded" })
})

writeGeo(0)
process.on("disconnect", () => process.exit())
const quiet = Layer.succeed(References.MinimumLogLevel, "Error")
Effect.runPromise(program.pipe(Effect.provide(layer), Effect.provide(quiet))).catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
