import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { Membership } from "../../src/cluster/Membership.ts"
import { Config } from "../../src/config/Config.ts"
import { type RawDocuments, setDocuments } from "../../src/config/memoryConfig.ts"
import { Consensus } from "../../src/consensus/Consensus.ts"
import type { Target } from "../../src/domain/Target.ts"
import { Families } from "../../src/monitor/Families.ts"
import { Monitor } from "../../src/monitor/Monitor.ts"
import { Prober } from "../../src/monitor/Prober.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { rawCheck, rawMember, rawService } from "./documents.ts"

const urls = Array.from({ length: 200 }, (_, i) => `https://rpc.example/${i}`)

const documents = (names: ReadonlyArray<string>): RawDocuments => ({
  local: {
    System: { ConfigReloadTime: 3_600 },
    Checks: [rawCheck({ Name: "http", CheckType: "endpoint", minimumInterval: 60 })],
    CheckWorkers: { numWorkers: 128 }
  },
  members: Object.fromEntries(
    names.map((name) => [name, rawMember({ name, services: ["s"], ipv4: `192.0.2.${name.length}` })])
  ),
  services: { s: rawService({ urls }) }
})

/** A monitor with the consensus that it takes part in. It is alone, so that what it proposes stays open. */
const World = Monitor.layer.pipe(
  Layer.provideMerge(Consensus.layer),
  Layer.provideMerge(Prober.layer),
  Layer.provide([Membership.layer, Overrides.layerNone, Probes.layerMemory, Families.layerMemory]),
  Layer.provide(Bus.layerMemory({ name: "ONE" })),
  Layer.provideMerge([
    Config.layerMemory(documents(["Harbour", "Lagoon"])),
    NodeIdentity.layerMemory({ id: "ONE", role: "IBPMonitor" }),
    OfficialStatus.layerMemory,
    Conditions.layerMemory,
    ScriptedProbes.layer
  ]),
  Layer.provide(MemoryBroker.layer)
)

const pass = Effect.fnUntraced(function*(millis: number) {
  for (let left = millis; left > 0; left -= 50) yield* TestClock.adjust(Math.min(left, 50))
})

const reload = Effect.fnUntraced(function*(docs: RawDocuments) {
  yield* setDocuments(docs)
  yield* Config.use((config) => config.reload)
  yield* TestClock.adjust(0)
})

describe("a member", () => {
  it.effect(
    "that is removed takes its targets, results and open proposals with it at once",
    () =>
      Effect.gen(function*() {
        const monitor = yield* Monitor
        const consensus = yield* Consensus
        yield* ScriptedProbes.use(({ set }) => set({}, { up: false }))
        yield* pass(80_000)
        const openOf = Effect.map(consensus.proposals, (all) => Map.groupBy(all, ({ proposal }) => proposal.MemberName))
        const before = yield* openOf
        assert.isAbove(before.get("Harbour")!.length, 20)
        assert.isAbove(before.get("Lagoon")!.length, 20)

        yield* reload(documents(["Lagoon"]))
        const after = yield* openOf
        assert.isUndefined(after.get("Harbour"))
        assert.strictEqual(after.get("Lagoon")!.length, before.get("Lagoon")!.length)
        assert.strictEqual(yield* monitor.planned, 200)
        assert.deepStrictEqual([...new Set((yield* monitor.results).map(({ target }) => target.member))], ["Lagoon"])
        yield* pass(60_000)
        assert.isUndefined((yield* openOf).get("Harbour"))
      }).pipe(Effect.provide(World), Random.withSeed("members")),
    120_000
  )

  it.effect("that is added is looked at within a second, and the others are not disturbed", () =>
    Effect.gen(function*() {
      const monitor = yield* Monitor
      yield* pass(70_000)
      const stream = yield* monitor.subscribe
      const seen: Array<Target> = []
      yield* Effect.forkScoped(Stream.runForEach(stream, ({ target }) => Effect.sync(() => void seen.push(target))))
      yield* reload(documents(["Harbour", "Lagoon", "Mesa"]))
      yield* pass(1_000)
      const added = seen.filter(({ member }) => member === "Mesa")
      assert.strictEqual(new Set(added.map(({ endpoint }) => endpoint)).size, 200)
      assert.isAtMost(seen.length - added.length, 20)
    }).pipe(Effect.provide(World), Random.withSeed("members")))
})
