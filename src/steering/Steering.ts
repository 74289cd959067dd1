import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { ConfigError } from "../config/ConfigError.ts"
import { inSlices } from "../config/inSlices.ts"
import type { RawDocuments } from "../config/memoryConfig.ts"
import type { MemoryDocuments } from "../config/MemoryDocuments.ts"
import type { Override } from "../domain/Override.ts"
import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { Contested } from "../status/Contested.ts"
import type { Official } from "../status/Decision.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Overrides } from "../status/Overrides.ts"
import type { Choice, Client, Explanation } from "./Choice.ts"
import { DownTargets } from "./DownTargets.ts"
import { LastGood } from "./LastGood.ts"
import { type NameTables, ServedNames } from "./ServedNames.ts"

/** The durable file of the sets of members that were healthy last. */
export const lastGoodFile = "steering-last-good.json"

/** From question and client to members, by the official status and the distance. Rebuilt on change, never per question. */
export class Steering extends Context.Service<Steering, {
  /**
   * Synchronous, for the hot path. `name` in the form of `hostName`. Undefined when the name is not one that we steer.
   */
  readonly choose: (name: string, ipv6: boolean, client: Client) => Choice | undefined
  /** The same choice with its reasons. */
  readonly explain: (name: string, ipv6: boolean, client: Client) => Explanation | undefined
  /** The names that are steered now, in the form of `hostName`. */
  readonly names: () => ReadonlySet<string>
}>()("effect-geodns/steering/Steering") {
  /**
   * Follows the configuration, the official status, the overrides and what is being voted on. The first change is taken at
   * once, those of a burst together. The members that were healthy last are kept in the durable file `steering-last-good.json`.
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
      const lastGood = yield* restore
      const down = new DownTargets()
      const pending = new Map<TargetKey, Official>()
      let version = 0
      let out: ReadonlyMap<string, Override> | undefined
      let served: ServedNames | undefined
      let contestedNames: ReadonlySet<string> = noNames
      let lookedAt = Number.NEGATIVE_INFINITY
      let nextRelease = Number.POSITIVE_INFINITY
      let isDirty = false

      const update = Effect.gen(function*() {
        const now = clock.currentTimeMillisUnsafe()
        const snapshot = yield* config.current
        const active = yield* overrides.active
        const renewed = served === undefined || snapshot.version !== version || active !== out
        let waiting: Iterable<readonly [TargetKey, Official | undefined]> = [...pending]
        pending.clear()
        if (renewed || now - lookedAt >= resync) {
          waiting = withForgotten(down, yield* official.all)
          lookedAt = now
        }
        const changed = yield* takeAll(down, waiting)
        const votedOn = yield* contested.current
        if (served !== undefined && !renewed) {
          const { names, next } = served.held()
          const near = served.affectedBy(votedOn)
          const stale = new Set([
            ...served.affectedBy(changed),
            ...(next <= now ? names : []),
            ...differences(contestedNames, near)
          ])
          contestedNames = near
          isDirty = served.install(yield* build(served, stale, near, now)) || isDirty
        } else {
          const { catalog, local } = snapshot
          const next = yield* inSlices(ServedNames.inSlices({
            catalog,
            settings: local.GeoDNS.Steering,
            down,
            lastGood,
            overrides: active
          }))
          contestedNames = next.affectedBy(votedOn)
          isDirty = next.install(yield* build(next, next.names, contestedNames, now)) || isDirty
          lastGood.retain((name) => next.names.has(name))
          served = next
          version = snapshot.version
          out = active
        }
        nextRelease = served.held().next
        yield* report(served)
      }).pipe(Effect.catchCause((cause) => {
        // What was half done is done again as a whole, with the next change or the next look at all.
        version = 0
        nextRelease = Number.POSITIVE_INFINITY
        return Effect.logError("the steering tables could not be rebuilt", cause)
      }))

      const wake = yield* Queue.sliding<void>(1)
      const statusChanges = yield* official.subscribe
      // Subscribed before the first look, so that nothing falls between the two.
      yield* Stream.runForEach(statusChanges, ({ after }) => {
        pending.set(targetKey(after.target), after)
        return Queue.offer(wake, undefined)
      }).pipe(Effect.forkScoped({ startImmediately: true }))
      yield* Stream.runForEach(config.changes, () => Queue.offer(wake, undefined)).pipe(
        Effect.forkScoped({ startImmediately: true })
      )
      yield* Stream.runForEach(overrides.changes, () => Queue.offer(wake, undefined)).pipe(
        Effect.forkScoped({ startImmediately: true })
      )
      yield* Stream.runForEach(contested.changes, () => Queue.offer(wake, undefined)).pipe(
        Effect.forkScoped({ startImmediately: true })
      )
      yield* update
      yield* Effect.gen(function*() {
        const untilRelease = nextRelease - clock.currentTimeMillisUnsafe()
        yield* Effect.timeoutOption(Queue.take(wake), Math.max(0, Math.min(untilRelease, resync)))
        yield* update
        yield* Effect.sleep(burst)
      }).pipe(Effect.forever, Effect.forkScoped)

      yield* keep(() => {
        if (!isDirty) return undefined
        isDirty = false
        return lastGood.encode()
      }, () => {
        isDirty = true
      })

      return Steering.of({
        choose: (name, ipv6, client) => served?.choose(name, ipv6, client),
        explain: (name, ipv6, client) => served?.explain(name, ipv6, client),
        names: () => served?.names ?? noNames
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

const noNames: ReadonlySet<string> = new Set()

/** Between two rebuilds, in milliseconds: what comes meanwhile is done at once afterwards. */
const burst = 50

/** Targets can also be forgotten, of which nobody is told: at least this often we look at all, in milliseconds. */
const resync = 60_000

/** Members or targets looked at before other work of the process gets its turn: a few milliseconds. */
const slice = 1_000

/** Takes the official status of targets in slices. Gives the targets for which that changed something. */
const takeAll = Effect.fnUntraced(function*(
  down: DownTargets,
  official: Iterable<readonly [TargetKey, Official | undefined]>
) {
  const changed: Array<Target> = []
  let work = 0
  for (const [key, status] of official) {
    const target = down.take(key, status)
    if (target !== undefined) changed.push(target)
    if (++work % slice === 0) yield* Effect.yieldNow
  }
  return changed
})

/** The targets that have no official status any more, and then those that have one. */
const withForgotten = function*(
  down: DownTargets,
  all: ReadonlyMap<TargetKey, Official>
): Generator<readonly [TargetKey, Official | undefined]> {
  for (const key of down.keys()) if (!all.has(key)) yield [key, undefined]
  yield* all
}

/** What is in one of two sets and not in the other. */
const differences = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlyArray<string> => [
  ...[...a].filter((name) => !b.has(name)),
  ...[...b].filter((name) => !a.has(name))
]

/** Builds tables in slices, so that questions are answered meanwhile, from the old ones. */
const build = Effect.fnUntraced(function*(
  served: ServedNames,
  names: Iterable<string>,
  contested: ReadonlySet<string>,
  now: number
) {
  const built: Array<NameTables> = []
  let work = 0
  for (const name of names) {
    work += served.costOf(name)
    if (work > slice) {
      yield* Effect.yieldNow
      work = 0
    }
    built.push(served.build(name, now, contested.has(name)))
  }
  return built
})

const restore = Effect.gen(function*() {
  const files = yield* DurableFiles
  const conditions = yield* Conditions
  const content = yield* Effect.result(files.read(lastGoodFile))
  const read = Result.isFailure(content)
    ? Result.fail(content.failure.message)
    : Option.isNone(content.success)
    ? Result.succeed(new LastGood())
    : LastGood.decode(content.success.value)
  if (Result.isSuccess(read)) return read.success
  yield* conditions.raise(
    lastGoodCondition,
    `${lastGoodFile} could not be read, so a name whose members are all down is answered with all of them ` +
      `until some are healthy again: ${read.failure}`
  )
  return new LastGood()
})

/** Writes what `take` gives every few seconds and at the end; `failed` is told when that went wrong. */
const keep = Effect.fnUntraced(function*(take: () => string | undefined, failed: () => void) {
  const files = yield* DurableFiles
  const conditions = yield* Conditions
  const save = Effect.suspend(() => {
    const content = take()
    return content === undefined
      ? Effect.void
      : files.write(lastGoodFile, content).pipe(
        Effect.andThen(conditions.clear(lastGoodCondition)),
        Effect.catch((error) => {
          failed()
          return conditions.raise(
            lastGoodCondition,
            `the members that were healthy last are not kept on disk, a restart would forget them: ${error.message}`
          )
        })
      )
  })
  yield* Effect.addFinalizer(() => save)
  // Not interruptible: what was taken must arrive.
  yield* Effect.uninterruptible(save).pipe(
    Effect.catchCause((cause) => Effect.logError("saving the last good members failed", cause)),
    Effect.repeat(Schedule.spaced("5 seconds")),
    Effect.forkScoped
  )
})

const lastGoodCondition = "steering:last-good"

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

const report = Effect.fnUntraced(function*(served: ServedNames) {
  yield* Metric.update(rebuilds, 1)
  yield* Metric.update(nameCount, served.names.size)
  yield* Metric.update(heldCount, served.held().members)
  yield* Metric.update(allDownCount, served.allDown())
})
