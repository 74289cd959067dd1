import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Logger, Metric, Option, Random, Ref, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { Membership } from "../../src/cluster/Membership.ts"
import { Config } from "../../src/config/Config.ts"
import { setDocuments } from "../../src/config/memoryConfig.ts"
import { Consensus, type ConsensusEvent, type OpenProposal } from "../../src/consensus/Consensus.ts"
import { contestedByProposals } from "../../src/consensus/contested.ts"
import * as metrics from "../../src/consensus/metrics.ts"
import { proposalId } from "../../src/consensus/proposalId.ts"
import type { Target } from "../../src/domain/Target.ts"
import type { NodeRole } from "../../src/domain/wire/Cluster.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { Contested } from "../../src/status/Contested.ts"
import { KnownTargets } from "../../src/status/KnownTargets.ts"
import type { Observation } from "../../src/status/Observation.ts"
import { Observer } from "../../src/status/Observer.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { finalize, proposal, target, vote } from "./fixtures.ts"

/** Sees every target as it is told to, and remembers how fresh it was asked to be. */
const observing = (
  see: (target: Target) => Effect.Effect<boolean | undefined>,
  asked: Array<number> = []
): Layer.Layer<Observer> =>
  Layer.succeed(Observer, {
    observe: (target, freshFor) =>
      Effect.suspend(() => {
        asked.push(freshFor)
        return Effect.map(see(target), (up) =>
          up === undefined
            ? Option.none()
            : Option.some<Observation>({ target, up, error: "", data: null, at: 0, latency: 1 }))
      })
  })
const sees = (up: boolean | undefined) => observing(() => Effect.succeed(up))

const start = (
  id: string,
  options: { role?: NodeRole; minimumVotes?: number; observer?: Layer.Layer<Observer> } = {}
) =>
  Layer.build(
    Consensus.layerMemory({
      id,
      role: options.role ?? "IBPMonitor",
      ...(options.minimumVotes === undefined ? {} : { minimumVotes: options.minimumVotes })
    }).pipe(
      Layer.provide(options.observer ?? sees(false))
    )
  ).pipe(
    Effect.map((services) => ({
      id,
      consensus: Context.get(services, Consensus),
      official: Context.get(services, OfficialStatus),
      conditions: Context.get(services, Conditions)
    }))
  )

type Node = Effect.Success<ReturnType<typeof start>>

const down = { target, up: false, error: "timeout", data: null } as const
const settle = Effect.repeat(TestClock.adjust("10 millis"), { times: 20 })
/** Lets nodes announce themselves to each other. */
const meet = TestClock.adjust("6 seconds")

const record = Effect.fnUntraced(function*(node: Node) {
  const events: Array<ConsensusEvent> = []
  const stream = yield* node.consensus.subscribe
  yield* Stream.runForEach(stream, (event) => Effect.sync(() => events.push(event))).pipe(Effect.forkScoped)
  return events
})

const statuses = (nodes: ReadonlyArray<Node>) =>
  Effect.forEach(nodes, ({ official }) => Effect.map(official.get(target), (status) => status?.up))

describe("Consensus", () => {
  it.effect("decides among monitors, and is followed by those who only observe", () =>
    Effect.gen(function*() {
      const nodes = yield* Effect.all([
        start("monitor-1"),
        start("monitor-2"),
        start("monitor-3"),
        start("dns-1", { role: "IBPDns", observer: Observer.layerNone }),
        start("collator-1", { role: "IBPCollator", observer: Observer.layerNone })
      ])
      yield* meet
      const events = yield* record(nodes[3]!)
      yield* nodes[0]!.consensus.propose(down)
      yield* settle
      assert.deepStrictEqual(yield* statuses(nodes), [false, false, false, false, false])
      const official = yield* nodes[4]!.official.get(target)
      assert.deepInclude(official, { error: "timeout", target })
      assert.isAtLeast(Object.values(official!.votes).filter((agree) => agree).length, 2)
      assert.deepStrictEqual(events.map(({ _tag }) => _tag).filter((tag) => tag !== "Voted"), ["Proposed", "Decided"])
      assert.deepStrictEqual(yield* nodes[0]!.consensus.proposals, [])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("logs who decided", () => {
    const logged: Array<Readonly<Record<string, unknown>>> = []
    const logger = Logger.make(({ fiber, message }) => {
      if (/ is (up|down)$/.test(String(message))) logged.push(fiber.getRef(References.CurrentLogAnnotations))
    })
    return Effect.gen(function*() {
      const nodes = yield* Effect.all([
        start("monitor-1", { observer: sees(true) }),
        start("monitor-2", { observer: sees(true) }),
        start("monitor-3", { observer: sees(true) }),
        start("dns-1", { role: "IBPDns", observer: Observer.layerNone })
      ])
      const dns = nodes[3]!
      yield* meet
      const broker = Context.get(yield* Layer.build(Bus.layerMemory({ name: "monitor" })), Bus)
      yield* Messages.send(Subject.Finalize, finalize({ at: 6_000 })).pipe(Effect.provideService(Bus, broker))
      yield* settle
      yield* nodes[0]!.consensus.propose({ ...down, up: true })
      yield* settle
      assert.deepStrictEqual(yield* statuses(nodes), [true, true, true, true])
      const deciders = logged.map((annotations) => annotations["by"])
      assert.lengthOf(deciders, 4)
      assert.include(deciders, (yield* dns.official.get(target))!.decidedBy)
      for (const by of deciders) assert.match(String(by), /^monitor-[123]$/)
    }).pipe(Effect.provide(MemoryBroker.layer), Effect.provide(Logger.layer([logger])))
  })

  it.effect("rejects what a majority sees otherwise", () =>
    Effect.gen(function*() {
      const nodes = yield* Effect.all([
        start("monitor-1"),
        start("monitor-2", { observer: sees(true) }),
        start("monitor-3", { observer: sees(true) })
      ])
      yield* meet
      const events = yield* record(nodes[0]!)
      yield* nodes[0]!.consensus.propose(down)
      yield* settle
      assert.deepStrictEqual(yield* statuses(nodes), [undefined, undefined, undefined])
      assert.deepStrictEqual(events.filter(({ _tag }) => _tag === "Rejected").length, 1)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("announces a decision after it is official", () =>
    Effect.gen(function*() {
      const node = yield* start("monitor-1", { minimumVotes: 1 })
      const stream = yield* node.consensus.subscribe
      const seen = yield* Ref.make<ReadonlyArray<boolean | undefined>>([])
      yield* stream.pipe(
        Stream.filter(({ _tag }) => _tag === "Decided"),
        Stream.runForEach(() =>
          Effect.flatMap(node.official.get(target), (official) => Ref.update(seen, (all) => [...all, official?.up]))
        ),
        Effect.forkScoped
      )
      yield* node.consensus.propose(down)
      yield* settle
      assert.deepStrictEqual(yield* Ref.get(seen), [false])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("lets a single monitor decide only when the configuration says so, from the moment it does", () =>
    Effect.gen(function*() {
      const node = yield* start("monitor-1")
      yield* node.consensus.propose(down)
      yield* settle
      assert.deepStrictEqual(yield* statuses([node]), [undefined])
      const alone = Consensus.layer.pipe(
        Layer.provide(Membership.layer),
        Layer.provide([
          NodeIdentity.layerMemory({ id: "monitor-9", role: "IBPMonitor" }),
          Bus.layerMemory({ name: "monitor-9" }),
          Layer.succeed(KnownTargets, () => () => true),
          sees(false)
        ]),
        Layer.provideMerge(OfficialStatus.layerMemory),
        Layer.provideMerge([Config.layerMemory(), Conditions.layerMemory])
      )
      yield* Effect.gen(function*() {
        yield* Consensus.use((consensus) => consensus.propose(down))
        yield* settle
        const official = yield* OfficialStatus
        assert.isUndefined(yield* official.get(target))
        yield* setDocuments({ local: { GeoDNS: { Consensus: { MinimumVotes: 1 } } } })
        yield* Config.use((config) => config.reload)
        yield* TestClock.adjust("1 second")
        assert.isFalse((yield* official.get(target))!.up)
      }).pipe(Effect.provide(alone), Effect.provide(Layer.fresh(MemoryBroker.layer)))
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("takes no decision on a target that its documents do not know, and does when they know it", () =>
    Effect.gen(function*() {
      const documents = (route: string) => ({ local: { GeoDNS: { Public: [route] } } })
      const node = Consensus.layer.pipe(
        Layer.provide(Membership.layer),
        Layer.provide([
          NodeIdentity.layerMemory({ id: "dns-1", role: "IBPDns" }),
          Bus.layerMemory({ name: "dns-1" }),
          Layer.succeed(KnownTargets, ({ local }) => ({ member }) => local.GeoDNS.Public.includes(`/${member}`)),
          Observer.layerNone
        ]),
        Layer.provideMerge(OfficialStatus.layerMemory),
        Layer.provideMerge([Config.layerMemory(documents("/Lagoon")), Conditions.layerMemory])
      )
      yield* Effect.gen(function*() {
        const official = yield* OfficialStatus
        const dropped = Effect.map(
          Metric.value(Metric.withAttributes(metrics.dropped, { what: "decision", reason: "unknown-target" })),
          ({ count }) => Number(count)
        )
        const before = yield* dropped
        const forger = Context.get(yield* Layer.build(Bus.layerMemory({ name: "forger" })), Bus)
        const say = (id: string, member: string) =>
          Effect.gen(function*() {
            const about = { id, target: { ...target, member } }
            yield* Messages.send(Subject.Finalize, {
              ...finalize({ at: yield* Clock.currentTimeMillis }),
              Proposal: proposal(about)
            })
            yield* settle
          }).pipe(Effect.provideService(Bus, forger))
        for (let i = 0; i < 100; i++) yield* say(`forged-${i}`, `invented ${i}`)
        yield* say("right", "Lagoon")
        yield* say("early", "Later")
        assert.deepStrictEqual([...(yield* official.all).values()].map(({ target }) => target.member), ["Lagoon"])
        assert.strictEqual((yield* dropped) - before, 101)

        yield* setDocuments(documents("/Later"))
        yield* Config.use((config) => config.reload)
        yield* say("now", "Later")
        assert.deepStrictEqual([...(yield* official.all).values()].map(({ target }) => target.member), [
          "Lagoon",
          "Later"
        ])
      }).pipe(Effect.scoped, Effect.provide(node))
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("asks for observations of the last 10 s, and abstains without one", () =>
    Effect.gen(function*() {
      const asked: Array<number> = []
      const blind = yield* start("monitor-1", { observer: observing(() => Effect.succeed(undefined), asked) })
      const events = yield* record(blind)
      yield* blind.consensus.propose(down)
      yield* TestClock.adjust("31 seconds")
      assert.deepStrictEqual(asked, [10_000, 10_000])
      assert.notInclude(events.map(({ _tag }) => _tag), "Voted")
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("goes on when an observer hangs or dies", () =>
    Effect.gen(function*() {
      const other = { ...target, member: "Other" }
      const trouble = observing(({ member }) => member === "Other" ? Effect.never : Effect.die("no eyes"))
      const looks = yield* Ref.make(0)
      const node = yield* start("monitor-1", {
        minimumVotes: 1,
        observer: observing((target) =>
          Effect.flatMap(Ref.updateAndGet(looks, (n) => n + 1), (n) =>
            n <= 2
              ? Effect.flatMap(
                Effect.provide(Observer.use((o) => o.observe(target, 0)), trouble),
                () => Effect.succeed(undefined)
              )
              : Effect.succeed(false))
        )
      })
      yield* node.consensus.propose(down)
      yield* node.consensus.propose({ ...down, target: other })
      yield* settle
      assert.strictEqual((yield* node.consensus.proposals).length, 2)
      yield* TestClock.adjust("31 seconds")
      yield* settle
      assert.isFalse((yield* node.official.get(target))!.up)
      assert.isFalse((yield* node.official.get(other))!.up)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("runs without a bus, and decides when it is back, by its own repeats", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      yield* broker.disconnect("monitor-1")
      const nodes = yield* Effect.all([start("monitor-1"), start("monitor-2"), start("monitor-3")])
      yield* meet
      yield* nodes[0]!.consensus.propose(down)
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(yield* statuses(nodes), [undefined, undefined, undefined])
      yield* broker.reconnect("monitor-1")
      yield* TestClock.adjust("12 seconds")
      yield* settle
      assert.deepStrictEqual(yield* statuses(nodes), [false, false, false])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("survives garbage, and drops what is forged badly, counted", () =>
    Effect.gen(function*() {
      const nodes = yield* Effect.all([start("monitor-1"), start("monitor-2"), start("monitor-3")])
      yield* meet
      yield* Effect.gen(function*() {
        const stranger = yield* Bus
        for (const subject of [Subject.Propose, Subject.Cast, Subject.Finalize]) {
          for (const garbage of ["", "{", "null", "[1]", '{"ID":7}', "\u0000".repeat(100)]) {
            yield* stranger.publish(subject.name, garbage)
          }
        }
        yield* Messages.send(Subject.Cast, vote("monitor-2", true, { sender: "monitor-3" }))
        yield* Messages.send(Subject.Cast, vote("monitor-1"))
        yield* Messages.send(Subject.Propose, proposal({ target: { ...target, endpoint: "x".repeat(5_000) } }))
        yield* Messages.send(Subject.Finalize, finalize({ at: 10 * 60_000 }))
      }).pipe(Effect.provide(Bus.layerMemory({ name: "stranger" })))
      yield* settle
      for (
        const attributes of [
          { what: "vote", reason: "mismatch" },
          { what: "vote", reason: "own-id" },
          { what: "proposal", reason: "too-long" },
          { what: "decision", reason: "clock" }
        ]
      ) {
        const { count } = yield* Metric.value(
          Metric.withAttributes(metrics.dropped, attributes)
        )
        assert.isAtLeast(Number(count), 1, JSON.stringify(attributes))
      }
      yield* nodes[0]!.consensus.propose(down)
      yield* settle
      assert.deepStrictEqual(yield* statuses(nodes), [false, false, false])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("takes a passed decision from the bus, and nothing from one that did not pass", () =>
    Effect.gen(function*() {
      const dns = yield* start("dns-1", { role: "IBPDns", observer: Observer.layerNone })
      yield* Effect.gen(function*() {
        yield* Messages.send(Subject.Finalize, finalize({ passed: false, at: 0 }))
        yield* settle
        assert.deepStrictEqual(yield* statuses([dns]), [undefined])
        yield* Messages.send(Subject.Finalize, finalize({ at: 0 }))
        yield* settle
        assert.deepStrictEqual(yield* statuses([dns]), [false])
      }).pipe(Effect.provide(Bus.layerMemory({ name: "monitor-7" })))
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("proposes nothing where there is nothing to judge from", () =>
    Effect.gen(function*() {
      const dns = yield* start("dns-1", { role: "IBPDns", observer: sees(false) })
      yield* dns.consensus.propose(down)
      assert.deepStrictEqual(yield* dns.consensus.proposals, [])
    }).pipe(Effect.provide(MemoryBroker.layer)))
})

describe("proposalId", () => {
  it.effect("has the form of a UUID, and follows from the seed", () =>
    Effect.gen(function*() {
      const ids = Effect.map(Random.Random, (random) => Array.from({ length: 100 }, () => proposalId(random)))
      const first = yield* Random.withSeed(ids, "a")
      for (const id of first) {
        assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      }
      assert.strictEqual(new Set(first).size, 100)
      assert.deepStrictEqual(yield* Random.withSeed(ids, "a"), first)
    }))
})

describe("what is contested", () => {
  it.effect("has open proposals, and is not any more once they are closed", () =>
    Effect.gen(function*() {
      const waits = yield* Ref.make(true)
      const late = observing(() =>
        Effect.andThen(
          Effect.repeat(Effect.sleep("20 millis"), { until: () => Effect.map(Ref.get(waits), (it) => !it) }),
          Effect.succeed(false)
        )
      )
      const one = yield* start("monitor-1")
      yield* start("monitor-2", { observer: late })
      yield* start("monitor-3", { observer: late })
      yield* meet
      const services = yield* Layer.build(
        Layer.provide(contestedByProposals, Layer.succeed(Consensus, one.consensus))
      )
      const contested = Context.get(services, Contested)
      let changes = 0
      yield* Stream.runForEach(contested.changes, () => Effect.sync(() => changes++)).pipe(
        Effect.forkScoped({ startImmediately: true })
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* contested.current, [])
      yield* one.consensus.propose(down)
      yield* settle
      assert.deepStrictEqual(yield* contested.current, [target])
      const before = changes
      assert.isAtLeast(before, 1)
      yield* Ref.set(waits, false)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* one.consensus.proposals, [])
      assert.deepStrictEqual(yield* contested.current, [])
      assert.isAbove(changes, before)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("is looked at again while something is, and bounded", () =>
    Effect.gen(function*() {
      const open = yield* Ref.make<ReadonlyArray<OpenProposal>>(
        Array.from({ length: 5_000 }, (_, i) => ({
          proposal: proposal({ id: `p${i}`, target: { ...target, member: `Member ${i}` } }),
          votes: {},
          firstSeen: 0
        }))
      )
      // Nobody is told when they are closed.
      const consensus = Layer.succeed(
        Consensus,
        Consensus.of({
          propose: () => Effect.void,
          proposals: Ref.get(open),
          subscribe: Effect.succeed(Stream.never),
          state: Effect.succeed({ mode: "open", epoch: undefined, votes: false, electorate: new Set() })
        })
      )
      const contested = Context.get(yield* Layer.build(Layer.provide(contestedByProposals, consensus)), Contested)
      yield* TestClock.adjust("1 second")
      assert.lengthOf(yield* contested.current, 1_000)
      yield* Ref.set(open, [])
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(yield* contested.current, [])
    }))
})
