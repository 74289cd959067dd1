import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

/** Counts without Effect, so that a message costs nothing more than an increment. */
export class Counts<Key> {
  readonly #counts = new Map<Key, number>()

  add(key: Key): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  /** What was counted since it was asked last. */
  take(): ReadonlyArray<readonly [key: Key, count: number]> {
    const counts = [...this.#counts]
    this.#counts.clear()
    return counts
  }
}

/** Adds counts to a counter, with labels for each key. */
export const addCounts = <Key>(
  counter: Metric.Counter<number>,
  counts: ReadonlyArray<readonly [key: Key, count: number]>,
  labels: (key: Key) => Readonly<Record<string, string>>
): Effect.Effect<void> =>
  Effect.forEach(
    counts,
    ([key, count]) => Metric.update(Metric.withAttributes(counter, labels(key)), count),
    { discard: true }
  )

/** What a server counts of what it could not answer properly; {@link report} makes metrics of it. */
export abstract class Tally<Reason extends string> {
  readonly #counter: Metric.Counter<number>
  readonly #failure: string
  readonly #dropped = new Counts<Reason | "defect">()
  #defect: unknown

  /** `counter` counts by `reason`; `failure` is the line in the log when something of ours threw. */
  constructor(counter: Metric.Counter<number>, failure: string) {
    this.#counter = counter
    this.#failure = failure
  }

  dropped(reason: Reason | "defect"): void {
    this.#dropped.add(reason)
  }

  /** Something of ours threw: the last one until the next report is logged. */
  failed(defect: unknown): void {
    this.dropped("defect")
    this.#defect = defect
  }

  /** What was counted beside that since it was asked last, as metrics; it is taken at once. */
  protected abstract take(): Effect.Effect<void>

  /** Adds what was counted since the last report to the metrics. */
  readonly report: Effect.Effect<void> = Effect.suspend(() => {
    const more = this.take()
    const drops = addCounts(this.#counter, this.#dropped.take(), (reason) => ({ reason }))
    const defect = this.#defect
    this.#defect = undefined
    const log = defect === undefined ? Effect.void : Effect.logError(this.#failure, defect)
    return Effect.all([more, drops, log], { discard: true })
  })
}

/** The tally reports every second, and once more at the end. */
export const reporting = <T extends { readonly report: Effect.Effect<void> }>(
  tally: T
): Effect.Effect<T, never, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Effect.addFinalizer(() => tally.report)
    yield* tally.report.pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.forkScoped)
    return tally
  })
