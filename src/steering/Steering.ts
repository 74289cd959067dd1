import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { ConfigError } from "../config/ConfigError.ts"
import { inSlices } from "../config/inSlices.ts"
import type { RawDocuments } from "../config/memoryConfig.ts"
import type { MemoryDocuments } from "../config/MemoryDocuments.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import type { Override } from "../domain/Override.ts"
import { type TargetKey, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { Contested } from "../status/Contested.ts"
import type { Official } from "../status/Decision.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Overrides } from "../status/Overrides.ts"
import type { Choice, Client, Explanation } from "./Choice.ts"
import { DownTargets } from "./DownTargets.ts"
import { keepLastHealthy, readLastHealthy } from "./keepLastHealthy.ts"
import { makeNotices } from "./notices.ts"
import { ServedNames } from "./ServedNames.ts"
import { type Inventory, SteeringTables } from "./SteeringTables.ts"

/** Steering as it stands at a moment, under one version of the configuration. It never changes. */
export interface SteeringView {
  /** The configuration that it was built from. */
  readonly snapshot: Snapshot
  /**
   * Synchronous, for the hot path. `name` in the form of `hostName`. Undefined when the name is not one that we steer.
   */
  readonly choose: (name: string, ipv6: boolean, client: Client) => Choice | undefined
  /** The same choice with its reasons. */
  readonly explain: (name: string, ipv6: boolean, client: Client) => Explanation | undefined
  /** The names that are steered, in the form of `hostName`. */
  readonly names: ReadonlySet<string>
}

/** From question and client to members, by the official status and the distance. Rebuilt on change, never per question. */
export class Steering extends Context.Service<Steering, {
  /** As `SteeringView` has it, by the view of now. */
  readonly choose: SteeringView["choose"]
  /** As `SteeringView` has it, by the view of now. */
  readonly explain: SteeringView["explain"]
  /** The names that are steered now, in the form of `hostName`. */
  readonly names: () => ReadonlySet<string>
  /**
   * The view of now, and then whatever takes its place, at least once a minute. A slow reader gets the newest. What answers by more
   * than steering goes by this: see `AnswerState`.
   */
  readonly views: Stream.Stream<SteeringView>
}>()("effect-geodns/steering/Steering") {
  /**
   * Follows the configuration, the official status, the overrides and what is being voted on. The first change is taken at
   * once, those of a burst together. Members that are held, and names whose members are all down, are conditions. The members that were healthy last are kept in the durable file `steering-last-good.json`.
   */
  static readonly layer: Layer.Layer<
    Steering,
    never,
    Config | OfficialStatus | Overrides | Contested | DurableFiles | Conditions
  > = Layer.effect(
    Steering,
    Effect.gen(function*() {
      const config = yield* Config
      const official = yield* OfficialStatus
      const overrides = yield* Overrides
      const contested = yield* Contested
      const clock = yield* Clock.Clock
      const lastHealthy = yield* readLastHealthy
      const notices = yield* makeNotices
      const views = yield* PubSub.sliding<SteeringView>({ capacity: 1, replay: 1 })
      const down = new DownTargets()
      const pending = new Map<TargetKey, Official>()
      let view = nothingYet(yield* config.current)
      let state: State | undefined
      let lookedAt = Number.NEGATIVE_INFINITY
      let isDirty = false

      const update = Effect.gen(function*() {
        const now = clock.currentTimeMillisUnsafe()
        const snapshot = yield* config.current
        const active = yield* overrides.active
        const before = state?.view.snapshot.version === snapshot.version && state.overrides === active
          ? state
          : undefined
        const news = new Map(pending)
        pending.clear()
        const all = before === undefined || now - lookedAt >= resync ? yield* official.all : undefined
        if (all !== undefined) lookedAt = now
        const changed = yield* inSlices(down.takeEach(all ?? news, now, all === undefined ? "some" : "all"))

        const served = before?.served ?? (yield* inSlices(ServedNames.inSlices({
          catalog: snapshot.catalog,
          settings: snapshot.local.GeoDNS.Steering,
          down,
          lastHealthy,
          overrides: active
        })))
        const near = yield* inSlices(served.affectedBy(yield* contested.current))
        const stale = before === undefined ? served.names : new Set([
          ...(yield* inSlices(served.affectedBy(changed))),
          ...(before.inventory.nextRelease <= now ? before.inventory.held : []),
          ...differences(before.near, near)
        ])
        const built = yield* inSlices(served.build(stale, now, near))
        const tables = before === undefined
          ? new SteeringTables(served, built)
          : built.length === 0
          ? before.tables
          : before.tables.with(built)
        const inventory = yield* inSlices(tables.inventory())
        if (before === undefined) lastHealthy.retain((name) => served.names.has(name))
        if (built.some(({ isNews }) => isNews)) isDirty = true

        if (tables !== before?.tables) view = viewOf(snapshot, tables)
        state = { view, served, tables, inventory, near, overrides: active }
        yield* PubSub.publish(views, view)
        yield* report(served, inventory)
        yield* notices.show(inventory.notices, now)
      }).pipe(Effect.catchCause((cause) => {
        // What was half done is done again as a whole, with the next change or the next look at all.
        state = undefined
        return Effect.logError("the steering tables could not be rebuilt: those before stay", cause)
      }))

      const wake = yield* Queue.sliding<void>(1)
      const statusChanges = yield* official.subscribe
      // Subscribed before the first look, so that nothing falls between the two.
      yield* Stream.runForEach(statusChanges, ({ after }) => {
        pending.set(targetKey(after.target), after)
        return Queue.offer(wake, undefined)
      }).pipe(Effect.forkScoped({ startImmediately: true }))
      for (const changes of [config.changes, overrides.changes, contested.changes]) {
        yield* Stream.runForEach(changes as Stream.Stream<unknown>, () => Queue.offer(wake, undefined)).pipe(
          Effect.forkScoped({ startImmediately: true })
        )
      }
      yield* PubSub.publish(views, view)
      yield* update
      yield* Effect.gen(function*() {
        const nextRelease = state?.inventory.nextRelease ?? Number.POSITIVE_INFINITY
        const untilLook = Math.min(nextRelease, notices.nextLook()) - clock.currentTimeMillisUnsafe()
        yield* Effect.timeoutOption(Queue.take(wake), Math.max(0, Math.min(untilLook, resync)))
        yield* update
        yield* Effect.sleep(burst)
      }).pipe(Effect.forever, Effect.forkScoped)

      yield* keepLastHealthy(() => {
        if (!isDirty) return undefined
        isDirty = false
        return lastHealthy.encode()
      }, () => {
        isDirty = true
      })

      return Steering.of({
        choose: (name, ipv6, client) => view.choose(name, ipv6, client),
        explain: (name, ipv6, client) => view.explain(name, ipv6, client),
        names: () => view.names,
        views: Stream.fromPubSub(views)
      })
    })
  )

  /**
   * The same over documents in memory and an official status in memory, both of which tests can change through the
   * services that come with it; so can they the overrides, and what is being voted on.
   */
  static readonly layerMemory = (
    documents: RawDocuments = {}
  ): Layer.Layer<
    Steering | Config | MemoryDocuments | OfficialStatus | Overrides | Contested,
    ConfigError
  > =>
    Steering.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(Overrides.layerMemory, OfficialStatus.layerMemory, Contested.layerMemory)),
      Layer.provideMerge(Config.layerMemory(documents)),
      Layer.provide([DurableFiles.layerMemory, Conditions.layerMemory])
    )
}

/** What the last update left, and what it was made from. */
interface State {
  readonly view: SteeringView
  readonly served: ServedNames
  readonly tables: SteeringTables
  readonly inventory: Inventory
  /** The names of which a change may be near. */
  readonly near: ReadonlySet<string>
  readonly overrides: ReadonlyMap<string, Override>
}

const noNames: ReadonlySet<string> = new Set()

/** What is in one of two sets and not in the other. */
const differences = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlyArray<string> => [
  ...[...a].filter((name) => !b.has(name)),
  ...[...b].filter((name) => !a.has(name))
]

/** Before the first tables. */
const nothingYet = (snapshot: Snapshot): SteeringView => ({
  snapshot,
  choose: () => undefined,
  explain: () => undefined,
  names: noNames
})

const viewOf = (snapshot: Snapshot, tables: SteeringTables): SteeringView => ({
  snapshot,
  choose: (name, ipv6, client) => tables.choose(name, ipv6, client),
  explain: (name, ipv6, client) => tables.explain(name, ipv6, client),
  names: tables.names
})

/** Between two rebuilds, in milliseconds: what comes meanwhile is done at once afterwards. */
const burst = 50

/** Targets can also be forgotten, of which nobody is told: at least this often we look at all, in milliseconds. */
const resync = 60_000

const rebuilds = Metric.counter("geodns_steering_rebuilds_total", {
  description: "Times that steering tables were brought up to date",
  incremental: true
})
const nameCount = Metric.gauge("geodns_steering_names", { description: "Names that are steered" })
const heldCount = Metric.gauge("geodns_steering_held_members", {
  description: "Members that are down and kept in answers by the removal cap, per name and family"
})
const allDownCount = Metric.gauge("geodns_steering_all_down_names", {
  description: "Names answered by the all-down policy, per family"
})

const report = Effect.fnUntraced(function*(served: ServedNames, { allDown, heldMembers }: Inventory) {
  yield* Metric.update(rebuilds, 1)
  yield* Metric.update(nameCount, served.names.size)
  yield* Metric.update(heldCount, heldMembers)
  yield* Metric.update(allDownCount, allDown)
})
