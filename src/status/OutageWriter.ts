import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { DecisionProof } from "../domain/DecisionProof.ts"
import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { isOverrideRecord } from "../domain/Override.ts"
import { describeTarget } from "../domain/Target.ts"
import type { Conditions } from "../node/Conditions.ts"
import type { ClosingDecision, OutageStore } from "../store/OutageStore.ts"
import type { StoreError } from "../store/StoreError.ts"
import { type EndedOutage, isFromAhead, timesAgree } from "./OpenOutages.ts"
import { isOfOneDecision, servedAgain } from "./servedAgain.ts"

/** Why something is not in the store. */
export interface Trouble {
  readonly problem: string
  /** The store works, but does not take or give this row. */
  readonly isRefusal: boolean
}

/** An outage that is over. */
export interface Ending {
  readonly outage: EndedOutage
  /** The decision that ended it, if one did that brought its target up. */
  readonly decision: ClosingDecision | undefined
  /** The step of the target's register that ended it, up or down, where that is proved. */
  readonly step: number | undefined
}

/**
 * Brings outages into the store, however long that takes, and gives what has happened by that. Everything may be done
 * again, also by another process: outages have an identity. Fails only with what the store refuses again and again.
 */
export interface OutageWriter {
  /** All outages that are open in the store. Never gives up: without them nobody knows what a transition opens or ends. */
  readonly open: Effect.Effect<ReadonlyArray<Outage>>
  /**
   * Stores an outage. `ending` tells before each attempt whether it is over meanwhile: then it is stored as a whole, and has
   * begun and ended. When somebody has stored it as another, or another is still open, that one is given. With `since`, when its
   * target came to be served, one that the store has closed goes on as another, or is over and nothing happens.
   */
  readonly begin: (
    outage: Outage,
    ending: (outage: Outage) => Ending | undefined,
    opening?: { readonly proof?: DecisionProof | undefined; readonly since?: number | undefined }
  ) => Effect.Effect<ReadonlyArray<OutageEvent>, Trouble>
  /** Ends an outage that is in the store. */
  readonly end: (ending: Ending) => Effect.Effect<ReadonlyArray<OutageEvent>, Trouble>
}

/** How often something that the store refuses for what it is, not for its own state, is tried: it holds up all others. */
const maxRefusals = 5

/** How long one attempt may take, with all of its statements. */
const attemptTimeout = "30 seconds"

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
  /** One attempt, that ends in time and says what was wrong. */
  const bounded = <A>(what: string, attempt: Effect.Effect<A, Trouble>): Effect.Effect<A, Trouble> =>
    attempt.pipe(
      Effect.timeoutOrElse({
        duration: attemptTimeout,
        orElse: () => Effect.fail({ problem: "the store does not answer", isRefusal: false })
      }),
      Effect.catchDefect((defect) => Effect.fail({ problem: `a defect: ${String(defect)}`, isRefusal: true })),
      Effect.tapError(({ problem }) =>
        conditions.raise(
          "store:outages",
          `cannot ${what}: ${problem}; ${waiting()} ${
            waiting() === 1 ? "change of status waits" : "changes of status wait"
          } for the store`
        )
      )
    )
  const settled = conditions.clear("store:outages")

  /** Tries until it succeeds, or until the store has refused this very thing often enough. */
  const persist = <A>(what: string, attempt: Effect.Effect<A, Trouble>): Effect.Effect<A, Trouble> =>
    Effect.suspend(() => {
      let refusals = 0
      return bounded(what, attempt).pipe(
        Effect.retry({ schedule: backOff, while: (trouble) => !trouble.isRefusal || ++refusals < maxRefusals }),
        // Also after a refusal: the next one may do better.
        Effect.onExit(() => settled)
      )
    })

  const find = (query: Parameters<typeof store.find>[0]) =>
    store.find(query).pipe(Stream.runCollect, Effect.mapError(troubleOf))
  const close = (id: string, { decision, outage: { blip, end } }: Ending) =>
    Effect.mapError(store.close(id, end, blip, decision), troubleOf)

  const openNow = (
    outage: Outage,
    proof: DecisionProof | undefined
  ): Effect.Effect<ReadonlyArray<OutageEvent>, Trouble> =>
    Effect.matchEffect(store.open(outage, undefined, proof), {
      onSuccess: () => Effect.succeed([{ _tag: "Opened", outage }]),
      onFailure: (error) =>
        error.reason._tag !== "AlreadyOpen" ? Effect.fail(troubleOf(error)) : Effect.flatMap(
          find({ target: outage.target, open: true }),
          ([stored]) =>
            stored === undefined ? Effect.fail(notFound) : Effect.succeed([{ _tag: "Opened", outage: stored }])
        )
    })

  /** What of an outage may be stored already, and what it is then. Undefined: it is there, and over. */
  const takeUp = Effect.fnUntraced(
    function*(outage: Outage, proof: DecisionProof | undefined, since: number | undefined) {
      const asTold = { outage, proof }
      if (since === undefined) return asTold
      const known = yield* find({ target: outage.target, from: outage.start })
      const last = known.at(-1)
      if (last === undefined || !isOfOneDecision(outage, last)) {
        return known.some(({ id }) => id === outage.id) ? undefined : asTold
      }
      if (last.end === undefined) return { outage: last, proof }
      const decisions = yield* Effect.mapError(store.decisions(last.id), troubleOf)
      const again = servedAgain(outage, { decisions, last, since })
      return again && { outage: again.outage, proof: proof?.certificate === undefined ? again.proof ?? proof : proof }
    }
  )

  const storeWhole = Effect.fnUntraced(function*(ending: Ending, opening: DecisionProof | undefined) {
    const { decision, outage } = ending
    // It may be there: from an attempt whose answer we did not hear, or from another process, perhaps by another id.
    const known = yield* find({ target: outage.target, from: outage.start, to: outage.end })
    // A target has one downtime at a time, unless our clock was set back since: then one that is open is another.
    const mayContinue = !isFromAhead(outage.end, yield* Clock.currentTimeMillis)
    const found = known.find(({ id }) => id === outage.id) ??
      // Two that are proved are told apart by their ids alone.
      known.find(({ end, proof, start }) =>
        (outage.proof === undefined || proof === undefined)
        && (timesAgree(start, outage.start) || (end === undefined ? mayContinue : timesAgree(end, outage.end)))
      )
    if (found === undefined) yield* Effect.mapError(store.open(outage, decision, opening), troubleOf)
    const stored = found ?? outage
    // One that we gave up may have opened it after all, just now.
    if (stored.end === undefined || found === undefined) yield* close(stored.id, ending)
    const events: ReadonlyArray<OutageEvent> = [
      { _tag: "Opened", outage: { ...stored, end: undefined, blip: false } },
      { _tag: "Closed", outage: stored.end === undefined ? { ...stored, end: outage.end, blip: outage.blip } : stored }
    ]
    return events
  })

  const closeNow = Effect.fnUntraced(function*(ending: Ending) {
    const { outage, step } = ending
    if (yield* close(outage.id, ending)) return
    // Another process has closed it, and may have opened one after it whose end is ours.
    const later = (yield* find({ target: outage.target, open: true })).filter(({ proof, start }) =>
      proof === undefined || step === undefined ? start >= outage.start && start < outage.end : proof.seq < step
    )
    if (later.length === 0 || (yield* isClosedBy(ending))) return
    for (const { id, start } of later) {
      yield* close(id, { ...ending, outage: { ...outage, end: Math.max(outage.end, start + 1) } })
    }
  })

  /** Whether an outage was ended by this very decision: then no other one is. */
  const isClosedBy = ({ decision, outage }: Ending) =>
    decision === undefined ? Effect.succeed(false) : store.decisions(outage.id).pipe(
      Effect.map((all) => all.some(({ id, up }) => up && id === decision.id)),
      Effect.mapError(troubleOf)
    )

  return {
    open: bounded("read the open outages", find({ open: true })).pipe(
      Effect.retry(backOff),
      Effect.eventually,
      Effect.ensuring(settled),
      Effect.map((found) => found.filter(({ target }) => !isOverrideRecord(target)))
    ),
    begin: (told, ending, opening) =>
      persist(
        `open an outage of ${describeTarget(told.target)}`,
        Effect.gen(function*() {
          const found = yield* takeUp(told, opening?.proof, opening?.since)
          const { outage, proof } = found ?? { outage: told, proof: opening?.proof }
          const ended = ending(outage)
          if (ended !== undefined) return yield* storeWhole(ended, proof)
          return found === undefined ? [] : yield* openNow(outage, proof)
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
    return { problem: error.problem, isRefusal: reason._tag === "BadRow" || reason._tag === "AlreadyOpen" }
  }
  const kind = reason.error.reason._tag
  return { problem: reason.error.message, isRefusal: kind === "ConstraintError" || kind === "UniqueViolation" }
}

/** One is open that we do not find. Tried again, but not for ever: its row may be one that cannot be read. */
const notFound: Trouble = {
  problem: "another outage of this target is open there, that was closed just now or cannot be read",
  isRefusal: true
}
