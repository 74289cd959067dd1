import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { cpSync } from "node:fs"
import { demoName } from "../../src/demo/documents.ts"
import { MemberServers } from "../../src/demo/MemberServers.ts"
import { demoMembers } from "../../src/demo/places.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { flood } from "./flood.ts"
import { eventually, type Geodns, residentMiB, temporaryFolder } from "./geodns.ts"
import {
  get,
  makeNetwork,
  type Node,
  outageRows,
  post,
  waitForAnswer,
  waitForCondition,
  waitForStatus
} from "./network.ts"
import { serveFolder } from "./operator.ts"

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
      const broker = yield* natsServer()
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

  it.live("takes a member out on all nodes at once, and still after all were restarted", () =>
    Effect.gen(function*() {
      const broker = yield* natsServer()
      const members = yield* MemberServers
      const network = yield* makeNetwork({ nats: broker.url, memberPort: members.port, nodes })
      const [given] = network
      const dns = network.filter(({ role }) => role === "dns")
      const collator = network.find(({ role }) => role === "collator")!
      const running = yield* startAll(network)
      yield* allUp(network)
      const without = (node: Node) => waitForAnswer(node, osaka, "without it", (address) => address !== fuji.address)

      assert.strictEqual((yield* post(given!, "/api/overrides", {}, null)).status, 401)
      const body = { kind: "override", member: fuji.key, reason: "answers from a stale chain", author: "alice" }
      const { body: override, status } = yield* post(given!, "/api/overrides", body)
      const at = process.hrtime.bigint()
      assert.strictEqual(status, 200, JSON.stringify(override))
      for (const node of dns) yield* without(node)
      assert.isBelow(Number(process.hrtime.bigint() - at) / 1e9, 2, "in the answers of all within 2 s")
      assert.include(override.author, "operator")

      yield* stopAll(running)
      const again = yield* startAll(network)
      for (const node of dns) {
        yield* waitForStatus(node, "says so", ({ overrides }) => overrides.items[0]?.id === override.id)
        yield* without(node)
      }
      yield* eventually(
        "both IP versions are recorded once",
        Effect.sync(() => {
          const rows = outageRows(collator)
          return rows.length === 2 &&
              rows.every((row) => row.check === "override" && row.member === fuji.name && row.isOpen)
            ? Option.some(rows)
            : Option.none()
        })
      )
      // The rows are from before: it may not listen yet.
      yield* waitForStatus(collator, "is there again", () => true)
      const { status: ended } = yield* post(collator, "/api/overrides/end", { kind: "override", member: fuji.key })
      assert.strictEqual(ended, 200)
      for (const node of dns) yield* waitForAnswer(node, osaka, "with it again", (address) => address === fuji.address)
      yield* eventually(
        "both are closed",
        Effect.sync(() => outageRows(collator).every(({ isOpen }) => !isOpen) ? Option.some(true) : Option.none())
      )
      yield* stopAll(again)
    }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped), 120_000)

  it.live(
    "starts and answers without a broker, and is not moved by another node with its id or on its directory",
    () =>
      Effect.gen(function*() {
        const broker = yield* natsServer()
        yield* Effect.promise(() => broker.kill())
        const members = yield* MemberServers
        const network = yield* makeNetwork({
          nats: broker.url,
          memberPort: members.port,
          nodes: { "dns-eu": "dns", "dns-twin": "dns" },
          // Two nodes, one id.
          change: (local) => {
            local.Nats.NodeID = "dns-eu"
          }
        })
        const [eu, twin] = network as [Node, Node]
        yield* eu.start
        assert.include(yield* waitForCondition(eu, "bus"), "not connected")
        yield* waitForAnswer(eu, osaka, "with the nearest", (address) => address === fuji.address)

        const second = yield* eu.start
        const { code, stderr } = yield* second.ended
        assert.strictEqual(code, 1)
        assert.match(stderr, /work\.lock is locked by process \d+ .*: stop it first, or use another directory/)

        yield* twin.start
        yield* Effect.promise(() => broker.restart())
        for (const node of network) {
          assert.include(yield* waitForCondition(node, "node-id"), "give every node a Nats.NodeID of its own")
        }
        yield* waitForAnswer(eu, osaka, "with the nearest", (address) => address === fuji.address)
      }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped),
    120_000
  )

  it.live(
    "follows the others in shadow mode without being one of them, and runs from its last good documents",
    () =>
      Effect.gen(function*() {
        const broker = yield* natsServer()
        const members = yield* MemberServers
        const folder = yield* temporaryFolder
        const web = yield* serveFolder(folder)
        const network = yield* makeNetwork({
          nats: broker.url,
          memberPort: members.port,
          nodes: { "monitor-eu": "monitor", "monitor-us": "monitor", "shadow": "monitor" },
          change: (local, id, directory) => {
            if (id !== "shadow") return
            local.GeoDNS.Consensus = { Shadow: true }
            cpSync(directory, folder, { recursive: true })
            for (const [key, file] of Object.entries(local.System.ConfigUrls)) {
              local.System.ConfigUrls[key] = `${web.url}${file}`
            }
          }
        })
        const [eu, us, shadow] = network as [Node, Node, Node]
        const running = yield* startAll(network)
        yield* allUp([eu, us])
        const seen = yield* waitForStatus(
          shadow,
          "agrees with what was decided",
          ({ shadow, targets }) => targets.up === 5 && shadow?.compared === 5 && shadow.differences.total === 0
        )
        assert.strictEqual(seen.electorate, 2)
        for (const node of [eu, us]) {
          const status = yield* waitForStatus(node, "knows two voters", ({ electorate }) => electorate === 2)
          assert.isFalse(status.nodes.items.some(({ id }) => id === "shadow"), "nobody has heard of it")
        }
        yield* stopAll(running)

        yield* web.close
        yield* shadow.start
        const details = [
          yield* waitForCondition(shadow, "config:MembersConfig"),
          yield* waitForCondition(shadow, "shadow")
        ]
        assert.match(details[0]!, /In use: the copy of \d{4}-/)
        yield* waitForStatus(shadow, "knows the members", ({ members }) => members.total === 5)
      }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped),
    120_000
  )

  it.live("takes no harm from a flood of garbage", () =>
    Effect.gen(function*() {
      const broker = yield* natsServer()
      const members = yield* MemberServers
      const network = yield* makeNetwork({
        nats: broker.url,
        memberPort: members.port,
        nodes: { "monitor-eu": "monitor", "monitor-us": "monitor", "dns-eu": "dns", "collator-1": "collator" }
      })
      const running = yield* startAll(network)
      yield* allUp(network)
      yield* Effect.promise(() => flood(broker.url, 100_000))
      yield* members.setHealthy(fuji.key, false)
      for (const node of network) {
        yield* waitForStatus(node, "decides all the same", ({ targets }) => targets.down === 1)
      }
      for (const [i, geodns] of running.entries()) {
        // What waits is bounded, and V8 takes its time to give memory back: far less than the 300 MB that were sent.
        assert.isBelow(residentMiB(geodns.pid), 450, `MB in ${network[i]!.id}`)
        const metrics = yield* get(`${network[i]!.url}/metrics`)
        const counted = [...metrics!.text.matchAll(/^geodns_bus_(?:garbage|dropped)_total\S* (\d+)/gm)]
          .reduce((sum, [, value]) => sum + Number(value), 0)
        assert.isAbove(counted, 100_000, `garbage counted by ${network[i]!.id}`)
      }
      yield* stopAll(running)
    }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped), 180_000)
})
