import { Clock, Context, type Duration, Effect, Fiber, Layer, Logger, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { Membership } from "../../src/cluster/Membership.ts"
import { Config } from "../../src/config/Config.ts"
import { Consensus, type ConsensusEvent } from "../../src/consensus/Consensus.ts"
import type { Outage } from "../../src/domain/Outage.ts"
import type { Target, TargetKey } from "../../src/domain/Target.ts"
import type { NodeRole } from "../../src/domain/wire/Cluster.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import type { Official, StatusChange } from "../../src/status/Decision.ts"
import { KnownTargets } from "../../src/status/KnownTargets.ts"
import { Observer } from "../../src/status/Observer.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { Snapshots, SnapshotWait } from "../../src/status/Snapshots.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import { type Eyes, scriptedObserver, watch } from "./Monitor.ts"
import { seeded } from "./seeded.ts"
import type { World } from "./World.ts"

/** Something that happens at a time, in seconds from the start. */
export interface Incident {
  readonly at: number
  readonly happen: Effect.Effect<void, never, MemoryBroker>
}

/** What a simulation plays. Times are seconds. */
export interface Scenario {
  readonly world: World
  /** How many monitors: `monitor-1` … */
  readonly monitors: number
  /** Nodes that only follow: `dns-1`, `collator-2` … in this order. */
  readonly followers: ReadonlyArray<Exclude<NodeRole, "IBPMonitor">>
  readonly seconds: number
  /** Between two observations of a target by a monitor. */
  readonly interval: number
  readonly incidents: ReadonlyArray<Incident>
  /** What a monitor sees instead of the truth: `undefined` for the truth. */
  readonly misjudge?: (monitor: string, target: Target, at: number) => boolean | undefined
  /** How many seconds a node's clock is ahead. */
  readonly skew?: (node: string) => number
  /** Nodes take over from each other what they missed. */
  readonly catchUp?: boolean
  /** Nodes that only follow and start later, when this many seconds have passed: `late-1` … */
  readonly late?: ReadonlyArray<number>
}

/** When something happened, in seconds from the start. */
export interface Timed<A> {
  readonly at: number
  readonly what: A
}

/** What one node saw and did. */
export interface NodeReport {
  readonly id: string
  readonly role: NodeRole
  readonly events: ReadonlyArray<Timed<ConsensusEvent>>
  readonly changes: ReadonlyArray<Timed<StatusChange>>
  /** When it had just started. */
  readonly atStart: ReadonlyMap<TargetKey, Official>
  /** At the end. */
  readonly official: ReadonlyMap<TargetKey, Official>
  readonly openProposals: number
  /** Of a collator: everything that is in its store. */
  readonly outages: ReadonlyArray<Outage>
}

/** A whole run. The same scenario and seed give the same report. */
export interface Report {
  readonly seed: number
  readonly scenario: Scenario
  readonly nodes: ReadonlyArray<NodeReport>
  /** What was logged as an error. */
  readonly errors: ReadonlyArray<string>
}

/** The time of the simulation's start. */
const epoch = Date.parse("2026-04-21T08:00:00Z")

/** The clock of a node: some seconds ahead, and counting whole milliseconds as real ones do. */
const skewed = (clock: Clock.Clock, seconds: number): Clock.Clock => {
  const millis = () => Math.floor(clock.currentTimeMillisUnsafe() + seconds * 1_000)
  const nanos = () => BigInt(millis()) * 1_000_000n
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
}

/** The real services of one node. */
const nodeLayer = (
  id: string,
  role: NodeRole,
  observer: Layer.Layer<Observer>,
  catchUp: Layer.Layer<Snapshots, never, Layer.Services<typeof Snapshots.layer>> | typeof Layer.empty
) =>
  Layer.fresh(
    (role === "IBPCollator" ? Layer.provideMerge(OutageLog.layer, OutageStore.layerMemory) : Layer.empty).pipe(
      Layer.provideMerge(Layer.merge(Consensus.layer, catchUp)),
      Layer.provideMerge(Membership.layer),
      Layer.provideMerge(OfficialStatus.layer),
      Layer.provide([
        NodeIdentity.layerMemory({ id, role }),
        Bus.layerMemory({ name: id }),
        DurableFiles.layerMemory,
        AppendFiles.layerMemory,
        Conditions.layerMemory,
        Layer.succeed(KnownTargets, () => () => true),
        observer
      ])
    )
  )

/** What happened in a scenario. */
const run = Effect.fnUntraced(function*(seed: number, scenario: Scenario, errors: ReadonlyArray<string>) {
  const clock = yield* Clock.Clock
  const random = seeded(seed ^ 0x5eed)
  const now = () => (clock.currentTimeMillisUnsafe() - epoch) / 1_000
  const { misjudge, world } = scenario

  const start = Effect.fnUntraced(function*(id: string, role: NodeRole, startWait: Duration.Input = 0) {
    const eyes: Eyes = {
      targets: world.targets,
      see: (target) => misjudge?.(id, target, now()) ?? world.isUp(target, now()),
      last: new Map()
    }
    const isMonitor = role === "IBPMonitor"
    const services = yield* Layer.build(nodeLayer(
      id,
      role,
      isMonitor ? scriptedObserver(eyes) : Observer.layerNone,
      scenario.catchUp === true ? Layer.provide(Snapshots.layer, Layer.succeed(SnapshotWait, startWait)) : Layer.empty
    ))
    const consensus = Context.get(services, Consensus)
    const official = Context.get(services, OfficialStatus)
    const atStart = yield* official.all
    const events: Array<Timed<ConsensusEvent>> = []
    const changes: Array<Timed<StatusChange>> = []
    const record = <A>(stream: Stream.Stream<A>, into: Array<Timed<A>>) =>
      Effect.forkScoped(Stream.runForEach(stream, (what) => Effect.sync(() => into.push({ at: now(), what }))))
    yield* record(yield* consensus.subscribe, events)
    yield* record(yield* official.subscribe, changes)
    if (isMonitor) {
      yield* watch(eyes, { interval: scenario.interval, offset: random() * scenario.interval }).pipe(
        Effect.provideContext(services),
        Effect.forkScoped
      )
    }
    const store = Context.getOption(services, OutageStore)
    return Effect.gen(function*() {
      return {
        id,
        role,
        events,
        changes,
        atStart,
        official: yield* official.all,
        openProposals: (yield* consensus.proposals).length,
        outages: store._tag === "None" ? [] : yield* Effect.orDie(Stream.runCollect(store.value.find({})))
      } satisfies NodeReport
    })
  }, (effect, id) => Effect.provideService(effect, Clock.Clock, skewed(clock, scenario.skew?.(id) ?? 0)))

  const monitors = yield* Effect.forEach(
    Array.from({ length: scenario.monitors }, (_, i) => `monitor-${i + 1}`),
    (id) => start(id, "IBPMonitor")
  )
  const followers = yield* Effect.forEach(
    scenario.followers,
    (role, i) => start(`${role.slice(3).toLowerCase()}-${i + 1}`, role)
  )
  const starting: Array<Fiber.Fiber<Effect.Success<ReturnType<typeof start>>>> = []
  const late = (scenario.late ?? []).map((at, i) => ({
    at,
    happen: Effect.map(
      Effect.forkScoped(Effect.orDie(start(`late-${i + 1}`, "IBPDns", "2 seconds")), { startImmediately: true }),
      (fiber) => void starting.push(fiber)
    )
  }))
  for (const { at, happen } of [...scenario.incidents, ...late].sort((a, b) => a.at - b.at)) {
    yield* TestClock.adjust((at - now()) * 1_000)
    yield* happen
  }
  yield* TestClock.adjust((scenario.seconds - now()) * 1_000)
  const started = yield* Effect.forEach(starting, Fiber.join)
  return { seed, scenario, nodes: yield* Effect.all([...monitors, ...followers, ...started]), errors } satisfies Report
})

/** Plays a scenario with the real services over a memory broker, on a clock of its own. */
export const simulate = (seed: number, scenario: Scenario): Effect.Effect<Report> =>
  Effect.suspend(() => {
    const errors: Array<string> = []
    const keepErrors = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Error" || logLevel === "Fatal") errors.push(String(message))
    })
    return run(seed, scenario, errors).pipe(
      Effect.scoped,
      Effect.provide([MemoryBroker.layer, Config.layerMemory()]),
      Random.withSeed(`simulation ${seed}`),
      // Before anything is built: what waits would otherwise live through all the years until then.
      (simulation) => Effect.andThen(TestClock.setTime(epoch), simulation),
      Effect.provide([TestClock.layer(), Logger.layer([keepErrors])])
    )
  }).pipe(Effect.orDie)
