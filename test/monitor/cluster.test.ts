import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { Config } from "../../src/config/Config.ts"
import { Consensus } from "../../src/consensus/Consensus.ts"
import { Families, type FamilyReach } from "../../src/monitor/Families.ts"
import { Monitor } from "../../src/monitor/Monitor.ts"
import { Prober } from "../../src/monitor/Prober.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { rawCheck, rawMember, rawService } from "./documents.ts"

const documents = {
  local: { Checks: [rawCheck({ Name: "http", CheckType: "endpoint" })] },
  members: {
    a: rawMember({ name: "Harbour", services: ["s"], ipv6: "2001:db8::1" }),
    b: rawMember({ name: "Lagoon", services: ["s"], ipv4: "192.0.2.2" })
  },
  services: { s: rawService({ urls: ["wss://rpc.example/s"] }) }
}

/** A monitor with everything that belongs to it: the probes and the bus are shared with the others. */
const node = (id: string, reach: FamilyReach) => {
  const identity = { id, role: "IBPMonitor" } as const
  return Monitor.layer.pipe(
    Layer.provideMerge(Consensus.layerMemory(identity)),
    Layer.provideMerge(Prober.layer),
    Layer.provide(Overrides.layerNone),
    Layer.provide([
      Config.layerMemory(documents),
      NodeIdentity.layerMemory(identity),
      Probes.layerMemory,
      Families.layerOf(reach)
    ]),
    Layer.provide(Conditions.layerMemory),
    Layer.fresh
  )
}

const everywhere: FamilyReach = { ipv4: "all", ipv6: "all" }

/** Lets seconds pass in small steps, as real time does. */
const pass = Effect.fnUntraced(function*(seconds: number) {
  for (let i = 0; i < 10 * seconds; i++) yield* TestClock.adjust(100)
})

describe("three monitors", () => {
  it.effect("decide together who is down and who is up again; one without IPv6 has no say in it and does no harm", () =>
    Effect.gen(function*() {
      const nodes: Array<Context.Context<OfficialStatus | Monitor>> = []
      for (
        const [id, reach] of [["ONE", everywhere], ["TWO", everywhere], ["THREE", {
          ipv4: "all",
          ipv6: "none"
        }]] as const
      ) {
        nodes.push(yield* Layer.build(node(id, reach)))
      }
      /** What each node holds for official, by member and IP version. */
      const official = Effect.forEach(
        nodes,
        (context) =>
          Effect.map(Context.get(context, OfficialStatus).all, (all) =>
            Object.fromEntries(
              [...all.values()].map(({ target, up }) => [`${target.member} ${target.ipv6 ? 6 : 4}`, up])
            ))
      )
      const same = (status: Readonly<Record<string, boolean>>) => [status, status, status]
      const up = { "Harbour 4": true, "Harbour 6": true, "Lagoon 4": true }

      yield* pass(60)
      assert.deepStrictEqual(yield* official, same(up))

      const { set, unset } = yield* ScriptedProbes
      yield* set({ member: "Harbour", ipv6: false }, { up: false, error: "status 503" })
      yield* pass(30)
      assert.deepStrictEqual(yield* official, same({ ...up, "Harbour 4": false }))

      yield* unset({ member: "Harbour", ipv6: false })
      yield* set({ member: "Harbour", ipv6: true }, { up: false, error: "status 503" })
      // Two have a say: where one of them still sees it up, they have to try again
      yield* pass(150)
      assert.deepStrictEqual(yield* official, same({ ...up, "Harbour 6": false }))
      const planned = yield* Effect.forEach(nodes, (context) => Context.get(context, Monitor).planned)
      assert.deepStrictEqual(planned, [3, 3, 2])
    }).pipe(
      Effect.provide(Layer.mergeAll(MemoryBroker.layer, ScriptedProbes.layer)),
      Random.withSeed("three monitors")
    ))
})
