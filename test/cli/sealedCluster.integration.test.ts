import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import { Bus } from "../../src/bus/Bus.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { demoName } from "../../src/demo/documents.ts"
import { MemberServers } from "../../src/demo/MemberServers.ts"
import { demoMembers } from "../../src/demo/places.ts"
import { makeProposal } from "../../src/domain/wire/Consensus.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { get, makeNetwork, type Role, waitForAnswer, waitForStatus } from "./network.ts"
import { makeKeys } from "./sealedKeys.ts"

const nodes: Readonly<Record<string, Role>> = {
  "monitor-eu": "monitor",
  "monitor-us": "monitor",
  "monitor-as": "monitor",
  "dns-eu": "dns",
  "collator-1": "collator"
}

const monitors = Object.keys(nodes).filter((id) => nodes[id] === "monitor")

const fuji = demoMembers[0]!

describeWith(nats, "a cluster of processes with keys", () => {
  for (const Mode of ["prefer", "require"]) {
    it.live(`fails over in the mode ${Mode}, and believes no forged decision`, () =>
      Effect.gen(function*() {
        const broker = yield* natsServer()
        const members = yield* MemberServers
        const { keyFile, roster } = yield* makeKeys(monitors)
        const network = yield* makeNetwork({
          nats: broker.url,
          memberPort: members.port,
          nodes,
          change: (local, id) => {
            local.GeoDNS.Consensus = { Mode, Roster: roster, Electorate: "roster", KeyFile: keyFile(id) }
          }
        })
        yield* Effect.forEach(network, (node) => node.start, { concurrency: 3 })
        for (const node of network) {
          const { consensus } = yield* waitForStatus(node, "all is up", ({ targets }) => targets.up === 5, "2 minutes")
          assert.deepStrictEqual(consensus, { mode: Mode as "prefer", epoch: 1, votes: node.role === "monitor" })
          const health = JSON.parse((yield* get(`${node.url}/health`))!.text)
          assert.deepStrictEqual(health.consensus, { mode: Mode, epoch: 1, votes: node.role === "monitor" })
        }
        const dns = network.find(({ role }) => role === "dns")!
        const osaka = { name: demoName, subnet: "203.0.113.0/24" }
        yield* waitForAnswer(dns, osaka, "with the nearest", (address) => address === fuji.address)
        yield* members.setHealthy(fuji.key, false)
        yield* waitForAnswer(dns, osaka, "without it", (address) => address !== undefined && address !== fuji.address)
        const down = yield* waitForStatus(network[0]!, "one is down", ({ targets }) => targets.down === 1)
        const { target } = down.members.items.flatMap(({ targets }) => targets).find(({ up }) => !up)!

        const bus = Context.get(yield* Layer.build(Bus.layerNats({ servers: [broker.url], name: "evil" })), Bus)
        yield* Stream.runDrain(Stream.takeUntil(bus.connection, (connected) => connected))
        yield* Messages.send(Subject.Finalize, {
          Proposal: makeProposal({
            id: "forged",
            sender: "monitor-us",
            target,
            up: true,
            error: "",
            data: null,
            at: Date.now()
          }),
          SenderNodeID: "monitor-us",
          Passed: true,
          DecidedAt: Date.now()
        }).pipe(Effect.provideService(Bus, bus))
        // In `prefer` a decision of a member lacks its seal, in `require` any lacks its certificate.
        const dropped = Mode === "require"
          ? /geodns_consensus_dropped_total\{[^}]*unproven[^}]*\} [1-9]/
          : /geodns_consensus_dropped_total\{[^}]*unsigned[^}]*\} [1-9]/
        for (const node of network) {
          const counted = yield* Effect.repeat(
            Effect.andThen(Effect.sleep("200 millis"), get(`${node.url}/metrics`)),
            { until: (answer) => dropped.test(answer?.text ?? ""), times: 50 }
          )
          assert.match(counted?.text ?? "", dropped, node.id)
          yield* waitForStatus(node, "is not moved", ({ targets }) => targets.down === 1)
        }
        yield* members.setHealthy(fuji.key, true)
        for (const node of network) yield* waitForStatus(node, "all is up again", ({ targets }) => targets.down === 0)
      }).pipe(Effect.provide(MemberServers.layer), Effect.scoped), 300_000)
  }
})
