import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Metric, Random, Result } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { messageCodec } from "../../src/bus/MessageCodec.ts"
import { failover, failoverSteps } from "../../src/demo/failover.ts"
import { demoMembers } from "../../src/demo/places.ts"
import { layer as simulatedWorld } from "../../src/demo/SimulatedWorld.ts"
import { World } from "../../src/demo/World.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"

/** Whole numbers below `n`, the same in every run (mulberry32). */
const numbers = (seed: number) => {
  let state = seed
  return (n: number): number => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) % n
  }
}

const target = {
  CheckType: "endpoint",
  CheckName: "http",
  MemberName: "Fuji Hosting",
  DomainName: "rpc.demo.example",
  Endpoint: "ws://rpc.demo.example:18080/demo",
  IsIPv6: false
}
const proposal = {
  ...target,
  ID: "2f9d3e2a-0000-4000-8000-000000000001",
  SenderNodeID: "monitor-eu",
  ProposedStatus: false,
  ErrorText: "",
  Data: null,
  Timestamp: "2026-04-21T08:00:01Z"
}
const vote = { ProposalID: proposal.ID, SenderNodeID: "monitor-us", NodeID: "monitor-us", Agree: true }
/** Messages of the cluster, to be broken. */
const sound: ReadonlyArray<Record<string, unknown>> = [
  proposal,
  { ...vote, Timestamp: "2026-04-21T08:00:01Z" },
  { Proposal: proposal, SenderNodeID: "monitor-as", Passed: true, DecidedAt: "2026-04-21T08:00:02Z" },
  { type: "join", sender: { NodeID: "monitor-eu", NodeRole: "IBPMonitor" }, members: [] },
  { startDate: "2026-04-21", endDate: "2026-04-21", domain: "", memberName: "", country: "" },
  { nodeID: "dns-1", usageRecords: [] },
  { startTime: "2026-04-21T08:00:00Z", endTime: "2026-04-21T09:00:00Z", memberName: "" }
]

/** Values that fit nearly nowhere. */
const odd: ReadonlyArray<unknown> = [
  "",
  "x".repeat(300),
  "yesterday",
  "2026-13-45T99:99:99Z",
  "\u0000\ud800<script>",
  -1,
  1e308,
  7,
  true,
  [],
  [[]],
  {},
  { "__proto__": { Agree: true } },
  null
]

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth)

/** A message that no one can do anything with, as far as its maker can tell. */
const makeGarbage = (random: (n: number) => number): string => {
  const one = { ...sound[random(sound.length)]! }
  const text = JSON.stringify(one)
  switch (random(7)) {
    case 0:
      return Array.from({ length: random(200) }, () => String.fromCharCode(random(random(2) === 0 ? 128 : 65536))).join(
        ""
      )
    case 1:
      return text.slice(0, random(text.length))
    case 2:
      return text.slice(0, random(text.length)) + "}" + text.slice(random(text.length))
    case 3:
      return JSON.stringify(odd[random(odd.length)])
    case 4: {
      const depth = 65 + (random(50) === 0 ? random(5_000) : random(20))
      return random(2) === 0 ? nested(depth) : `{"Data":${nested(depth)}}`
    }
    case 5:
      return random(20) === 0 ? JSON.stringify({ ...one, ErrorText: "x".repeat(70_000) }) : `\ufeff${text}`
    default: {
      const keys = Object.keys(one)
      for (let i = 0; i <= random(3); i++) one[keys[random(keys.length)]!] = odd[random(odd.length)]
      return JSON.stringify(one)
    }
  }
}

const subjects = Object.values(Subject)

/** Subjects with other names than those that carry messages in this version. */
const others = ["monitor.stats.downtimeData", "agent.report.fuji.1", "geodns.v1.status", "geodns.v1.lease.alerts", "x"]

const perSubject = 10_000

/** Different messages per subject, of those that its listeners must refuse. */
const pool = 2_000

/** The nodes of the simulated world: all of them listen to what the monitors say. */
const nodes = 5

describe("failover under garbage", () => {
  it.effect(
    "completes while 10,000 messages of garbage come on every subject of the bus",
    () =>
      Effect.gen(function*() {
        const random = numbers(1)
        const garbage = new Map(subjects.map((subject) => {
          const { decode } = messageCodec<unknown>(subject)
          const messages: Array<string> = []
          while (messages.length < pool) {
            const message = makeGarbage(random)
            if (Result.isFailure(decode(message))) messages.push(message)
          }
          return [subject.name, messages] as const
        }))
        for (const name of others) garbage.set(name, Array.from({ length: pool }, () => makeGarbage(random)))

        const bus = yield* Bus
        const steps: Array<string> = []
        let sent = 0
        let stepsMeanwhile = 0
        const flood = Effect.gen(function*() {
          while (sent < perSubject) {
            for (let i = 0; i < 25; i++) {
              for (const [name, messages] of garbage) {
                // Some want an answer, on subjects where it would do most harm.
                const reply = random(4) === 0 ? ["_INBOX.1.1", name, "consensus.finalize", ""][random(4)] : undefined
                yield* Effect.orDie(bus.publish(name, messages[sent % pool]!, reply))
              }
              sent++
            }
            yield* Effect.sleep("10 millis")
          }
          stepsMeanwhile = steps.length
        })

        const world = yield* World
        yield* TestClock.adjust("5 seconds")
        const flooding = yield* Effect.forkChild(flood)
        const story = yield* Effect.forkChild(failover({
          member: demoMembers[0]!,
          client: "203.0.113.7",
          onSeen: ({ step }) => Effect.sync(() => void steps.push(step)),
          patience: "1 minute",
          downFor: "3 seconds"
        }))
        while (story.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
        yield* Fiber.join(story)
        yield* Fiber.join(flooding)
        yield* TestClock.adjust("1 second")

        assert.deepStrictEqual(steps, [...failoverSteps])
        assert.strictEqual(sent, perSubject)
        assert.isBelow(stepsMeanwhile, failoverSteps.length, "the story goes on when the flood is over")
        assert.isAbove(
          stepsMeanwhile,
          failoverSteps.indexOf("endpoint-recovers"),
          "it has seen both halves of the story"
        )
        const outages = yield* world.outages
        assert.lengthOf(outages, 1)
        for (const voter of Object.keys(outages[0]!.votes)) assert.match(voter, /^monitor-(eu|us|as)$/)

        // Every single one was refused as what it is, by everyone who listened, and nothing was lost for it.
        const counted = (id: string, subject: string | undefined) =>
          Effect.map(Metric.snapshot, (metrics) =>
            metrics
              .filter((metric) => metric.id === id && metric.attributes?.["subject"] === subject)
              .reduce((sum, { state }) => sum + Number("count" in state ? state.count : 0), 0))
        for (const subject of [Subject.Cluster, Subject.Propose, Subject.Cast, Subject.Finalize]) {
          assert.strictEqual(yield* counted("geodns_bus_garbage_total", subject.name), nodes * sent, subject.name)
        }
        assert.strictEqual(yield* counted("geodns_bus_dropped_total", undefined), 0)
      }).pipe(
        // The broker of the world and that of the one who floods it are one layer, so they are one broker.
        Effect.provide(
          Layer.merge(simulatedWorld({}), Bus.layerMemory({ name: "flood" }).pipe(Layer.provide(MemoryBroker.layer)))
        ),
        Effect.provide([Layer.sync(Metric.MetricRegistry, () => new Map()), Logger.layer([])]),
        Random.withSeed(1)
      ),
    120_000
  )
})
