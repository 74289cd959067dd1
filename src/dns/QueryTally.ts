import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { isKnownType, rcodeName, typeName } from "./protocol.ts"

const questions = Metric.counter("geodns_dns_questions_total", {
  description: "Questions answered, by type and response code",
  incremental: true
})

const dropped = Metric.counter("geodns_dns_dropped_total", {
  description: "Messages and connections that got no proper answer",
  incremental: true
})

const limited = Metric.counter("geodns_dns_limited_total", {
  description: "Answers that the rate limit held back, by what the client got instead: `nothing`, or a `truncated` one",
  incremental: true
})

/**
 * Why there was no proper answer: the message was none for us (too short, or a response), its sender cannot be reached,
 * something of ours failed (answered with SERVFAIL), or a connection had to give way because there were too many.
 */
export type DropReason = "ignored" | "unreachable" | "defect" | "connections"

/** Type and code in one number; what we do not know is one type. */
const codeBits = 8
const otherType = 0xffff

/** Counts without Effect, so that a message costs nothing more than an increment; {@link report} makes metrics of it. */
export class QueryTally {
  readonly #answered = new Map<number, number>()
  readonly #dropped = new Map<DropReason, number>()
  #defect: unknown
  #withheld = 0
  #truncated = 0
  #lastLimited: string | undefined

  answered(type: number, rcode: number): void {
    const key = (type === 0 || isKnownType(type) ? type : otherType) << codeBits | rcode
    this.#answered.set(key, (this.#answered.get(key) ?? 0) + 1)
  }

  dropped(reason: DropReason): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
  }

  /** An answer to a client was held back. */
  limited(verdict: "truncate" | "drop", client: string): void {
    if (verdict === "drop") this.#withheld++
    else this.#truncated++
    this.#lastLimited = client
  }

  /** Whose answer was held back last; undefined when none was since it was asked last. */
  takeLimited(): string | undefined {
    const client = this.#lastLimited
    this.#lastLimited = undefined
    return client
  }

  /** Something of ours threw: the last one until the next report is logged. */
  failed(defect: unknown): void {
    this.dropped("defect")
    this.#defect = defect
  }

  /** Adds what was counted since the last report to the metrics. */
  readonly report: Effect.Effect<void> = Effect.suspend(() => {
    const answered = [...this.#answered]
    const drops = [...this.#dropped]
    const defect = this.#defect
    const held = [["nothing", this.#withheld], ["truncated", this.#truncated]] as const
    this.#withheld = 0
    this.#truncated = 0
    this.#answered.clear()
    this.#dropped.clear()
    this.#defect = undefined
    return Effect.gen(function*() {
      for (const [key, count] of answered) {
        const type = key >> codeBits
        const labels = { type: type === 0 ? "none" : typeName(type), rcode: rcodeName(key & (1 << codeBits) - 1) }
        yield* Metric.update(Metric.withAttributes(questions, labels), count)
      }
      for (const [reason, count] of drops) yield* Metric.update(Metric.withAttributes(dropped, { reason }), count)
      for (const [got, count] of held) {
        if (count > 0) yield* Metric.update(Metric.withAttributes(limited, { got }), count)
      }
      if (defect !== undefined) yield* Effect.logError("A question could not be answered: SERVFAIL", defect)
    })
  })
}

/** A tally that reports every second, and once more at the end. */
export const makeQueryTally: Effect.Effect<QueryTally, never, Scope.Scope> = Effect.gen(function*() {
  const tally = new QueryTally()
  yield* Effect.addFinalizer(() => tally.report)
  yield* tally.report.pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.forkScoped)
  return tally
})
