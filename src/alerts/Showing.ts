import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type { Conditions } from "../node/Conditions.ts"
import { AlertError, type Board } from "./AlertChannel.ts"
import type { Surroundings } from "./AlertContext.ts"
import { type AlertThread, shownOn } from "./AlertThread.ts"
import type { Threads } from "./Threads.ts"

/**
 * How long an end waits for a board that does not take it, in milliseconds. Until then every board has ended by itself what it
 * was not shown any more, and one that is gone for good keeps nothing.
 */
const endsWait = 2 * 3_600_000
/** What a board may take. */
const patience = "30 seconds"

const shows = Metric.counter("geodns_alert_shows_total", {
  description: "Times that all alerts that stand were shown to a board, by board and result",
  incremental: true
})

/**
 * Shows a board all that stands, again and again: what is open, and what is over for as long as the board wants ends to be
 * shown, counted from the first time that it took one. A board that is down is tried at the same pace.
 */
export const showOn = Effect.fnUntraced(function*(options: {
  readonly board: Board
  readonly threads: Threads
  readonly surroundings: Surroundings
  readonly conditions: Conditions["Service"]
  /** Whether this process is to tell at all, at this moment. */
  readonly mayTell: Effect.Effect<boolean>
  /** Called when something is shown that was not, so that it gets stored. */
  readonly shown: Effect.Effect<void>
}) {
  const { board, conditions, surroundings, threads } = options
  const condition = `alerts:${board.name}`
  const showEnds = Duration.toMillis(Duration.fromInputUnsafe(board.showEnds))
  /** By the id of an outage that is over, when the board took its end first. */
  const endShownAt = new Map<string, number>()
  /** By the id of an outage that is over, when the board did not take its end first. */
  const endMissedAt = new Map<string, number>()

  /** Gives up the ends that waited for too long. */
  const giveUp = Effect.fnUntraced(function*(standing: ReadonlyArray<AlertThread>) {
    const now = yield* Clock.currentTimeMillis
    let isNew = false
    for (const { outage: { id }, state } of standing) {
      if (state === "open") continue
      const since = endMissedAt.get(id) ?? now
      endMissedAt.set(id, since)
      if (now - since < endsWait) continue
      threads.shown(id, board.name, "resolved")
      isNew = true
    }
    if (isNew) yield* options.shown
  })
  const forgetShown = () => {
    for (const known of [endShownAt, endMissedAt]) {
      for (const id of known.keys()) {
        const thread = threads.get(id)
        if (thread === undefined || shownOn(thread, board.name) === undefined) known.delete(id)
      }
    }
  }

  const round = Effect.gen(function*() {
    if (!(yield* options.mayTell)) return
    const open = threads.open()
    const standing = threads.standing(board.name)
    const taken = yield* board.show(standing.map((thread) => ({
      outage: thread.outage,
      state: thread.state,
      severity: surroundings.severity([thread.outage], open)
    }))).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () =>
          Effect.fail(
            new AlertError({ channel: board.name, problem: `no answer within ${patience}`, isRetryable: true })
          )
      }),
      Effect.result
    )
    const ok = taken._tag === "Success"
    yield* Metric.update(Metric.withAttributes(shows, { channel: board.name, result: ok ? "delivered" : "failed" }), 1)
    if (!ok) {
      yield* giveUp(standing)
      forgetShown()
      return yield* conditions.raise(condition, `alerts are not shown (${taken.failure.problem}); it is tried again`)
    }
    yield* conditions.clear(condition)
    const now = yield* Clock.currentTimeMillis
    const version = threads.version
    for (const { outage: { id }, state } of standing) {
      if (state === "open") {
        threads.shown(id, board.name, "open")
        continue
      }
      const since = endShownAt.get(id) ?? now
      endShownAt.set(id, since)
      if (now - since >= showEnds) threads.shown(id, board.name, "resolved")
    }
    forgetShown()
    if (threads.version !== version) yield* options.shown
  })

  return yield* round.pipe(
    Effect.catchCause((cause) => Effect.logError(`alerts could not be shown on ${board.name}`, cause)),
    Effect.repeat(Schedule.spaced(board.every))
  )
})
