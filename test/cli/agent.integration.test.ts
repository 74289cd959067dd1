import { assert, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Option, Schema } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { AgentReport } from "../../src/domain/wire/Agent.ts"
import { httpServer } from "../monitor/servers.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { eventually, start, temporaryFolder } from "./geodns.ts"
import { command } from "./inProcess.ts"

/** A broker with what `geodns nats-permissions` prints for two agents, and a user who hears everything. */
const broker = Effect.gen(function*() {
  const { stdout } = yield* command(["nats-permissions", "--node", "harbour:agent", "--node", "lagoon:agent"])
  const config = stdout
    .replaceAll(/\$NATS_(\w+)_PASSWORD/g, (_, name: string) => JSON.stringify(`of-${name.toLowerCase()}`))
    .replace("users: [", `users: [ { user: "all", password: "of-all" }`)
  const server = yield* natsServer({ config })
  const login = (user: string) =>
    Effect.acquireRelease(
      Effect.promise(() => connect({ servers: server.url, user, pass: `of-${user}` })),
      (client) => Effect.promise(() => client.close())
    )
  return { server, login }
})

describeWith(nats, "geodns agent", () => {
  it.live("reports what it sees of its machine, on its own subject and no other", () =>
    Effect.gen(function*() {
      const { login, server } = yield* broker
      const all = yield* login("all")
      const heard: Array<{ readonly subject: string; readonly report: AgentReport }> = []
      const decode = Schema.decodeUnknownSync(Schema.fromJsonString(AgentReport))
      all.subscribe(">", {
        callback: (_, message) => void heard.push({ subject: message.subject, report: decode(message.string()) })
      })
      yield* Effect.promise(() => all.flush())

      let status = 200
      const { port } = yield* httpServer((_, response) => response.writeHead(status).end("ok"))
      const folder = yield* temporaryFolder
      const config = join(folder, "agent.json")
      const url = `http://rpc.example:${port}/`
      writeFileSync(
        config,
        JSON.stringify({
          System: { ConfigUrls: {} },
          Nats: { User: "harbour", Pass: "of-harbour", Url: server.url },
          GeoDNS: {
            Agent: {
              Member: "harbour",
              Interval: 1,
              Services: { rpc: { Probe: "http", Url: url, Address: "127.0.1.7" } }
            }
          }
        })
      )
      const agent = yield* start(["agent", "--config", config])
      yield* agent.says(/Agent of harbour: reports every 1 s on rpc/)
      const sees = (state: string) =>
        eventually(
          `the report that rpc is ${state}`,
          Effect.sync(() =>
            Option.fromUndefinedOr(heard.findLast(({ report }) => report.services?.["rpc"]?.status === state))
          )
        )
      const { report, subject } = yield* sees("up")
      assert.deepStrictEqual([subject, report.agent_id, report.status], ["agent.report.harbour", "harbour", "online"])
      assert.isAbove(report.services!["rpc"]!.latency, 0)
      status = 503
      heard.length = 0
      assert.match((yield* sees("down")).report.services!["rpc"]!.error!, /503/)
      yield* agent.logs(/rpc is down: .*503/)
      yield* agent.kill("SIGTERM")
      assert.strictEqual((yield* agent.ended).code, 0)
      assert.deepStrictEqual([...new Set(heard.map(({ subject }) => subject))], ["agent.report.harbour"])
    }))

  it.live("is held to its subject by the broker, and hears nothing", () =>
    Effect.gen(function*() {
      const { login } = yield* broker
      const all = yield* login("all")
      const heard: Array<string> = []
      all.subscribe(">", { callback: (_, { subject }) => void heard.push(subject) })
      yield* Effect.promise(() => all.flush())
      const lagoon = yield* login("lagoon")
      const refused: Array<string> = []
      void (async () => {
        for await (const status of lagoon.status()) if (status.type === "error") refused.push(String(status.error))
      })()
      lagoon.subscribe("agent.report.>", { callback: () => undefined })
      for (const subject of ["agent.report.harbour", "agent.report.lagoon.x", "consensus.vote", "consensus.cluster"]) {
        lagoon.publish(subject, "{}")
      }
      lagoon.publish("agent.report.lagoon", "{}")
      yield* Effect.promise(() => lagoon.flush())
      yield* eventually("five refusals", Effect.sync(() => refused.length >= 5 ? Option.some(true) : Option.none()))
      assert.deepStrictEqual(heard, ["agent.report.lagoon"])
    }))

  it.live("does not start without what it needs, and says what that is", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const config = join(folder, "agent.json")
      const written = (agent: object | undefined) =>
        Effect.suspend(() => {
          writeFileSync(config, JSON.stringify({ System: { ConfigUrls: {} }, GeoDNS: { Agent: agent } }))
          return command(["agent", "--config", config])
        })
      assert.include((yield* written(undefined)).stderr, "GeoDNS.Agent with a Member")
      const wrong = yield* written({
        Member: "harbour",
        Services: { rpc: { Probe: "pnig", Url: "https://rpc.example" } }
      })
      assert.isFalse(wrong.ok)
      assert.include(wrong.stderr, "GeoDNS.Agent.Services.rpc: there is no probe pnig")
    }))
})
