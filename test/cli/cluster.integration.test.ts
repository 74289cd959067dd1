import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { demoName } from "../../src/demo/documents.ts"
import { MemberServers } from "../../src/demo/MemberServers.ts"
import { demoMembers } from "../../src/demo/places.ts"
import { startNatsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import type { Geodns } from "./geodns.ts"
import { makeNetwork, type Node, outageRows, waitForAnswer, waitForCondition, waitForStatus } from "./network.ts"

const nodes = {
  "monitor-eu": "monitor",
  "monitor-us": "monitor",
  "monitor-as": "monitor",
  "dns-eu": "dns",
  "dns-as": "dns",
  "collator-1": "collator"
} as const

/** Near the first member, and near the second. */
const osaka = { name: demoName, subnet: "203.0.113.0/24" }
const berlin = { name: demoName, subnet: "198.51.100.0/24" }
const [fuji, rhine] = demoMembers as unknown as readonly [(typeof demoMembers)[number], (typeof demoMembers)[number]]

const startBroker = Effect.acquireRelease(
  Effect.promise(() => startNatsServer()),
  (broker) => Effect.promise(() => broker.dispose())
)

const startAll = (network: ReadonlyArray<Node>) => Effect.forEach(network, (node) => node.start, { concurrency: 3 })

const allUp = (network: ReadonlyArray<Node>) =>
  Effect.forEach(
    network,
    (node) => waitForStatus(node, "all members are up", ({ targets }) => targets.up === 5 && targets.down === 0),
    { concurrency: "unbounded", discard: true }
  )

const stopAll = (running: ReadonlyArray<Geodns>) =>
  Effect.forEach(running, (geodns) =>
    Effect.gen(function*() {
      const before = process.hrtime.bigint()
      yield* geodns.kill("SIGTERM")
      const { code, stderr } = yield* geodns.ended
      assert.strictEqual(code, 0, stderr)
      assert.isBelow(Number(process.hrtime.bigint() - before) / 1e9, 10, "stops within 10 s")
    }), { concurrency: "unbounded", discard: true })

describeWith(nats, "a cluster of processes", () => {
  it.live("fails over, lives without its broker for a minute, and converges after it", () =>
    Effect.gen(function*() {
      const broker = yield* startBroker
      const members = yield* MemberServers
      const network = yield* makeNetwork({ nats: broker.url, memberPort: members.port, nodes })
      const dns = network.filter(({ role }) => role === "dns")
      const monitors = network.filter(({ role }) => role === "monitor")
      const collator = network.find(({ role }) => role === "collator")!
      const running = yield* startAll(network)
      yield* allUp(network)
      for (const node of dns) {
        yield* waitForAnswer(node, osaka, "with the nearest", (address) => address === fuji.address)
      }

      yield* members.setHealthy(fuji.key, false)
      for (const node of dns) yield* waitForAnswer(node, osaka, "without it", (address) => address !== fuji.address)
      yield* waitForStatus(collator, "one outage is open", ({ outages }) => outages?.open.total === 1)
      assert.deepStrictEqual(outageRows(collator), [{ member: fuji.name, check: "http", isOpen: true }])

      yield* Effect.promise(() => broker.kill())
      const killedAt = Date.now()
      for (const node of network) yield* waitForCondition(node, "bus")
      yield* members.setHealthy(fuji.key, true)
      yield* members.setHealthy(rhine.key, false)
      // Nothing can be decided: answers go on as they were.
      while (Date.now() - killedAt < 60_000) {
        for (const node of dns) {
          yield* waitForAnswer(node, berlin, "as before", (address) => address === rhine.address)
          yield* waitForAnswer(node, osaka, "as before", (address) => address !== undefined && address !== fuji.address)
        }
        yield* Effect.sleep("1 second")
      }
      // Checks go on: every monitor sees what cannot be decided.
      for (const node of monitors) {
        yield* waitForStatus(node, "nothing changed", ({ targets }) => targets.up === 4 && targets.down === 1)
      }
      yield* Effect.promise(() => broker.restart())

      for (const node of dns) {
        yield* waitForAnswer(node, osaka, "with the member that is back", (address) => address === fuji.address)
        yield* waitForAnswer(
          node,
          berlin,
          "without the one that went",
          (address) => address !== undefined && address !== rhine.address
        )
      }
      for (const node of network) {
        yield* waitForStatus(
          node,
          "is well again",
          ({ conditions, targets }) => targets.down === 1 && conditions.items.every(({ name }) => name !== "bus")
        )
      }
      yield* waitForStatus(
        collator,
        "the second outage is open",
        ({ outages }) => outages?.open.items.some(({ target }) => target.member === rhine.name) === true
      )
      yield* members.setHealthy(rhine.key, true)
      yield* allUp(network)
      yield* waitForStatus(collator, "no outage is open", ({ outages }) => outages?.open.total === 0)
      assert.deepStrictEqual(outageRows(collator), [
        { member: fuji.name, check: "http", isOpen: false },
        { member: rhine.name, check: "http", isOpen: false }
      ])
      yield* stopAll(running)
    }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped), 240_000)
})
