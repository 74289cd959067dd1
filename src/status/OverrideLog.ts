import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Outage } from "../domain/Outage.ts"
import type { Target } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { OutageStore } from "../store/OutageStore.ts"
import type { StoreError } from "../store/StoreError.ts"
import { type Trouble, troubleOf } from "./OutageWriter.ts"
import { overrideRecords } from "./overrideRecords.ts"
import { Overrides } from "./Overrides.ts"

/** Milliseconds after which what the store did not take is tried again, and all is looked at in any case. */
const tryAgainAfter = 5_000
const lookEvery = 60_000

/** After this long every node that can be reached has told its overrides. Milliseconds. */
const knowsAllAfter = 10 * 60_000

/** How long one attempt may take, with all of its statements. */
const attemptTimeout = "30 seconds"

/** How far the rows of one override are. */
type Progress = "open" | "closed"

/** Why one row of an override is not in the store yet. */
interface RowTrouble extends Trouble {
  /** Another override of the same kind holds for the member; this one is written when either is over. */
  readonly isBusy: boolean
}

/**
 * Records overrides and maintenance in the outage store: a row for each IP version, from when it began to hold to when it
 * was over. Collators and standalone only; several of them write the same rows.
 */
export class OverrideLog extends Context.Service<OverrideLog, {
  /** How many rows the store has not taken yet. */
  readonly waiting: Effect.Effect<number>
}>()("effect-geodns/status/OverrideLog") {
  /**
   * Writes what has begun and ended, now and whenever one does, with its own times however late that is known. While the
   * store is away it is tried again, and the condition `store:overrides` says so. Nothing needs to wait on disk for that:
   * the overrides themselves are in a file, and all that are listed are written again after a restart.
   */
  static readonly layer: Layer.Layer<OverrideLog, never, Overrides | OutageStore | Conditions> = Layer.effect(
    OverrideLog,
    Effect.gen(function*() {
      const overrides = yield* Overrides
      const store = yield* OutageStore
      const conditions = yield* Conditions
      const progress = new Map<string, Progress>()
      const wake = yield* Queue.sliding<void>(1)
      const startedAt = yield* Clock.currentTimeMillis
      let waiting = 0

      const attempt = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, RowTrouble> =>
        effect.pipe(
          Effect.mapError((error): RowTrouble => ({
            ...troubleOf(error),
            isBusy: error.reason._tag === "AlreadyOpen"
          })),
          Effect.timeoutOrElse({
            duration: attemptTimeout,
            orElse: () =>
              Effect.fail<RowTrouble>({ problem: "the store does not answer", isBusy: false, isRefusal: false })
          })
        )

      const isDone = (row: Outage): boolean => {
        const before = progress.get(row.id)
        return before === "closed" || (before === "open" && row.end === undefined)
      }

      /** Brings one row to where it should be. */
      const write = Effect.fnUntraced(function*(row: Outage) {
        if (isDone(row)) return
        // A row that is there already stays as it is: it may be open, from before a restart or from another collator.
        if (!progress.has(row.id) && row.end !== row.start) yield* attempt(store.open(row))
        if (row.end !== undefined) yield* attempt(store.close(row.id, row.end, false))
        progress.set(row.id, row.end === undefined ? "open" : "closed")
      })

      /** Closes a record that is in the way and that no node knows of any more, as after a loss of all their files. */
      const closeUnknown = Effect.fnUntraced(function*(target: Target, known: ReadonlySet<string>, now: number) {
        const open = yield* attempt(Stream.runCollect(store.find({ target, open: true })))
        for (const { id, start } of open) {
          if (known.has(id)) continue
          yield* attempt(store.close(id, Math.max(now, start), false))
          yield* Effect.logWarning("the record of an override that no node knows was closed").pipe(
            Effect.annotateLogs({ record: id, member: target.member })
          )
        }
      })

      const writeAll = Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        // The oldest first, so that of two that overlap the first has the open row.
        const rows = [...yield* overrides.list].reverse().flatMap((override) => overrideRecords(override, now))
        const ids = new Set(rows.map(({ id }) => id))
        for (const id of progress.keys()) if (!ids.has(id)) progress.delete(id)
        // First those that are over: they make room for those that go on.
        rows.sort((a, b) => Number(a.end === undefined) - Number(b.end === undefined))
        let trouble: RowTrouble | undefined
        for (const row of rows) {
          const written = yield* Effect.result(
            Effect.tapError(
              write(row),
              ({ isBusy }) =>
                isBusy && now - startedAt >= knowsAllAfter ? closeUnknown(row.target, ids, now) : Effect.void
            )
          )
          if (written._tag === "Success" || written.failure.isBusy) continue
          trouble ??= written.failure
          // A store that does not answer has no answer for the others either.
          if (!written.failure.isRefusal) break
        }
        waiting = rows.filter((row) => !isDone(row)).length
        yield* trouble === undefined
          ? conditions.clear("store:overrides")
          : conditions.raise(
            "store:overrides",
            `overrides are not recorded: ${trouble.problem}; ${
              waiting === 1 ? "1 row waits and is" : `${waiting} rows wait and are`
            } tried again`
          )
        return trouble !== undefined
      })

      const changes = yield* overrides.subscribe
      yield* Stream.runForEach(changes, () => Queue.offer(wake, undefined)).pipe(Effect.forkScoped)
      yield* writeAll.pipe(
        Effect.catchCause((cause) => Effect.as(Effect.logError("overrides were not recorded", cause), true)),
        Effect.flatMap((again) => Effect.timeoutOption(Queue.take(wake), again ? tryAgainAfter : lookEvery)),
        Effect.forever,
        Effect.forkScoped
      )

      return OverrideLog.of({ waiting: Effect.sync(() => waiting) })
    })
  )

  /** Over a store in memory, which comes with it. */
  static readonly layerMemory: Layer.Layer<OverrideLog | OutageStore, never, Overrides> = OverrideLog.layer.pipe(
    Layer.provideMerge(OutageStore.layerMemory),
    Layer.provide(Conditions.layerMemory)
  )
}
