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

/** Brings outages into the store, however long that takes. Everything may be done again: outages have an identity. */
export interface OutageWriter {
  /** All outages that are open in the store. */
  readonly open: Effect.Effect<ReadonlyArray<Outage>, Trouble>
  /**
   * Stores an outage, and gives what has happened by that. `ending` tells before each attempt whether it is over meanwhile:
   * then it is stored as a whole, and nobody sees it open. When somebody has stored it as another, that one is given.
   */
  readonly begin: (
    outage: Outage,
    ending: () => Effect.Effect<Ending | undefined>
  ) => Effect.Effect<ReadonlyArray<OutageEvent>, Trouble>
  readonly end: (ending: Ending) => Effect.Effect<ReadonlyArray<OutageEvent>, Trouble>
}

/** How often something that the store refuses for what it is, not for its own state, is tried before it is given up. */
const maxRefusals = 10

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
        Effect.tapError(({ problem }) =>
          conditions.raise(
            "store:outages",
            `cannot ${what}: ${problem}; ${waiting()} changes of status wait for the store, on this node's disk`
          )
        ),
        Effect.retry({ schedule: backOff, while: (trouble) => !trouble.isRefusal || ++refusals < maxRefusals }),
        Effect.tap(() => conditions.clear("store:outages"))
      )
    })

  const find = (query: Parameters<typeof store.find>[0]) =>
    store.find(query).pipe(Stream.runCollect, Effect.mapError(troubleOf))

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

  const storeWhole = Effect.fnUntraced(function*({ decision, outage }: Ending) {
    // Another process may have stored it: by its id, or by that of another decision of the same time.
    const known = yield* find({ target: outage.target, from: outage.start, to: outage.end })
    if (known.length === 0) yield* Effect.mapError(store.open(outage, decision), troubleOf)
    // An attempt to open it that we gave up may have succeeded in the end.
    for (const { id } of known.length === 0 ? [outage] : known.filter(({ end }) => end === undefined)) {
      yield* Effect.mapError(store.close(id, outage.end, outage.blip, decision), troubleOf)
    }
    const stored = known.find(({ id }) => id === outage.id) ?? known[0] ?? outage
    const events: ReadonlyArray<OutageEvent> = [
      { _tag: "Opened", outage: { ...stored, end: undefined, blip: false } },
      { _tag: "Closed", outage: stored.end === undefined ? { ...stored, end: outage.end, blip: outage.blip } : stored }
    ]
    return events
  })

  return {
    open: persist(
      "read the open outages",
      Effect.map(find({ open: true }), (found) => found.filter(({ target }) => !isOverrideRecord(target)))
    ),
    begin: (outage, ending) =>
      persist(
        `open an outage of ${describeTarget(outage.target)}`,
        Effect.flatMap(Effect.suspend(ending), (ended) => ended === undefined ? openNow(outage) : storeWhole(ended))
      ),
    end: ({ decision, outage }) => {
      const close = store.close(outage.id, outage.end, outage.blip, decision)
      // False when another process closed it first: then it is closed all the same.
      return persist(`close the outage of ${describeTarget(outage.target)}`, Effect.mapError(close, troubleOf)).pipe(
        Effect.as([{ _tag: "Closed", outage }])
      )
    }
  }
}

const troubleOf = (error: StoreError): Trouble => {
  const { reason } = error
  if (reason._tag !== "Database") return { problem: error.message, isRefusal: true }
  const kind = reason.error.reason._tag
  return { problem: reason.error.message, isRefusal: kind === "ConstraintError" || kind === "UniqueViolation" }
}

/** It was open when we wanted to open ours, and is not any more: try again. */
const justClosed: Trouble = { problem: "another process has just closed one of this target", isRefusal: false }
