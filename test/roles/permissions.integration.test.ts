import { assert, it } from "@effect/vitest"
import { connect, nkeyAuthenticator } from "@nats-io/transport-node"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { Bus } from "../../src/bus/Bus.ts"
import type { NatsOptions } from "../../src/bus/NatsOptions.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { Usage } from "../../src/usage/Usage.ts"
import { UsageCollector } from "../../src/usage/UsageCollector.ts"
import { eventually } from "../bus/natsClients.ts"
import * as geodns from "../cli/geodns.ts"
import { command } from "../cli/inProcess.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { hit } from "../usage/collecting.ts"
import { busCollator, busDns, busMonitor } from "./busNodes.ts"

const nodes = [
  "monitor.eu-1:monitor",
  "monitor-2:monitor",
  "dns-1:dns",
  "dns-2:dns",
  "collator-1:collator",
  "shadow-1:shadow"
]

const passwordOf = (id: string) => `of-${id.replaceAll(/\W/g, "_")}`

const nkeys = Effect.promise(() => import("@nats-io/transport-node").then(({ nkeys }) => nkeys))

/** A broker with what the command prints, and nothing else but one more user who may do everything. */
const broker = Effect.gen(function*() {
  const { createUser } = yield* nkeys
  const pair = createUser()
  const { ok, stderr, stdout } = yield* command([
    "nats-permissions",
    ...nodes.flatMap((node) => ["--node", node]),
    "--nkey",
    `collator-1:${pair.getPublicKey()}`
  ])
  assert.isTrue(ok, stderr)
  const config = stdout
    .replaceAll(/\$NATS_(\w+)_PASSWORD/g, (_, name: string) => JSON.stringify(`of-${name.toLowerCase()}`))
    .replace("users: [", `users: [ { user: "all", password: "of-all" }`)
  const server = yield* natsServer({ config })
  const login = (id: string) =>
    Effect.acquireRelease(
      Effect.promise(() => connect({ servers: server.url, user: id, pass: passwordOf(id) })),
      (client) => Effect.promise(() => client.close())
    )
  const optionsOf = (id: string): NatsOptions => ({
    servers: [server.url],
    name: id,
    ...id === "collator-1"
      ? { nkeySeed: Redacted.make(String(new TextDecoder().decode(pair.getSeed()))) }
      : { user: id, password: Redacted.make(passwordOf(id)) }
  })
  const asCollator = Effect.acquireRelease(
    Effect.promise(() => connect({ servers: server.url, authenticator: nkeyAuthenticator(pair.getSeed()) })),
    (client) => Effect.promise(() => client.close())
  )
  return { server, login, optionsOf, asCollator }
})

type Client = Effect.Success<Effect.Success<typeof broker>["asCollator"]>

/** What the broker refuses a client. */
const refusals = (client: Client) => {
  const refused: Array<string> = []
  void (async () => {
    for await (const status of client.status()) if (status.type === "error") refused.push(String(status.error))
  })()
  return refused
}

/** Everything that is said, but for answers. */
const listen = Effect.fnUntraced(function*(client: Client) {
  const heard: Array<{ readonly subject: string; readonly text: string }> = []
  client.subscribe(">", { callback: (_, { data, subject }) => void heard.push({ subject, text: String(data) }) })
  yield* Effect.promise(() => client.flush())
  return heard
})

/** Waits longer: who comes late for the first vote has another one after half a minute. */
const within = (what: string, holds: Effect.Effect<boolean>) =>
  geodns.eventually(what, Effect.map(holds, (yes) => yes ? Option.some(yes) : Option.none()), "90 seconds")

const conditionsOf = (parts: Context.Context<Conditions>) =>
  Effect.map(Context.get(parts, Conditions).current, (all) => all.map(({ detail, name }) => `${name}: ${detail}`))

describeWith(nats, "nats-server with the permissions that geodns prints", () => {
  it.live("lets each role do all that it does", () =>
    Effect.gen(function*() {
      const { login, optionsOf, server } = yield* broker
      const bus = (id: string) => Bus.layerNats(optionsOf(id))
      const [first, second, dns, collator] = yield* Effect.all([
        Layer.build(busMonitor("monitor.eu-1", bus("monitor.eu-1"))),
        Layer.build(busMonitor("monitor-2", bus("monitor-2"))),
        Layer.build(busDns("dns-1", bus("dns-1"))),
        Layer.build(busCollator("collator-1", bus("collator-1")))
      ], { concurrency: "unbounded" })
      const all: ReadonlyArray<Context.Context<OfficialStatus | Overrides | Conditions>> = [
        first,
        second,
        dns,
        collator
      ]
      const everybodySays = (what: string, ups: Readonly<Record<string, boolean>>) =>
        Effect.forEach(all, (parts) =>
          within(
            what,
            Effect.map(Context.get(parts, OfficialStatus).all, (status) => {
              const known = [...status.values()].map(({ target, up }) => [target.member, up] as const)
              return known.length === 2 && known.every(([member, up]) => ups[member] === up)
            })
          ), { discard: true })

      yield* everybodySays("all are up", { Harbour: true, Lagoon: true })
      yield* ScriptedProbes.use(({ set }) => set({ member: "Harbour" }, { up: false, error: "status 503" }))
      yield* everybodySays("one is down", { Harbour: false, Lagoon: true })

      yield* Context.get(first, Overrides).add({ kind: "override", member: "Lagoon", reason: "x", author: "somebody" })
      for (const parts of all) {
        const overrides = Context.get(parts, Overrides)
        yield* eventually("the override", Effect.map(overrides.active, (active) => active.has("Lagoon")))
      }

      Context.get(dns, Usage).record(hit())
      yield* eventually(
        "usage is collected",
        Effect.andThen(
          Context.get(collator, UsageCollector).collect,
          Effect.map(
            Context.get(collator, UsageCollector).completeness,
            (days) => days.some(({ node }) => node === "dns-1")
          )
        )
      )
      // One that comes later asks the others what is official, and gets its answers in an inbox of its own.
      const late = yield* Layer.build(busDns("dns-2", bus("dns-2")))
      yield* eventually(
        "what was decided before",
        Effect.map(Context.get(late, OfficialStatus).all, (status) => status.size === 2)
      )
      const shadow = yield* login("shadow-1")
      const answers: Array<string> = []
      shadow.subscribe("_INBOX.shadow-1.1", { callback: (_, { data }) => void answers.push(String(data)) })
      shadow.publish(
        Subject.Status.name,
        `{"Type":"ask","NodeID":"shadow-1","NodeRole":"IBPDns","Count":0,"Hash":"","From":0}`,
        { reply: "_INBOX.shadow-1.1" }
      )
      yield* eventually("answers to a shadow", Effect.sync(() => answers.length > 0))

      for (const parts of [...all, late]) assert.deepStrictEqual(yield* conditionsOf(parts), [])
      assert.notMatch(server.log(), /Violation/)
    }).pipe(Effect.provide(Layer.fresh(ScriptedProbes.layer)), Effect.scoped), 120_000)

  it.live("lets nobody but monitors decide, and nobody make the broker let him", () =>
    Effect.gen(function*() {
      const { asCollator, login } = yield* broker
      const heard = yield* listen(yield* login("all"))
      const forbidden = {
        "dns-1": [Subject.Propose, Subject.Cast, Subject.Finalize, Subject.Abstain, Subject.Override, Subject.GetUsage],
        "shadow-1": [
          Subject.Propose,
          Subject.Cast,
          Subject.Finalize,
          Subject.Cluster,
          Subject.Override,
          Subject.OverrideDigest
        ],
        "collator-1": [Subject.Propose, Subject.Cast, Subject.Finalize, Subject.Abstain, Subject.UsageData],
        "monitor-2": [Subject.GetUsage, Subject.MoreUsage, Subject.UsageData, { name: `${Subject.UsagePages.name}.0f` }]
      } as const
      for (const [id, subjects] of Object.entries(forbidden)) {
        const client = id === "collator-1" ? yield* asCollator : yield* login(id)
        const refused = refusals(client)
        const flush = Effect.promise(() => client.flush())
        // It sends itself a question that wants its answer there.
        const asks = id === "shadow-1" ? Subject.Status.name : Subject.Cluster.name
        client.subscribe(asks, { callback: () => undefined })
        for (const { name } of subjects) {
          client.publish(asks, "{}", { reply: name })
          yield* flush
          client.publish(name, "forged")
        }
        yield* flush
        yield* eventually(`${id} is refused`, Effect.sync(() => refused.length >= subjects.length))
        subjects.forEach(({ name }, i) => assert.include(refused[i], `Publish to "${name}"`, id))
      }
      assert.deepStrictEqual(heard.filter(({ text }) => text === "forged"), [])
    }).pipe(Effect.scoped), 120_000)

  it.live("lets nobody hear the answers of others, and nobody in without a password", () =>
    Effect.gen(function*() {
      const { login, server } = yield* broker
      const client = yield* login("dns-1")
      const refused = refusals(client)
      const subjects = [
        "_INBOX.>",
        "_INBOX.*",
        "_INBOX.monitor-2.>",
        "_INBOX.dns-2.1",
        ">",
        "consensus.>",
        "_INBOX.dns-1.1"
      ]
      for (const subject of subjects) client.subscribe(subject, { callback: () => undefined })
      yield* Effect.promise(() => client.flush())
      yield* eventually("refusals", Effect.sync(() => refused.length >= subjects.length - 1))
      assert.lengthOf(refused, subjects.length - 1, refused.join("; "))
      const anonymous: unknown = yield* Effect.promise(() =>
        connect({ servers: server.url, maxReconnectAttempts: 0 }).catch((error: unknown) => error)
      )
      assert.match(String(anonymous), /Authorization/i)
    }).pipe(Effect.scoped), 120_000)

  it.live("refuses a node that has the wrong user what it may not, and the node says so", () =>
    Effect.gen(function*() {
      const { login, optionsOf } = yield* broker
      const heard = yield* listen(yield* login("all"))
      // Somebody runs a monitor with the user of a DNS node.
      const wrong = yield* Layer.build(busMonitor("dns-1", Bus.layerNats(optionsOf("dns-1"))))
      yield* eventually(
        "the condition",
        Effect.map(
          conditionsOf(wrong),
          (all) =>
            all.some((text) =>
              text.startsWith("bus: the broker does not let this node") && text.includes(Subject.Propose.name)
            )
        )
      )
      assert.deepStrictEqual(heard.filter(({ subject }) => subject === Subject.Propose.name), [])
      assert.isNotEmpty(heard.filter(({ subject }) => subject === Subject.Cluster.name))
    }).pipe(Effect.provide(Layer.fresh(ScriptedProbes.layer)), Effect.scoped), 120_000)
})
