import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import { Bus } from "../../src/bus/Bus.ts"
import { Config } from "../../src/config/Config.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { KnownTargets } from "../../src/status/KnownTargets.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Snapshots, SnapshotWait } from "../../src/status/Snapshots.ts"
import { natsBus, until } from "../bus/natsClients.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { decision, targetNamed } from "./fixtures.ts"

const count = 2_000

const node = (id: string, bus: Layer.Layer<Bus>, known: number) =>
  Layer.build(
    Snapshots.layer.pipe(
      Layer.provide(Layer.effectDiscard(OfficialStatus.use(({ restore }) =>
        Effect.forEach(
          Array.from({ length: known }, (_, i) => i),
          (i) =>
            restore(
              decision({ id: `p${i}`, target: targetNamed(`member ${i}`), up: i % 3 === 0, decidedAt: 1_000 + i })
            )
        )
      ))),
      Layer.provideMerge(OfficialStatus.layer),
      Layer.provide([
        bus,
        NodeIdentity.layerMemory({ id, role: "IBPMonitor" }),
        DurableFiles.layerMemory,
        Conditions.layerMemory,
        Config.layerMemory(),
        Layer.succeed(KnownTargets, () => () => true),
        // It comes in well under a second, but for a busy machine.
        Layer.succeed(SnapshotWait, "20 seconds")
      ]),
      Layer.fresh
    )
  )

describeWith(nats, "Snapshots over NATS", () => {
  it.live("give a node that starts, shadow or not, all that is official, and nothing else leaves the shadow", () =>
    Effect.gen(function*() {
      const server = yield* natsServer()
      const client = Effect.fnUntraced(function*(name: string) {
        const bus = yield* natsBus({ servers: [`127.0.0.1:${server.port}`], name })
        yield* until(bus, true)
        return bus
      })
      const ear = yield* client("ear")
      const heard: Array<string> = []
      const all = yield* ear.subscribe(Subject.Status.name)
      yield* Stream.runForEach(all, ({ data }) => Effect.sync(() => heard.push(data))).pipe(Effect.forkScoped)

      yield* node("monitor-1", Layer.succeed(Bus, yield* client("monitor-1")), count)
      const muted = Layer.provide(Bus.layerMuted, Layer.succeed(Bus, yield* client("monitor-shadow")))
      for (
        const [id, bus] of [["dns-1", Layer.succeed(Bus, yield* client("dns-1"))], ["monitor-shadow", muted]] as const
      ) {
        const services = yield* node(id, bus, 0)
        const official = yield* Context.get(services, OfficialStatus).all
        assert.strictEqual(official.size, count, id)
        assert.isTrue(
          [...official.values()].every(({ target, up }) => up === (Number(target.member.slice(7)) % 3 === 0))
        )
      }
      const ofShadow = heard.filter((data) => data.includes("monitor-shadow"))
      assert.isAbove(ofShadow.length, 0)
      assert.deepStrictEqual([...new Set(ofShadow.map((data) => (JSON.parse(data) as { Type: string }).Type))], ["ask"])
    }))
})
