import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { LastHealthy } from "./LastHealthy.ts"

/** The durable file of the sets of members that were healthy last. */
export const lastGoodFile = "steering-last-good.json"

const condition = "steering:last-good"

/** What the durable file has. One that cannot be read is a condition, and as good as none. */
export const readLastHealthy = Effect.gen(function*() {
  const files = yield* DurableFiles
  const conditions = yield* Conditions
  const content = yield* Effect.result(files.read(lastGoodFile))
  const read = Result.isFailure(content)
    ? Result.fail(content.failure.message)
    : Option.isNone(content.success)
    ? Result.succeed(new LastHealthy())
    : LastHealthy.decode(content.success.value)
  if (Result.isSuccess(read)) return read.success
  yield* conditions.raise(
    condition,
    `${lastGoodFile} could not be read, so a name whose members are all down is answered with all of them ` +
      `until some are healthy again: ${read.failure}`
  )
  return new LastHealthy()
})

/**
 * Writes what `take` gives, if anything, every few seconds and at the end of the scope. What cannot be written is a
 * condition, and `failed` is told.
 */
export const keepLastHealthy = Effect.fnUntraced(function*(take: () => string | undefined, failed: () => void) {
  const files = yield* DurableFiles
  const conditions = yield* Conditions
  const save = Effect.suspend(() => {
    const content = take()
    return content === undefined
      ? Effect.void
      : files.write(lastGoodFile, content).pipe(
        Effect.andThen(conditions.clear(condition)),
        Effect.catch((error) => {
          failed()
          return conditions.raise(
            condition,
            `the members that were healthy last are not kept on disk, a restart would forget them: ${error.message}`
          )
        })
      )
  })
  yield* Effect.addFinalizer(() => save)
  // Not interruptible: what was taken must arrive.
  yield* Effect.uninterruptible(save).pipe(
    Effect.catchCause((cause) => Effect.logError("saving the members that were healthy last failed", cause)),
    Effect.repeat(Schedule.spaced("5 seconds")),
    Effect.forkScoped
  )
})
