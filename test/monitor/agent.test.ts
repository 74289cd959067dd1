import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { permissionsOf } from "../../src/bus/Permissions.ts"
import { Config } from "../../src/config/Config.ts"
import { AgentSettings } from "../../src/domain/documents/GeoDns.ts"
import { AgentReport, agentReportSubject, isAgentId } from "../../src/domain/wire/Agent.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { makeAgentReport, readAgentReport } from "../../src/monitor/agentReport.ts"
import { hearAgents } from "../../src/monitor/hearAgents.ts"
import { Heartbeats } from "../../src/monitor/Heartbeats.ts"
import * as metrics from "../../src/monitor/metrics.ts"
import { runInTime } from "../../src/monitor/Prober.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { planAgent, runAgent } from "../../src/monitor/runAgent.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { rawMember } from "./documents.ts"
import { plannedTarget, prepared } from "./planned.ts"

const report = (over: Partial<AgentReport> = {}): AgentReport => ({
  agent_id: "harbour",
  timestamp: 0,
  status: "online",
  services: null,
  ...over
})

const service = (status: "up" | "down" | "degraded", error?: string) => ({
  name: "x",
  status,
  latency: 2_500_000,
  last_check: 0,
  ...error !== undefined && { error }
})

describe("the id of an agent", () => {
  it("is part of one subject below agent.report, whatever it is", () => {
    const ids = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.constantFrom("a.b", "*", ">", "", "..", "a b")
    )
    fc.assert(fc.property(ids, (id) => {
      const subject = agentReportSubject(id)
      assert.match(subject, /^agent\.report(\.[^\s.*>]+)+$/u)
      if (isAgentId(id)) assert.strictEqual(subject, `agent.report.${id}`)
      assert.deepStrictEqual(permissionsOf({ role: "agent", node: id }).publish, [subject])
    }))
    assert.deepStrictEqual(["harbour", "eu.harbour-1", "a b", "*", ">", "", ".a", "a..b"].map(isAgentId), [
      true,
      true,
      false,
      false,
      false,
      false,
      false,
      false
    ])
  })
})

describe("a report", () => {
  it("is down when a service is, and says which", () => {
    assert.deepInclude(readAgentReport(report()), { up: true, error: "" })
    const services = { rpc: service("up"), db: service("degraded") }
    assert.deepStrictEqual(readAgentReport(report({ services })), {
      up: true,
      error: "",
      data: { Services: { db: { Status: "degraded", Latency: 2.5 }, rpc: { Status: "up", Latency: 2.5 } } }
    })
    const down = { z: service("down"), a: service("down", "connection refused"), b: service("up") }
    assert.strictEqual(readAgentReport(report({ services: down })).error, "a: connection refused; and 1 more")
    assert.deepInclude(readAgentReport(report({ status: "stopping" })), { up: false, error: "it is stopping" })
  })

  it("stays small, whatever is in it", () => {
    const services = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`${i} ${"n".repeat(5_000)}`, service("down", "e".repeat(5_000))])
    )
    const { data, error } = readAgentReport(report({ services }))
    assert.isBelow(error.length, 400)
    assert.isBelow(JSON.stringify(data).length, 16_000)
  })

  it("comes over the wire as it was made, and fits into its subject", () => {
    const seen = Array.from({ length: 300 }, (_, i) => ({
      name: `service ${i}`,
      up: i % 2 === 0,
      error: i % 2 === 0 ? "" : "e".repeat(1_000),
      latency: 1.5,
      at: 1_000 + i
    }))
    const made = makeAgentReport("harbour", seen.slice(0, 30), 2_000)
    const text = JSON.stringify(Schema.encodeUnknownSync(AgentReport)(made))
    assert.deepStrictEqual(Schema.decodeUnknownSync(AgentReport)(JSON.parse(text)), made)
    assert.deepInclude(made.services!["service 0"], { status: "up", latency: 1_500_000 })
    const long = seen.map((one) => ({ ...one, name: one.name + "é".repeat(200), error: "é".repeat(1_000) }))
    const largest = JSON.stringify(Schema.encodeUnknownSync(AgentReport)(makeAgentReport("harbour", long, 2_000)))
    assert.isBelow(Buffer.byteLength(largest), Subject.AgentReports.maxBytes)
  })
})

const members = { harbour: rawMember({ name: "Harbour Ltd" }), lagoon: rawMember({ name: "Lagoon" }) }

const Here = hearAgents.pipe(
  Layer.provideMerge(Layer.merge(Heartbeats.layer, Conditions.layerMemory)),
  Layer.provide(Config.layerMemory({ members })),
  Layer.provide(Bus.layerMemory({ name: "monitor-1" })),
  Layer.provideMerge(MemoryBroker.layer)
)

const settings = (over: object = {}): AgentSettings =>
  Schema.decodeUnknownSync(AgentSettings)({
    Member: "harbour",
    Services: { rpc: { Probe: "http", Url: "https://rpc.example/kusama" } },
    ...over
  })

const results = Effect.forEach(
  ["taken", "mismatch", "unknown", "often"] as const,
  (name) => Effect.map(Metric.value(metrics.reports[name]), ({ count }) => Number(count))
)

describe("monitors hear agents", () => {
  const say = Effect.fnUntraced(function*(subject: string, value: AgentReport) {
    const bus = yield* Bus
    yield* bus.publish(subject, JSON.stringify(Schema.encodeUnknownSync(AgentReport)(value)))
    yield* TestClock.adjust(1)
  }, Effect.provide(Bus.layerMemory({ name: "agent" })))

  it.effect("on the subject of the member that they speak for, and not too often", () =>
    Effect.gen(function*() {
      const heartbeats = yield* Heartbeats
      const before = yield* results
      const since = Effect.map(results, (now) => now.map((count, i) => count - before[i]!))
      yield* say("agent.report.harbour", report())
      assert.deepInclude(yield* heartbeats.last("Harbour Ltd"), { up: true, age: 1 })
      assert.deepStrictEqual(yield* since, [1, 0, 0, 0])
      // In the name of another; of nobody; once more at once
      yield* say("agent.report.harbour", report({ agent_id: "lagoon" }))
      yield* say("agent.report.lagoon.x", report({ agent_id: "lagoon" }))
      assert.isUndefined(yield* heartbeats.last("Lagoon"))
      yield* say("agent.report.nobody", report({ agent_id: "nobody" }))
      yield* say("agent.report.harbour", report({ services: { rpc: service("down") } }))
      assert.deepStrictEqual(yield* since, [1, 2, 1, 1])
      assert.isTrue((yield* heartbeats.last("Harbour Ltd"))!.up)
      yield* TestClock.adjust("1 second")
      yield* say("agent.report.harbour", report({ services: { rpc: service("down", "refused") } }))
      assert.deepInclude(yield* heartbeats.last("Harbour Ltd"), { up: false, error: "rpc: refused" })
    }).pipe(Effect.scoped, Effect.provide(Here)))

  it.effect("silence counts only while there is a connection", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const heartbeats = yield* Heartbeats
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* heartbeats.listening, 1)
      yield* TestClock.adjust("1 minute")
      yield* broker.disconnect("monitor-1")
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(yield* heartbeats.listening)
      yield* broker.reconnect("monitor-1")
      yield* TestClock.adjust(5)
      assert.strictEqual(yield* heartbeats.listening, 5)
    }).pipe(Effect.scoped, Effect.provide(Here)))

  it.effect("a broker that was away for longer than MaxAge takes nobody down; who stays silent then is down", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const run = prepared(yield* Probes, "heartbeat", { MaxAge: 45 })
      const look = (member: string) => runInTime(plannedTarget({ run, member, interval: 15_000 }))
      const both = Effect.map(Effect.all([look("Harbour Ltd"), look("Lagoon")]), (all) => all.map(({ up }) => up))
      /** Looks every second for so long, and tells everything that was said of the two. */
      const everythingFor = Effect.fnUntraced(function*(seconds: number, agents: ReadonlyArray<string>) {
        const said = new Set<string>()
        for (let at = 0; at < seconds; at++) {
          // Their next report fails, or is lost, while the broker is away
          if (at % 15 === 14) {
            for (const id of agents) {
              yield* Effect.ignore(say(`agent.report.${id}`, report({ agent_id: id })))
            }
          }
          yield* TestClock.adjust("1 second")
          said.add(String(yield* both))
        }
        return said
      })
      yield* everythingFor(30, ["harbour", "lagoon"])
      assert.deepStrictEqual(yield* everythingFor(60, ["harbour", "lagoon"]), new Set(["true,true"]))
      yield* broker.disconnect("monitor-1")
      yield* broker.disconnect("agent")
      const away = yield* everythingFor(600, ["harbour", "lagoon"])
      assert.deepStrictEqual(away, new Set([","]))
      yield* broker.reconnect("monitor-1")
      yield* broker.reconnect("agent")
      // Lagoon does not come back
      assert.deepStrictEqual(yield* everythingFor(44, ["harbour"]), new Set([",", "true,"]))
      yield* everythingFor(3, [])
      assert.deepStrictEqual(yield* both, [true, false])
      assert.strictEqual((yield* look("Lagoon")).error, "the agent has not reported for 45 s")
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provideMerge(
        Layer.provideMerge(
          hearAgents.pipe(
            Layer.provide(Config.layerMemory({ members })),
            Layer.provide(Bus.layerMemory({ name: "monitor-1" }))
          ),
          Layer.merge(Probes.layer, Conditions.layerMemory)
        ),
        MemoryBroker.layer
      ))
    ))

  it.effect("who has no agent, and who reports for nobody, is a condition while it lasts", () =>
    Effect.gen(function*() {
      const heartbeats = yield* Heartbeats
      const conditions = Effect.map(
        Conditions.use(({ current }) => current),
        (all) => all.map(({ detail, name }) => `${name}: ${detail}`).join("\n")
      )
      yield* heartbeats.seek("Lagoon", 150_000)
      yield* TestClock.adjust("10 seconds")
      assert.match(
        yield* conditions,
        /^agents: no agent of 1 member has reported since this monitor started, .* nothing of Lagoon: run geodns agent/
      )
      yield* say("agent.report.lagoon", report({ agent_id: "lagoon" }))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* conditions, "")
      for (let i = 0; i < 5; i++) {
        yield* say("agent.report.harbor", report({ agent_id: "harbor" }))
        assert.strictEqual(yield* conditions, "")
        yield* TestClock.adjust("15 seconds")
      }
      yield* say("agent.report.harbor", report({ agent_id: "harbor" }))
      yield* TestClock.adjust("10 seconds")
      assert.match(
        yield* conditions,
        /^agents:unknown: .*do not have: harbor \(is harbour meant\?\): GeoDNS\.Agent\.Member .* key or the name/
      )
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* conditions, "")
    }).pipe(Effect.scoped, Effect.provide(Here)))

  it.effect("mistakes are logged, at most once a minute", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.layer([
        Logger.make(({ fiber, message }) => {
          const annotations = fiber.getRef(References.CurrentLogAnnotations)
          if ("agent" in annotations) lines.push(`${message} ${JSON.stringify(annotations)}`)
        })
      ])
      yield* Effect.gen(function*() {
        for (let i = 0; i < 50; i++) yield* say("agent.report.nobody", report({ agent_id: "nobody" }))
        yield* say("agent.report.lagoon", report({ agent_id: "harbour" }))
        yield* TestClock.adjust("1 minute")
        yield* say("agent.report.nobody", report({ agent_id: "nobody" }))
      }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(Here, logger)))
      assert.lengthOf(lines, 3)
      assert.match(lines[0]!, /reports for a member that the documents do not have: .*"agent":"nobody"/)
      assert.match(lines[1]!, /on another subject .*"agent":"harbour","subject":"agent\.report\.lagoon"/)
      assert.include(lines[2]!, '"count":50')
    }))

  it.effect("an agent looks at its services, reports, and goes on when a probe hangs", () =>
    Effect.gen(function*() {
      const heartbeats = yield* Heartbeats
      const own = settings({
        Services: {
          good: { Probe: "http", Url: "https://rpc.example/a" },
          slow: { Probe: "http", Url: "https://rpc.example/b" },
          unable: { Probe: "http", Url: "https://rpc.example/c" }
        }
      })
      const { set, unset } = yield* ScriptedProbes
      const slow = { endpoint: "https://rpc.example/b" }
      yield* set(slow, { up: true, latency: Infinity })
      yield* set({ endpoint: "https://rpc.example/c" }, { up: undefined, error: "EMFILE" })
      const told: Array<string | undefined> = []
      const plan = Result.getOrThrow(planAgent(own, yield* Probes))
      yield* Effect.forkScoped(
        runAgent(own, plan, (seen, problem) =>
          Effect.sync(() =>
            void told.push(`${
              seen.map(({ name, up }) => `${name} ${up}`).sort().join()
            } ${problem}`)
          ))
      )
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(told, ["good true,slow false undefined"])
      const last = (yield* heartbeats.last("Harbour Ltd"))!
      assert.deepStrictEqual([last.up, last.error], [false, "slow: no complete answer within 5 s"])
      yield* unset(slow)
      yield* TestClock.adjust("30 seconds")
      assert.isTrue((yield* heartbeats.last("Harbour Ltd"))!.up)
      assert.isAtLeast(told.length, 3)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provideMerge(
        Layer.mergeAll(Bus.layerMemory({ name: "agent" }), Probes.layerMemory),
        Layer.merge(Here, ScriptedProbes.layer)
      ))
    ))
})

describe("what an agent looks at", () => {
  it.effect("is dialled on the machine itself, under its public name", () =>
    Effect.gen(function*() {
      const probes = yield* Probes
      const plan = Result.getOrThrow(planAgent(settings(), probes))
      const { address, check, host, port } = plan.get("rpc")!
      assert.deepStrictEqual([address, host, port, check.timeout], ["127.0.0.1", "rpc.example", 443, 5_000])
      const own = { rpc: { Probe: "wss", Url: "wss://rpc.example:9944/", Address: "::1", Timeout: 60 } }
      const other = Result.getOrThrow(planAgent(settings({ Services: own, Interval: 20 }), probes)).get("rpc")!
      assert.deepStrictEqual([other.address, other.port, other.target.ipv6, other.check.timeout], [
        "::1",
        9944,
        true,
        60_000
      ])
    }).pipe(Effect.provide(Probes.layer)))

  it.effect("has to make sense: everything that does not is told", () =>
    Effect.gen(function*() {
      const wrong = settings({
        Member: "Harbour Ltd",
        Services: {
          a: { Probe: "nothing", Url: "https://rpc.example" },
          b: { Probe: "http", Url: "rpc.example" },
          c: { Probe: "http", Url: "https://rpc.example", Address: "localhost" },
          d: { Probe: "wss", Url: "ftp://rpc.example" },
          e: { Probe: "http", Url: "https://rpc.example", ExtraOptions: { Method: 7 } },
          f: { Probe: "heartbeat", Url: "https://rpc.example" },
          g: { Probe: "http", Url: "x", Address: "y", ExtraOptions: { Method: 7, MaxLatency: 0 } }
        }
      })
      const problems = Result.match(planAgent(wrong, yield* Probes), {
        onSuccess: () => [],
        onFailure: (problems) => problems
      })
      assert.lengthOf(problems, 7 + 4)
      assert.match(problems[0]!, /^GeoDNS\.Agent\.Member: "Harbour Ltd" cannot be part/)
      for (const [i, name] of ["a", "b", "c", "d", "e", "f"].entries()) {
        assert.match(problems[i + 1]!, new RegExp(`^GeoDNS\\.Agent\\.Services\\.${name}: `))
      }
    }).pipe(Effect.provide(Probes.layer)))
})
