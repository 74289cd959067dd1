import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { isKnownType, rcodeName, typeName } from "./protocol.ts"
import { addCounts, Counts, reporting, Tally } from "./Tally.ts"

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

/** What the embedded server counts. */
export class QueryTally extends Tally<DropReason> {
  readonly #answered = new Counts<number>()
  readonly #limited = new Counts<"nothing" | "truncated">()
  #lastLimited: string | undefined

  constructor() {
    super(dropped, "A question could not be answered: SERVFAIL")
  }

  answered(type: number, rcode: number): void {
    this.#answered.add((type === 0 || isKnownType(type) ? type : otherType) << codeBits | rcode)
  }

  /** An answer to a client was held back. */
  limited(verdict: "truncate" | "drop", client: string): void {
    this.#limited.add(verdict === "drop" ? "nothing" : "truncated")
    this.#lastLimited = client
  }

  /** Whose answer was held back last; undefined when none was since it was asked last. */
  takeLimited(): string | undefined {
    const client = this.#lastLimited
    this.#lastLimited = undefined
    return client
  }

  protected take(): Effect.Effect<void> {
    return Effect.andThen(
      addCounts(questions, this.#answered.take(), (key) => {
        const type = key >> codeBits
        return { type: type === 0 ? "none" : typeName(type), rcode: rcodeName(key & (1 << codeBits) - 1) }
      }),
      addCounts(limited, this.#limited.take(), (got) => ({ got }))
    )
  }
}

/** A tally that reports every second, and once more at the end. */
export const makeQueryTally: Effect.Effect<QueryTally, never, Scope.Scope> = Effect.suspend(() =>
  reporting(new QueryTally())
)
