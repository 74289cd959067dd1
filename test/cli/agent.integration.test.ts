import { assert, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Option, Schema } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { AgentReport } from "../../src/domain/wire/Agent.ts"
import { rawMember } from "../monitor/documents.ts"
import { httpServer } from "../monitor/servers.ts"
import { freePort, natsServer } from "../servers/NatsServer.ts"
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

  it.live(
    "a broker that is away for longer than MaxAge takes no member down, and an agent that ends does",
    () =>
      Effect.gen(function*() {
        const server = yield* natsServer({})
        const folder = yield* temporaryFolder
        const port = yield* Effect.promise(() => freePort())
        const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value))
        write("members.json", { harbour: rawMember({ name: "Harbour" }), lagoon: rawMember({ name: "Lagoon" }) })
        write("services.json", {})
        write("local.json", {
          System: { ConfigUrls: { MembersConfig: "members.json", ServicesConfig: "services.json" } },
          Nats: { NodeID: "monitor-1", Url: server.url },
          MonitorApi: { ListenPort: String(port) },
          Checks: [{
            Name: "heartbeat",
            Enabled: 1,
            CheckType: "site",
            Timeout: 1,
            minimumInterval: 0.5,
            ExtraOptions: { MaxAge: 4 }
          }]
        })
        write("agent.json", {
          System: { ConfigUrls: {} },
          Nats: { Url: server.url },
          GeoDNS: { Agent: { Member: "harbour", Interval: 1 } }
        })
        const ask = (path: string) =>
          Effect.promise(async () => {
            const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) })
            return await response.json() as any
          })
        const said = Effect.map(
          ask("/results?source=local"),
          ({ SiteResults }): ReadonlyArray<any> => SiteResults?.[0]?.Results ?? []
        )
        const condition = (name: string) =>
          Effect.map(ask("/health"), ({ conditions }) => conditions.find((one: any) => one.name === name))
        const until = <E, R>(what: string, look: Effect.Effect<boolean, E, R>) =>
          eventually(what, Effect.map(look, (isSo) => isSo ? Option.some(true) : Option.none()))
        /** The last word on Harbour since a time; never a bad one. */
        const isWellSince = (time: number) =>
          Effect.map(said, (results) => {
            for (const { ErrorText, Status } of results) assert.strictEqual(Status, true, ErrorText)
            return results.some(({ Checktime }) => Date.parse(Checktime) > time)
          })

        const monitor = yield* start(["monitor", "--config", join(folder, "local.json")])
        yield* monitor.says(/status +http/)
        const agent = yield* start(["agent", "--config", join(folder, "agent.json")])
        yield* until("Harbour is well", isWellSince(0))
        yield* until(
          "Lagoon has no agent",
          Effect.map(condition("agents"), (found) => /nothing of Lagoon: /.test(found?.detail))
        )
        yield* Effect.promise(() => server.kill())
        yield* until(
          "the broker is away for longer than MaxAge",
          Effect.map(condition("bus"), (found) => found !== undefined && Date.now() - Date.parse(found.since) > 6_000)
        )
        const back = Date.now()
        yield* Effect.promise(() => server.restart())
        yield* until("Harbour is well again", isWellSince(back))
        yield* agent.kill("SIGTERM")
        yield* until(
          "Harbour is down",
          Effect.map(
            said,
            (results) => results.some(({ ErrorText }) => ErrorText === "the agent has not reported for 4 s")
          )
        )
        assert.deepStrictEqual((yield* said).map(({ MemberName }) => MemberName), ["Harbour"])
      }),
    120_000
  )

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
