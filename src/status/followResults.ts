import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { Config } from "../config/Config.ts"
import { describeTarget } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { fromResults } from "./fromResults.ts"
import { KnownTargets } from "./KnownTargets.ts"
import { MonitorResults } from "./MonitorResults.ts"
import { OfficialStatus } from "./OfficialStatus.ts"
import { Proofs } from "./Proofs.ts"
import { Snapshots } from "./Snapshots.ts"

/** Results that are taken before others get their turn. */
const slice = 200

const polls = Metric.counter("geodns_results_polls_total", {
  description: "Readings of the results of a monitor, by outcome",
  incremental: true
})
const read = Metric.withAttributes(polls, { outcome: "read" })
const failed = Metric.withAttributes(polls, { outcome: "failed" })

const taken = Metric.counter("geodns_results_taken_total", {
  description: "Statuses that were taken from the results of a monitor",
  incremental: true
})

/**
 * Reads the results of the configured monitor while the bus does not tell what is decided: at the start, and every
 * `DnsApi.RefreshIntervalSeconds` while it is not connected or no monitor of ours is heard on it. The layer waits
 * `startWait` at most for the first reading. In shadow mode it reads until that succeeds once, and then only compares.
 * Where proofs are required it reads nothing: results are one monitor's word.
 *
 * What cannot be read is the condition `results`.
 */
export const followResultsWith = (
  options: { readonly startWait: Duration.Input }
): Layer.Layer<never, never, Conditions | Config | MonitorResults | OfficialStatus | Snapshots> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const conditions = yield* Conditions
    const config = yield* Config
    const known = yield* KnownTargets
    const official = yield* OfficialStatus
    const proofs = yield* Proofs
    const results = yield* MonitorResults
    const snapshots = yield* Snapshots
    const isShadow = (yield* config.current).local.GeoDNS.Consensus.Shadow
    const started = yield* Deferred.make<void>()
    let isDone = false

    const take = Effect.gen(function*() {
      const found = yield* results.read
      const isKnown = known(yield* config.current)
      const now = yield* Clock.currentTimeMillis
      let seen = 0
      for (const decision of fromResults(found, yield* official.all, isKnown, now)) {
        if (++seen % slice === 0) yield* Effect.yieldNow
        const change = yield* official.restore(decision)
        if (change === undefined) continue
        yield* Metric.update(taken, 1)
        if (change.before === undefined) continue
        yield* Effect.logInfo(
          `${describeTarget(decision.target)} is ${decision.up ? "up" : "down"}, as ${found.host} says`
        ).pipe(Effect.annotateLogs({ error: decision.error }))
      }
      isDone = isShadow
      yield* Metric.update(read, 1)
      yield* conditions.clear("results")
    })

    const round = Effect.gen(function*() {
      const isNeeded = !isDone && !proofs.isRequired && !(yield* snapshots.isFollowing)
      if (!isNeeded || (yield* config.current).local.DnsApi.MonitorAddress.trim() === "") {
        return yield* conditions.clear("results")
      }
      yield* Effect.catch(take, (error) =>
        Effect.andThen(
          Metric.update(failed, 1),
          conditions.raise(
            "results",
            `no monitor of ours is heard on the bus, and ${error.message}. This node answers by what it knew before`
          )
        ))
    })

    const pause = Effect.flatMap(
      config.current,
      ({ local }) => Effect.sleep(Math.max(1, local.DnsApi.RefreshIntervalSeconds) * 1_000)
    )

    yield* round.pipe(
      Effect.catchCause((cause) => Effect.logError("reading the results of a monitor failed", cause)),
      Effect.andThen(Deferred.succeed(started, undefined)),
      Effect.andThen(pause),
      Effect.forever,
      Effect.forkScoped
    )
    yield* Deferred.await(started).pipe(Effect.timeoutOption(options.startWait))
  }))

/** Waits at most two seconds at the start. */
export const followResults: Layer.Layer<
  never,
  never,
  Conditions | Config | MonitorResults | OfficialStatus | Snapshots
> = followResultsWith({ startWait: "2 seconds" })
