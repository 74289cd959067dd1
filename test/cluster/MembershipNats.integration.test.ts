import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { Bus } from "../../src/bus/Bus.ts"
import { Membership } from "../../src/cluster/Membership.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { eventually } from "../bus/natsClients.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"

const startNode = (id: string, server: string, password = "right") =>
  Layer.build(
    Membership.layer.pipe(
      Layer.provideMerge([
        NodeIdentity.layerMemory({ id, role: "IBPMonitor" }),
        Bus.layerNats({ servers: [server], name: id, user: "geo", password: Redacted.make(password) }),
        Conditions.layer
      ])
    )
  )

const detailOf = (node: Context.Context<Conditions>) =>
  Effect.map(
    Context.get(node, Conditions).current,
    (conditions) => conditions.find(({ name }) => name === "bus")?.detail
  )

describeWith(nats, "membership on NATS", () => {
  it.live("starts at once without a broker, says so, and finds the others when it comes", () =>
    Effect.gen(function*() {
      const config = "authorization { user: geo, password: right }"
      const server = yield* natsServer({ config })
      yield* Effect.promise(server.kill)
      const began = performance.now()
      const [a, b] = yield* Effect.all([startNode("MONITOR-A", server.url), startNode("MONITOR-B", server.url)])
      assert.isBelow(performance.now() - began, 1_000)
      yield* eventually(
        "a condition",
        Effect.map(detailOf(a), (detail) => detail?.includes("nobody listens there") === true)
      )
      yield* Effect.promise(() => server.restart())
      yield* eventually("no condition", Effect.map(detailOf(a), (detail) => detail === undefined))
      for (const node of [a, b]) {
        yield* eventually(
          "both",
          Effect.map(
            Context.get(node, Membership).electorate,
            (ids) => [...ids].sort().join() === "MONITOR-A,MONITOR-B"
          )
        )
      }
      const stranger = yield* startNode("MONITOR-C", server.url, "planted-secret")
      yield* eventually(
        "a refusal",
        Effect.map(detailOf(stranger), (detail) => detail?.includes("does not let us in") === true)
      )
      assert.notInclude(yield* detailOf(stranger), "planted-secret")
    }), 120_000)

  it.live("says what the broker forbids while the rest works", () =>
    Effect.gen(function*() {
      const server = yield* natsServer({
        config:
          `authorization { users: [ { user: geo, password: right, permissions: { publish: "x", subscribe: ">" } } ] }`
      })
      const node = yield* startNode("MONITOR-A", server.url)
      yield* eventually(
        "a condition",
        Effect.map(detailOf(node), (detail) => detail?.includes("publish on consensus.cluster") === true)
      )
      assert.isTrue(yield* Context.get(node, Bus).connected)
    }), 120_000)
})
