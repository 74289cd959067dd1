import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** One thing that a probe did. Times in milliseconds. */
export interface ProbeStep {
  /** `connect`, `TLS`, `system_health` … */
  readonly name: string
  /** When it began, from the start of the probe. */
  readonly at: number
  readonly took: number
  /** `""` when it went well. */
  readonly error: string
}

/** Is told each step of a probe, in the order in which they end. */
export type ProbeTrace = (step: Omit<ProbeStep, "at"> & { readonly began: bigint }) => void

/** Where the steps of probes go: nowhere, unless somebody looks. */
export const ProbeTrace = Context.Reference<ProbeTrace | undefined>("effect-geodns/monitor/ProbeTrace", {
  defaultValue: () => undefined
})

const millis = (nanos: bigint): number => Number(nanos / 1_000n) / 1_000

const errorOf = <A, E>(exit: Exit.Failure<A, E>): string => {
  if (Cause.hasInterruptsOnly(exit.cause)) return "given up"
  const failure = Cause.squash(exit.cause)
  return typeof failure === "object" && failure !== null && "error" in failure ? String(failure.error) : "failed"
}

/**
 * Names a part of a probe, for whoever looks. It costs next to nothing when nobody does. `problemOf` says what is wrong with a
 * success, `""` for nothing.
 */
export const step = <A, E, R>(
  name: string | (() => string),
  effect: Effect.Effect<A, E, R>,
  problemOf: (value: A) => string = () => ""
): Effect.Effect<A, E, R> =>
  ProbeTrace.use((trace) =>
    trace === undefined ? effect : Effect.clockWith((clock) => {
      const began = clock.monotonicTimeNanosUnsafe()
      return Effect.onExit(effect, (exit) =>
        Effect.sync(() =>
          trace({
            name: typeof name === "string" ? name : name(),
            began,
            took: millis(clock.monotonicTimeNanosUnsafe() - began),
            error: Exit.isSuccess(exit) ? problemOf(exit.value) : errorOf(exit)
          })
        ))
    })
  )

/** Runs a probe and keeps its steps, in the order in which they began. */
export const traced = <A, E, R>(
  probe: Effect.Effect<A, E, R>
): Effect.Effect<{ readonly result: A; readonly steps: ReadonlyArray<ProbeStep> }, E, R> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const start = clock.monotonicTimeNanosUnsafe()
    const steps: Array<ProbeStep> = []
    const trace: ProbeTrace = ({ began, ...step }) => void steps.push({ ...step, at: millis(began - start) })
    return probe.pipe(
      Effect.provideService(ProbeTrace, trace),
      Effect.map((result) => ({ result, steps: steps.toSorted((a, b) => a.at - b.at) }))
    )
  })
