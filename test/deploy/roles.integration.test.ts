import { assert, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer, Option } from "effect"
import type { Scope } from "effect"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { demoName } from "../../src/demo/documents.ts"
import { MemberServers } from "../../src/demo/MemberServers.ts"
import { demoMembers } from "../../src/demo/places.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { eventually, run } from "../cli/geodns.ts"
import { answerOf, get, makeNetwork, post, statusOf, waitForAnswer, waitForStatus } from "../cli/network.ts"
import { type NatsServer, natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"

const nodes = {
  "monitor-eu": "monitor",
  "monitor-us": "monitor",
  "dns-eu": "dns",
  "collator-1": "collator",
  "shadow-of-monitor": "monitor",
  "shadow-of-dns": "dns",
  "shadow-of-collator": "collator"
} as const

const isShadow = (id: string) => id.startsWith("shadow")

/** The example configuration, and one more user who hears everything. */
const config = readFileSync(resolve(import.meta.dirname, "../../deploy/nats-server.conf"), "utf8")
  .replaceAll(/\$NATS_(\w+)_PASSWORD/g, (_, role: string) => JSON.stringify(`of-${role.toLowerCase()}`))
  .replace("users: [", `users: [\n { user: "listener", password: "of-listener" }`)

/** Hears all that is said on a broker, and can ask. */
const listen = (broker: NatsServer) =>
  Effect.gen(function*() {
    const client = yield* Effect.acquireRelease(
      Effect.promise(() => connect({ servers: broker.url, user: "listener", pass: "of-listener" })),
      (client) => Effect.promise(() => client.close())
    )
    const heard: Array<{ readonly subject: string; readonly text: string }> = []
    client.subscribe(">", { callback: (_, { data, subject }) => void heard.push({ subject, text: String(data) }) })
    yield* Effect.promise(() => client.flush())
    /** The answers that come within a second, by who gave them. */
    const ask = (subject: string, question: unknown) =>
      Effect.promise(async () => {
        const answers = await client.requestMany(subject, JSON.stringify(question), { maxWait: 1_000 })
        const from: Array<string> = []
        for await (const { data } of answers) from.push(JSON.parse(String(data)).nodeID)
        return from.sort()
      })
    return { heard, ask }
  }) satisfies Effect.Effect<unknown, never, Scope.Scope>

const [fuji] = demoMembers as unknown as readonly [(typeof demoMembers)[number]]
const osaka = { name: demoName, subnet: "203.0.113.0/24" }
const today = () => new Date().toISOString().slice(0, 10)
const ever = { startTime: "0001-01-01T00:00:00Z", endTime: "0001-01-01T00:00:00Z", memberName: "" }

describeWith(nats, "roles with the users of the example configuration of the broker", () => {
  it.live(
    "may say all that they have to say; shadows say nothing but questions for what is official",
    () =>
      Effect.gen(function*() {
        const broker = yield* natsServer({ config })
        const { ask, heard } = yield* listen(broker)
        const members = yield* MemberServers
        const network = yield* makeNetwork({
          nats: broker.url,
          memberPort: members.port,
          nodes,
          change: (local, id) => {
            const user = isShadow(id) ? "shadow" : nodes[id as keyof typeof nodes]
            local.Nats = { ...local.Nats, User: user, Pass: `of-${user}` }
            if (isShadow(id)) local.GeoDNS.Consensus = { Shadow: true }
            // Operators give overrides elsewhere, as that configuration has it.
            if (user === "dns") delete local.MgmtApi
          }
        })
        const [eu, , dns, collator, ...shadows] = network
        yield* Effect.forEach(network, (node) => node.start, { concurrency: 3 })
        for (const node of network) {
          // Who comes late for the first vote has another one after half a minute.
          yield* waitForStatus(
            node,
            "knows that all are up",
            ({ targets }) => targets.up === 5 && targets.down === 0,
            "90 seconds"
          )
        }

        // All that roles do on the bus: a failover, an override, answers to whoever asks, and collecting.
        yield* waitForAnswer(dns!, osaka, "with the nearest", (address) => address === fuji.address)
        yield* members.setHealthy(fuji.key, false)
        for (const node of network) yield* waitForStatus(node, "sees it down", ({ targets }) => targets.down === 1)
        const { status } = yield* post(eu!, "/api/overrides", { kind: "override", member: fuji.name, reason: "a test" })
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(yield* ask(Subject.GetDowntime.name, ever), ["monitor-eu", "monitor-us"])
        assert.deepStrictEqual(
          yield* ask(Subject.GetUsage.name, {
            startDate: today(),
            endDate: today(),
            domain: "",
            memberName: "",
            country: ""
          }),
          ["dns-eu"]
        )
        for (const node of shadows.filter(({ role }) => role === "dns")) {
          assert.isDefined(yield* answerOf(node, osaka.name, osaka.subnet), "a shadow answers who asks it for DNS")
        }
        yield* eventually(
          "the collator has asked, which it does a minute after its start",
          Effect.map(get(`${collator!.url}/metrics`), (answer) =>
            /^geodns_usage_collected_pages_total\S* [1-9]/m.test(answer?.text ?? "")
              ? Option.some(true)
              : Option.none()),
          "100 seconds"
        )
        const usage = yield* run("usage", "--json", "--by", "domain,member", "--config", `${collator!.directory}.json`)
        assert.deepStrictEqual(JSON.parse(usage.stdout).lines, [{ domain: osaka.name, member: fuji.name, hits: 1 }])

        for (const node of network) {
          const conditions = (yield* statusOf(node))!.conditions.items
          assert.deepStrictEqual(
            conditions.map(({ detail, name }) =>
              `${name}: ${detail}`
            ).filter((text) => !text.startsWith("shadow: ")),
            [],
            node.id
          )
        }
        const byShadows = heard.filter(({ text }) => /"(?:NodeID|SenderNodeID|nodeID)":"shadow/.test(text))
        for (const { subject, text } of byShadows) {
          assert.strictEqual(subject, Subject.Status.name, text)
          assert.include(text, `"Type":"ask"`)
        }
        assert.isNotEmpty(byShadows)
      }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped),
    180_000
  )
})
