import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Config, setDocuments } from "effect-geodns/config"
import { Local } from "effect-geodns/domain"
import { Conditions } from "effect-geodns/node"
import { restartNotice, waitingForRestart } from "../../src/roles/restart.ts"

const local = (change: object = {}) => Schema.decodeUnknownSync(Local)({ System: { ConfigUrls: {} }, ...change })

describe("settings that are read at start", () => {
  it("are named when they change, and others are not", () => {
    assert.deepStrictEqual(waitingForRestart(local(), local()), [])
    assert.deepStrictEqual(
      waitingForRestart(
        local(),
        local({ Checks: [], GeoDNS: { Steering: { Ttl: 5 }, Consensus: { MinimumVotes: 3 } } })
      ),
      []
    )
    assert.deepStrictEqual(
      waitingForRestart(
        local(),
        local({
          Nats: { NodeID: "other" },
          // The servers move by themselves.
          DnsApi: { ListenPort: "6200" },
          GeoDNS: { Dns: { Listen: "[::]:53" }, Store: { Driver: "memory" } }
        })
      ),
      ["Nats", "GeoDNS.Store", "GeoDNS.Dns.Listen"]
    )
  })

  it.effect("are a condition until they are as they were", () =>
    Effect.gen(function*() {
      const conditions = yield* Conditions
      const change = (listen: string) =>
        Effect.gen(function*() {
          yield* setDocuments({ local: { GeoDNS: { Dns: { Listen: listen } } } })
          yield* Config.use((config) => config.reload)
          for (let i = 0; i < 10; i++) yield* Effect.yieldNow
          return (yield* conditions.current).map(({ name }) => name)
        })
      assert.deepStrictEqual(yield* change("127.0.0.1:5301"), ["config:restart"])
      assert.deepStrictEqual(yield* change("127.0.0.1:5300"), [])
    }).pipe(
      Effect.provide(restartNotice),
      Effect.provide(Layer.merge(
        Config.layerMemory({ local: { GeoDNS: { Dns: { Listen: "127.0.0.1:5300" } } } }),
        Conditions.layerMemory
      ))
    ))
})
