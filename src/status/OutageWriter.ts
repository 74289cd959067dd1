import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { isOverrideRecord } from "../domain/Override.ts"
import { describeTarget } from "../domain/Target.ts"
import type { Conditions } from "../node/Conditions.ts"
import type { ClosingDecision, OutageStore } from "../store/OutageStore.ts"
import type { StoreError } from "../store/StoreError.ts"
import type { EndedOutage } from "./OpenOutages.ts"

/** Why something is not in the store. */
export interface Trouble {
  readonly problem: string
  /** The store works, but does not take or give this row. */
  readonly isRefusal: boolean
}

/** An outage that is over, and the decision that ended it, if one did. */
export interface Ending {
  readonly outage: EndedOutage
  readonly decision: ClosingDecision | undefined
}

/**
 * Brings outages into the store, however long that takes, and gives what has happened by that. Everything may be done
 * again, also by another process: outages have an identity. Fails only with what the store refuses again and again.
 */
export interface OutageWriter {
  /** All outages that are open in the store. */
  readonly open: Effect.Effect<ReadonlyArray<Outage>, Trouble>
  /**
   * Stores an outage. `ending` tells before each attempt whether it is over meanwhile: then it is stored as a whole, and has
   * begun and ended. When somebody has stored it as another, that one is given.
   */
  readonly begin: (
    outage: Outage,
    ending: () => Ending | undefined
  ) => Effect.Effect<ReadonlyArray<OutageEvent>, Trouble>
  /** Ends an outage that is in the store. */
  readonly end: (ending: Ending) => Effect.Effect<ReadonlyArray<OutageEvent>, Trouble>
}

/** How often something that the store refuses for what it is, not for its own state, is tried: it holds up all others. */
const maxRefusals = 5

const statementTimeout = "30 seconds"

/** One second, doubling to half a minute. */
const backOff = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")]).pipe(Schedule.jittered)

/** While the store is away the condition `store:outages` says why, and how many transitions wait. */
export const makeOutageWriter = (
  { conditions, store, waiting }: {
    readonly store: OutageStore["Service"]
    readonly conditions: Conditions["Service"]
    readonly waiting: () => number
  }
): OutageWriter => {
  /** Tries until it succeeds, or until the store has refused this very thing often enough. */
  const persist = <A>(what: string, attempt: Effect.Effect<A, Trouble>): Effect.Effect<A, Trouble> =>
    Effect.suspend(() => {
      let refusals = 0
      return attempt.pipe(
        Effect.timeoutOrElse({
          duration: statementTimeout,
          orElse: () => Effect.fail({ problem: "the store does not answer", isRefusal: false })
        }),
        Effect.catchDefect((defect) => Effect.fail({ problem: `a defect: ${String(defect)}`, isRefusal: true })),
        Effect.tapError(({ problem }) =>
          conditions.raise(
            "store:outages",
            `cannot ${what}: ${problem}; ${waiting()} changes of status wait for the store`
          )
        ),
        Effect.retry({ schedule: backOff, while: (trouble) => !trouble.isRefusal || ++refusals < maxRefusals }),
        // Also after a refusal: the next one may do better.
        Effect.onExit(() => conditions.clear("store:outages"))
      )
    })

  const find = (query: Parameters<typeof store.find>[0]) =>
    store.find(query).pipe(Stream.runCollect, Effect.mapError(troubleOf))
  const close = (id: string, { decision, outage: { blip, end } }: Ending) =>
    Effect.mapError(store.close(id, end, blip, decision), troubleOf)

  const openNow = (outage: Outage): Effect.Effect<ReadonlyArray<OutageEvent>, Trouble> =>
    Effect.matchEffect(store.open(outage), {
      onSuccess: () => Effect.succeed([{ _tag: "Opened", outage }]),
      onFailure: (error) =>
        error.reason._tag !== "AlreadyOpen" ? Effect.fail(troubleOf(error)) : Effect.flatMap(
          find({ target: outage.target, open: true }),
          ([stored]) =>
            stored === undefined ? Effect.fail(justClosed) : Effect.succeed([{ _tag: "Opened", outage: stored }])
        )
    })

  const storeWhole = Effect.fnUntraced(function*(ending: Ending) {
    const { decision, outage } = ending
    // It may be there: from an attempt whose answer we did not hear, or from another process, perhaps by another id.
    const known = yield* find({ target: outage.target, from: outage.start, to: outage.end })
    if (known.length === 0) yield* Effect.mapError(store.open(outage, decision), troubleOf)
    // One that we gave up may have opened it after all, just now.
    const open = known.length === 0 ? [outage.id] : known.flatMap(({ end, id }) => end === undefined ? [id] : [])
    for (const id of open) yield* close(id, ending)
    const stored = known.find(({ id }) => id === outage.id) ?? known[0] ?? outage
    const events: ReadonlyArray<OutageEvent> = [
      { _tag: "Opened", outage: { ...stored, end: undefined, blip: false } },
      { _tag: "Closed", outage: stored.end === undefined ? { ...stored, end: outage.end, blip: outage.blip } : stored }
    ]
    return events
  })

  const closeNow = Effect.fnUntraced(function*(ending: Ending) {
    const { outage } = ending
    if (yield* close(outage.id, ending)) return
    // Another process has closed it, and may have opened one after it whose end is ours.
    for (const { id, start } of yield* find({ target: outage.target, open: true })) {
      if (start < outage.end) yield* close(id, ending)
    }
  })

  return {
    open: persist(
      "read the open outages",
      Effect.map(find({ open: true }), (found) => found.filter(({ target }) => !isOverrideRecord(target)))
    ),
    begin: (outage, ending) =>
      persist(
        `open an outage of ${describeTarget(outage.target)}`,
        Effect.suspend(() => {
          const ended = ending()
          return ended === undefined ? openNow(outage) : storeWhole(ended)
        })
      ),
    end: (ending) =>
      Effect.as(persist(`close the outage of ${describeTarget(ending.outage.target)}`, closeNow(ending)), [
        { _tag: "Closed", outage: ending.outage }
      ])
  }
}

/** What an error of the store means for what was to be stored. */
export const troubleOf = (error: StoreError): Trouble => {
  const { reason } = error
  if (reason._tag !== "Database") {
    return { problem: error.message, isRefusal: reason._tag === "BadRow" || reason._tag === "AlreadyOpen" }
  }
  const kind = reason.error.reason._tag
  return { problem: reason.error.message, isRefusal: kind === "ConstraintError" || kind === "UniqueViolation" }
}

/** It was open when we wanted to open ours, and is not any more: try again. */
const justClosed: Trouble = { problem: "another process has just closed one of this target", isRefusal: false }
