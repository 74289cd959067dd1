import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { Config } from "./Config.ts"

/** SIGHUP to this process, as long as somebody listens. Without a listener it would end the process. */
const hangups: Stream.Stream<void> = Stream.callback<void>(
  (queue) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const onHangup = () => void Queue.offerUnsafe(queue, undefined)
        process.on("SIGHUP", onHangup)
        return onHangup
      }),
      (onHangup) => Effect.sync(() => void process.off("SIGHUP", onHangup))
    ),
  // Signals that come during a reload are one.
  { bufferSize: 1, strategy: "sliding" }
)

/**
 * Reads the configuration again whenever this process gets SIGHUP, and says in the log what came of it. `signals` stands
 * in for the process in tests.
 */
export const reloadOnHangup = (signals: Stream.Stream<void> = hangups): Layer.Layer<never, never, Config> =>
  Layer.effectDiscard(
    Config.use((config) =>
      signals.pipe(
        Stream.runForEach(() =>
          Effect.matchCauseEffect(config.reload, {
            onFailure: (cause) => Effect.logError("SIGHUP: the configuration could not be reloaded", cause),
            onSuccess: ({ changed, problems, version }) =>
              Effect.annotateLogs(
                Effect.logInfo(changed ? "SIGHUP: configuration changed" : "SIGHUP: nothing changed"),
                { version, problems: problems.length }
              )
          })
        ),
        Effect.forkScoped({ startImmediately: true })
      )
    )
  )
