import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import type { Decision, Official, StatusChange } from "./Decision.ts"
import { decodeEntry, encodeEntry, encodeOfficialFile, readOfficialFile } from "./OfficialFile.ts"
import { type Applied, type OfficialEntry, OfficialTable } from "./OfficialTable.ts"
import { makeStatusFeed } from "./StatusFeed.ts"

/** The durable file of the official status. */
export const officialFile = "official.json"

/** Where a broken {@link officialFile} is set aside. */
export const brokenOfficialFile = "official.broken.json"

/** How many targets may have an official status. */
export const maxTargets = 65_536

/** The official status of every target, kept across restarts. */
export class OfficialStatus extends Context.Service<OfficialStatus, {
  /**
   * Takes a decision. It is ignored when it is not newer than the target's last, or is more than 5 minutes from our
   * clock; it changes nothing when the target has that status already. One that is proved is ordered by its `seq` alone, here
   * and in the next two. Succeeds with the change, if there was one.
   */
  readonly apply: (decision: Decision) => Effect.Effect<StatusChange | undefined>
  /**
   * The same for a decision that was taken once already and is remembered elsewhere, as in the store or by another node:
   * however old it is. `newest` is the last decision that said the same, when there were several.
   */
  readonly restore: (
    decision: Decision,
    newest?: OfficialEntry["newest"]
  ) => Effect.Effect<StatusChange | undefined>
  /** The same for one that this node itself had taken before it was restarted: whatever its clock says now. */
  readonly resume: (decision: Decision) => Effect.Effect<StatusChange | undefined>
  readonly get: (target: Target) => Effect.Effect<Official | undefined>
  readonly all: Effect.Effect<ReadonlyMap<TargetKey, Official>>
  /** The same with what it takes to order decisions. */
  readonly entries: Effect.Effect<ReadonlyMap<TargetKey, OfficialEntry>>
  /** Forgets targets that are no longer configured. */
  readonly retain: (isConfigured: (target: Target) => boolean) => Effect.Effect<void>
  /**
   * Changes from now on, in order, none missed until the scope closes. In place when the effect succeeds. A subscriber
   * that hangs holds nobody up: when more than 131,072 changes wait for it they are merged to one per target, which is
   * a condition.
   */
  readonly subscribe: Effect.Effect<Stream.Stream<StatusChange>, never, Scope.Scope>
}>()("effect-geodns/status/OfficialStatus") {
  /**
   * Kept in the durable file `official.json`, written within a second of a change and at the end. A file that is broken
   * is set aside as `official.broken.json` and reported as a condition; what can be read of it is used.
   */
  static readonly layer: Layer.Layer<OfficialStatus, never, DurableFiles | Conditions> = Layer.effect(
    OfficialStatus,
    Effect.gen(function*() {
      const files = yield* DurableFiles
      const conditions = yield* Conditions
      const clock = yield* Clock.Clock
      const table = new OfficialTable({ capacity: maxTargets })
      const lines = new Map<TargetKey, string>()
      const feed = makeStatusFeed(2 * maxTargets)
      // Open while there is something to write, or a subscriber to watch.
      const work = yield* Latch.make()
      let isDirty = false
      let isMerging = false

      const keepLine = (entry: OfficialEntry) => lines.set(targetKey(entry.official.target), encodeEntry(entry))
      const problem = yield* load(files, (entry) => {
        if (table.restore(entry)) keepLine(entry)
      })
      if (problem !== undefined) yield* conditions.raise("official:file", problem)

      const save = Effect.suspend(() => {
        if (!isDirty) return Effect.void
        isDirty = false
        return files.write(officialFile, encodeOfficialFile(lines.values())).pipe(
          Effect.andThen(conditions.clear("official:write")),
          Effect.catch((error) => {
            isDirty = true
            return conditions.raise(
              "official:write",
              `the official status is not kept on disk, a restart would forget it: ${error.message}`
            )
          })
        )
      })
      yield* Effect.addFinalizer(() => save)
      const mustSave = () => {
        isDirty = true
        Latch.openUnsafe(work)
      }
      const caughtUp = Effect.suspend(() => {
        if (!isMerging || feed.longest() * 2 > feed.capacity) return Effect.void
        isMerging = false
        return conditions.clear("official:subscriber")
      })
      const rest = Effect.sync(() => {
        if (!isDirty && !isMerging) Latch.closeUnsafe(work)
      })
      yield* Latch.await(work).pipe(
        Effect.andThen(Effect.sleep("1 second")),
        Effect.andThen(Effect.all([save, caughtUp, rest], { discard: true })),
        Effect.catchCause((cause) => Effect.logError("saving the official status failed", cause)),
        Effect.forever,
        Effect.forkScoped
      )

      const take = Effect.fnUntraced(function*(decision: Decision, takeInto: (now: number) => Applied) {
        const applied = takeInto(clock.currentTimeMillisUnsafe())
        if (applied._tag === "Ignored") {
          yield* Metric.update(Metric.withAttributes(ignored, { reason: applied.reason }), 1)
          if (applied.reason === "full") {
            yield* conditions.raise(
              "official:full",
              `there are ${maxTargets} targets with an official status; decisions on others are not taken`
            )
          }
          return undefined
        }
        keepLine(applied.entry)
        mustSave()
        if (applied._tag === "Same") return undefined
        const merged = feed.publish(applied.change)
        yield* Metric.update(decision.up ? changedUp : changedDown, 1)
        if (merged) {
          isMerging = true
          yield* conditions.raise(
            "official:subscriber",
            "a part of this node does not follow the changes of official status; it sees only the last of each target"
          )
        }
        return applied.change
      })

      const retain = Effect.fn("OfficialStatus.retain")(function*(isConfigured: (target: Target) => boolean) {
        const gone = table.retain(isConfigured)
        for (const key of gone) lines.delete(key)
        if (gone.length === 0) return
        mustSave()
        yield* conditions.clear("official:full")
        yield* Effect.logInfo(
          `${gone.length === 1 ? "1 target is" : `${gone.length} targets are`} no longer configured`
        )
      })

      return OfficialStatus.of({
        apply: (decision) => Effect.uninterruptible(take(decision, (now) => table.apply(decision, now))),
        restore: (decision, newest = decision) =>
          Effect.uninterruptible(
            take(decision, (now) => table.recall(decision, { decidedAt: newest.decidedAt, id: newest.id }, now))
          ),
        resume: (decision) => Effect.uninterruptible(take(decision, (now) => table.resume(decision, now))),
        get: (target) => Effect.sync(() => table.get(targetKey(target))),
        all: Effect.sync(() => table.all()),
        entries: Effect.sync(() => table.allEntries()),
        retain,
        subscribe: feed.subscribe
      })
    })
  )

  /** Kept in files in memory. */
  static readonly layerMemory: Layer.Layer<OfficialStatus> = OfficialStatus.layer.pipe(
    Layer.provide([DurableFiles.layerMemory, Conditions.layerMemory])
  )
}

/** Restores the file. Succeeds with what was wrong, if anything: a bad file never keeps a node from running. */
const load = Effect.fnUntraced(function*(files: DurableFiles["Service"], restore: (entry: OfficialEntry) => void) {
  const read = yield* Effect.result(files.read(officialFile))
  if (read._tag === "Failure") {
    return `${officialFile} could not be read, this node learns the official status anew: ${read.failure.message}`
  }
  if (Option.isNone(read.success)) return undefined
  const content = read.success.value
  const encoded = readOfficialFile(content)
  let broken = 0
  for (const [i, one] of (encoded ?? []).entries()) {
    // Thousands of targets must not hold up the rest of the process.
    if (i % 256 === 255) yield* Effect.yieldNow
    const entry = decodeEntry(one)
    if (entry === undefined) broken++
    else restore(entry)
  }
  if (encoded !== undefined && broken === 0) return undefined
  const aside = yield* Effect.result(files.write(brokenOfficialFile, content))
  const problem = encoded === undefined ? "it is no such file" : `${broken} of ${encoded.length} targets`
  return `${officialFile} is broken, this node learns the missing status anew: ${problem}; ` +
    (aside._tag === "Success" ? `set aside as ${brokenOfficialFile}` : aside.failure.message)
})

const changed = Metric.counter("geodns_status_changes_total", {
  description: "Changes of official status",
  incremental: true
})

const changedUp = Metric.withAttributes(changed, { status: "up" })
const changedDown = Metric.withAttributes(changed, { status: "down" })

const ignored = Metric.counter("geodns_status_decisions_ignored_total", {
  description: "Decisions that were not taken: old, too far from our clock, or no room",
  incremental: true
})
