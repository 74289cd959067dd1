import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Option, Schedule } from "effect"
import { type Heartbeats, Monitor, type Probes } from "effect-geodns/monitor"
import { Conditions } from "effect-geodns/node"
import { checkOnce, monitorNode, preview, probeTarget, standalone } from "effect-geodns/roles"
import type { Layer } from "effect/Layer"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../cli/geodns.ts"
import { rawMember } from "../monitor/documents.ts"
import { tcpServer } from "../monitor/servers.ts"
import { probes } from "../readme/ownProbe.ts"

/** Documents of one member, whose mail server answers, with the check of our own probe and one that goes by agents. */
const documents = Effect.gen(function*() {
  const mail = yield* tcpServer((socket) => void socket.write("220 mail.example ESMTP\r\n"))
  const folder = yield* temporaryFolder
  const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value))
  write("members.json", { harbour: rawMember({ name: "Harbour", ipv4: mail.address }) })
  write("services.json", {})
  write("local.json", {
    System: { ConfigUrls: { MembersConfig: "members.json", ServicesConfig: "services.json" } },
    // Nobody listens there
    Nats: { NodeID: "own", Url: "nats://127.0.0.1:1" },
    DnsApi: { ListenPort: "" },
    MonitorApi: { ListenPort: "" },
    Checks: [
      {
        Name: "smtp",
        Enabled: 1,
        CheckType: "site",
        Timeout: 2,
        minimumInterval: 0.5,
        ExtraOptions: { Port: mail.port }
      },
      { Name: "heartbeat", Enabled: 1, CheckType: "site" }
    ],
    GeoDNS: { Dns: { Listen: "127.0.0.1:0" } }
  })
  return join(folder, "local.json")
})

/** What a running node sees first, what it plans, and what it says of its checks. */
const seenBy = Effect.fnUntraced(function*<E, R>(node: Layer<Monitor | Conditions, E, R>) {
  return yield* Effect.gen(function*() {
    const { planned, results } = yield* Monitor
    const seen = yield* results.pipe(
      Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (all) => all.length > 0 }),
      Effect.timeoutOption("15 seconds")
    )
    const conditions = yield* Conditions.use(({ current }) => current)
    return {
      planned: yield* planned,
      seen: Option.getOrElse(seen, () => []).map(({ last, target }) => [target.check, last.up]),
      checks: conditions.find(({ name }) => name === "checks")?.detail
    }
  }).pipe(Effect.provide(node))
})

const options: { readonly probes: Layer<Probes | Heartbeats> } = { probes }

describe("a probe of one's own", () => {
  it.live(
    "is given to a monitor, and to a standalone node, which hears no agents and says so",
    () =>
      Effect.gen(function*() {
        const path = yield* documents
        assert.deepStrictEqual(yield* seenBy(monitorNode(path, options)), {
          planned: 2,
          seen: [["smtp", true]],
          checks: undefined
        })
        const alone = yield* seenBy(standalone(path, options))
        assert.deepStrictEqual([alone.planned, alone.seen], [1, [["smtp", true]]])
        assert.match(alone.checks!, /^check heartbeat: the check does not run here: standalone hears no agents/)
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    60_000
  )

  it.live("is given to what looks once, and to what checks documents", () =>
    Effect.gen(function*() {
      const path = yield* documents
      const { problems, results } = yield* checkOnce(path, () => Effect.void, options)
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(
        results.map(({ leftOut, observation, target }) => [target.check, observation?.up, leftOut !== undefined]),
        [["smtp", true, false], ["heartbeat", undefined, true]]
      )
      const { looked } = yield* probeTarget(path, ["smtp"], options)
      assert.isTrue(looked.up)
      const found = yield* preview(path, [], undefined, options)
      assert.deepStrictEqual([found.targets, found.problems.filter(({ path }) => path.startsWith("check"))], [2, []])
      assert.match(
        (yield* preview(path)).problems.find(({ path }) => path === "check smtp")!.found,
        /^what cannot: there is no probe smtp/
      )
      const alone = (yield* preview(path, [], "standalone", options)).problems
      assert.match(
        alone.find(({ path }) => path === "check heartbeat")!.found,
        /^what cannot: the check does not run here: standalone hears no agents/
      )
    }).pipe(Effect.scoped), 60_000)
})
