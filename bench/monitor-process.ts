/**
 * A monitor that checks many HTTP targets every ten seconds, in a process of its own: everything is officially up already, so
 * that it looks and proposes nothing. Writes what it cost as one line of JSON.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import { Bus } from "../src/bus/Bus.ts"
import { MemoryBroker } from "../src/bus/MemoryBroker.ts"
import { Membership } from "../src/cluster/Membership.ts"
import { Config } from "../src/config/Config.ts"
import type { RawDocuments } from "../src/config/memoryConfig.ts"
import { Consensus } from "../src/consensus/Consensus.ts"
import { Families } from "../src/monitor/Families.ts"
import * as metrics from "../src/monitor/metrics.ts"
import { Monitor } from "../src/monitor/Monitor.ts"
import { plan } from "../src/monitor/plan.ts"
import { Prober } from "../src/monitor/Prober.ts"
import { Probes } from "../src/monitor/Probes.ts"
import { Conditions } from "../src/node/Conditions.ts"
import { NodeIdentity } from "../src/node/NodeIdentity.ts"
import { OfficialStatus } from "../src/status/OfficialStatus.ts"
import { Overrides } from "../src/status/Overrides.ts"

const [port = "0", members = "100", urls = "300", addresses = "16", warmUp = "20", measured = "30"] = process.argv
  .slice(2)

const documents: RawDocuments = {
  local: {
    System: { ConfigReloadTime: 3_600 },
    Checks: [{ Name: "http", Enabled: 1, CheckType: "endpoint", Timeout: 4, minimumInterval: 10 }],
    CheckWorkers: { numWorkers: 1_024 }
  },
  members: Object.fromEntries(Array.from({ length: Number(members) }, (_, i) => [`m${i}`, {
    Details: { Name: `Member ${i}` },
    Membership: { MemberLevel: 5 },
    Service: { Active: 1 as const, ServiceIPv4: `127.0.2.${1 + i % Number(addresses)}`, ServiceIPv6: "" },
    ServiceAssignments: { All: ["s"] },
    Location: { Latitude: 0, Longitude: 0 },
    Override: false
  }])),
  services: {
    s: {
      Configuration: { Name: "s", ServiceType: "RPC", Active: 1, LevelRequired: 1 },
      Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
      Providers: {
        all: { RpcUrls: Array.from({ length: Number(urls) }, (_, i) => `http://rpc${i % 50}.example:${port}/${i}`) }
      }
    }
  }
}

/** What was decided before this monitor was started. */
const decided = Layer.effectDiscard(Effect.gen(function*() {
  const { catalog, local } = yield* Config.use((config) => config.current)
  const official = yield* OfficialStatus
  const decidedAt = (yield* Clock.currentTimeMillis) - 1_000
  const reach = { ipv4: "all", ipv6: "none" } as const
  for (const { key, target } of plan(local, catalog, reach, yield* Probes).targets.values()) {
    yield* official.restore({ id: key, target, up: true, error: "", data: null, decidedAt, decidedBy: "", votes: {} })
  }
}))

const World = Monitor.layer.pipe(
  Layer.provideMerge(decided),
  Layer.provide(Consensus.layerWith({ minimumVotes: 1 })),
  Layer.provideMerge(Prober.layer),
  Layer.provide([Membership.layer, Overrides.layerNone, Probes.layer, Families.layer]),
  Layer.provide(Bus.layerMemory({ name: "monitor" })),
  Layer.provideMerge([
    Config.layerMemory(documents),
    NodeIdentity.layerMemory({ id: "monitor", role: "IBPMonitor" }),
    OfficialStatus.layerMemory,
    Conditions.layerMemory
  ]),
  Layer.provide(MemoryBroker.layer),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
)

const counts = Effect.all({
  lateness: Metric.value(metrics.lateness),
  up: Metric.value(metrics.outcomes.up),
  down: Metric.value(metrics.outcomes.down),
  unable: Metric.value(metrics.outcomes.unable),
  skipped: Metric.value(metrics.skipped)
})

await Effect.gen(function*() {
  const monitor = yield* Monitor
  yield* Effect.sleep(`${Number(warmUp)} seconds`)
  const before = yield* counts
  const cpu = process.cpuUsage()
  const began = performance.now()
  yield* Effect.sleep(`${Number(measured)} seconds`)
  const { system, user } = process.cpuUsage(cpu)
  const millis = performance.now() - began
  const after = yield* counts
  const total = after.lateness.count - before.lateness.count
  // The lowest bound that 99 of 100 keep to
  const late = after.lateness.buckets.findIndex(([, count], i) =>
    count - before.lateness.buckets[i]![1] >= 0.99 * total
  )
  const since = (name: "up" | "down" | "unable" | "skipped") => Number(after[name].count) - Number(before[name].count)
  console.log(JSON.stringify({
    targets: yield* monitor.planned,
    perSecond: total / millis * 1_000,
    cpuPercent: (system + user) / 1_000 / millis * 100,
    microsPerProbe: (system + user) / total,
    rssMb: process.memoryUsage().rss / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1e3,
    latenessMillis: (after.lateness.buckets[late]?.[0] ?? Infinity) * 1_000,
    down: since("down") + since("unable"),
    skipped: since("skipped")
  }))
}).pipe(Effect.provide(World), Effect.scoped, Effect.runPromise)
