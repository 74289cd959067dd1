import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** How a service ends. */
export interface ServiceOptions {
  /** Milliseconds from the first signal until the process ends, whatever still runs. */
  readonly within?: number
  /** What SIGHUP does: nothing here (whoever reads documents listens, too), or it ends the service as SIGTERM does. */
  readonly hangup?: "ignore" | "stop"
  /** How it says that it stops, and when it has. Nothing is said when missing. */
  readonly log?: (text: string) => Effect.Effect<void>
}

const signals = { SIGINT: 130, SIGTERM: 143 } as const
type StopSignal = keyof typeof signals

/**
 * One press of Ctrl-C comes twice when npm or npx started us: from the terminal, and passed on. Within this many
 * milliseconds it is the same signal.
 */
const sameSignal = 1_000

/** What still holds the process, for whoever has to find out: `2 TCPSocketWrap, 1 Worker`. */
const leftOver = (): string => {
  const counts = Map.groupBy(process.getActiveResourcesInfo(), (name) => name)
  return [...counts].map(([name, { length }]) => `${length} ${name}`).join(", ") || "nothing that the system knows of"
}

/**
 * What runs until a signal stops it. That is how a service ends, and no failure: the exit code is 0, once everything is
 * tidied up. What is not tidied up in time is logged, and the exit code is 1; a second signal ends the process at once,
 * with 130 (SIGINT) or 143 (SIGTERM).
 */
export const service = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  { hangup = "ignore", log, within = 10_000 }: ServiceOptions = {}
): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.gen(function*() {
      const context = yield* Effect.context<never>()
      const clock = yield* Clock.Clock
      let first: number | undefined
      const say = (text: string) => {
        if (log !== undefined) Effect.runSyncWith(context)(log(text))
      }
      const overdue = () => {
        const text = `still not stopped ${within / 1000} s after the signal; ending anyway. Open: ${leftOver()}`
        Effect.runSyncWith(context)(Effect.logError(text))
        process.exit(1)
      }
      const stop = (signal: StopSignal) => {
        const now = clock.currentTimeMillisUnsafe()
        if (first === undefined) {
          first = now
          say(`stopping: ${signal} came`)
          // Never taken back: it covers what the process tidies up after this service, too.
          setTimeout(overdue, within).unref()
        } else if (now - first >= sameSignal) process.exit(signals[signal])
      }
      const onHangup = () => {
        if (hangup === "stop") process.kill(process.pid, "SIGTERM")
      }
      const onSigint = () => stop("SIGINT")
      const onSigterm = () => stop("SIGTERM")
      process.on("SIGINT", onSigint).on("SIGTERM", onSigterm).on("SIGHUP", onHangup)
      return () => {
        process.removeListener("SIGHUP", onHangup)
        // After a signal they stay: what is left to do can be cut short, too.
        if (first !== undefined) say(`stopped after ${((clock.currentTimeMillisUnsafe() - first) / 1000).toFixed(1)} s`)
        else process.removeListener("SIGINT", onSigint).removeListener("SIGTERM", onSigterm)
      }
    }),
    () =>
      Effect.onInterrupt(effect, () =>
        Effect.sync(() => {
          process.exitCode = 0
        })),
    (remove) => Effect.sync(remove)
  )
