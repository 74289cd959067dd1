import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { demoName } from "../../src/demo/documents.ts"
import { MemberServers } from "../../src/demo/MemberServers.ts"
import { demoMembers } from "../../src/demo/places.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { forgedOverride, forgedOverrides, publishOverrides } from "./flood.ts"
import { residentMiB, run } from "./geodns.ts"
import {
  answerOf,
  get,
  makeNetwork,
  managementKey,
  type Node,
  post,
  waitForAnswer,
  waitForCondition,
  waitForStatus
} from "./network.ts"

const osaka = { name: demoName, subnet: "203.0.113.0/24" }
const [fuji, rhine] = demoMembers as unknown as readonly [(typeof demoMembers)[number], (typeof demoMembers)[number]]

/** A network whose last node is a shadow. */
const startNetwork = Effect.fnUntraced(function*(nats: string, memberPort: number) {
  const network = yield* makeNetwork({
    nats,
    memberPort,
    nodes: { "monitor-eu": "monitor", "monitor-us": "monitor", "dns-eu": "dns", "dns-shadow": "dns" },
    change: (local, id) => {
      if (id === "dns-shadow") local.GeoDNS.Consensus = { Shadow: true }
      if (id === "dns-eu") local.MgmtApi = {}
    }
  })
  const running = yield* Effect.forEach(network, (node) => node.start, { concurrency: 2 })
  for (const node of network) yield* waitForStatus(node, "all members are up", ({ targets }) => targets.up === 5)
  const [monitor, , dns, shadow] = network as [Node, Node, Node, Node]
  yield* waitForAnswer(dns, osaka, "with the nearest", (address) => address === fuji.address)
  return { monitor, dns, shadow, network, running }
})

describeWith(nats, "an override given without the broker", () => {
  it.live(
    "holds on the node, which says that the others learn of it later; then they do",
    () =>
      Effect.gen(function*() {
        const broker = yield* natsServer()
        const members = yield* MemberServers
        const network = yield* makeNetwork({
          nats: broker.url,
          memberPort: members.port,
          nodes: { "monitor-eu": "monitor", "dns-eu": "dns" }
        })
        const [monitor, dns] = network as [Node, Node]
        for (const node of network) yield* node.start
        yield* waitForAnswer(dns, osaka, "with the nearest", (address) => address === fuji.address)
        yield* Effect.promise(() => broker.kill())
        for (const node of network) yield* waitForCondition(node, "bus")
        const keyFile = join(monitor.directory, "..", "monitor-key")
        writeFileSync(keyFile, managementKey)
        const given = yield* run(
          ...["override", "add", fuji.name, "--reason", "stale"],
          ...["--node", monitor.url, "--key-file", keyFile]
        )
        assert.strictEqual(given.code, 0, given.stderr)
        assert.include(given.stdout, "This node has no broker now: the others learn of it when it is back.")
        assert.strictEqual(yield* answerOf(dns, osaka.name, osaka.subnet), fuji.address)
        yield* Effect.promise(() => broker.restart())
        yield* waitForAnswer(dns, osaka, "without it", (address) => address !== undefined && address !== fuji.address)
      }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped),
    120_000
  )
})

describeWith(nats, "forged overrides", () => {
  it.live(
    "in one message for all members empty no answer, and are reported; a shadow gives none",
    () =>
      Effect.gen(function*() {
        const broker = yield* natsServer()
        const members = yield* MemberServers
        const { dns, monitor, network, shadow } = yield* startNetwork(broker.url, members.port)
        const forged = demoMembers.map(({ name }, i) => forgedOverride(`forged ${i}`, name))
        yield* Effect.promise(() => publishOverrides(broker.url, [forged]))
        for (const node of network) {
          const detail = yield* waitForCondition(node, "overrides:names")
          assert.include(detail, `all members of ${demoName} are out by hand`)
          assert.include(detail, "nobody at dns-zz")
        }
        assert.include((yield* get(`${dns.url}/health`))!.text, "overrides:names")
        yield* waitForStatus(dns, "knows them all", ({ overrides }) => overrides.items.length >= demoMembers.length)
        yield* waitForAnswer(dns, osaka, "as before", (address) => address === fuji.address)

        // One of them is ended: it answers, and the others are out.
        const { status } = yield* post(monitor, "/api/overrides/end", { kind: "override", member: rhine.name })
        assert.strictEqual(status, 200)
        yield* waitForAnswer(dns, osaka, "with the one that is in", (address) => address === rhine.address)

        const refused = yield* post(shadow, "/api/overrides", { kind: "override", member: rhine.name, reason: "a try" })
        assert.strictEqual(refused.status, 403, JSON.stringify(refused.body))
        assert.match(refused.body.error, /shadow mode/)
        const local = join(shadow.directory, "..", "shadow-key")
        writeFileSync(local, managementKey)
        const ended = yield* run(
          "override",
          "add",
          rhine.name,
          "--reason",
          "x",
          "--node",
          shadow.url,
          "--key-file",
          local
        )
        assert.strictEqual(ended.code, 1, ended.stderr)
        assert.match(ended.stderr + ended.stdout, /shadow mode/)
      }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped),
    120_000
  )

  it.live(
    "by the thousand keep no node from answering, growing no memory, nor from hearing what an operator gives",
    () =>
      Effect.gen(function*() {
        const broker = yield* natsServer()
        const members = yield* MemberServers
        const { dns, monitor, network, running } = yield* startNetwork(broker.url, members.port)
        const flooding = yield* Effect.forkChild(
          Effect.promise(() => publishOverrides(broker.url, forgedOverrides(rhine.name, 30_000)))
        )
        let answers = 0
        const until = Date.now() + 5_000
        while (flooding.pollUnsafe() === undefined || Date.now() < until) {
          // Fails when it takes 2 s.
          assert.strictEqual(yield* answerOf(dns, osaka.name, osaka.subnet), fuji.address)
          answers++
          yield* Effect.sleep("5 millis")
        }
        yield* Fiber.join(flooding)
        assert.isAbove(answers, 10)
        yield* waitForCondition(dns, "overrides:flood")

        const { status } = yield* post(monitor, "/api/overrides", {
          kind: "override",
          member: fuji.key,
          reason: "stale"
        })
        assert.strictEqual(status, 200)
        yield* waitForAnswer(dns, osaka, "without it", (address) => address !== undefined && address !== fuji.address)
        // What is kept is bounded; V8 takes its time to give memory back.
        for (const [i, geodns] of running.entries()) {
          assert.isBelow(residentMiB(geodns.pid), 450, `MB in ${network[i]!.id}`)
        }
      }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped),
    120_000
  )
})
