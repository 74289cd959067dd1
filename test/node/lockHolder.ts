import * as Effect from "effect/Effect"
import * as FileLock from "../../src/node/FileLock.ts"

/** Takes a lock, says so and waits to be killed. */
const [path = ""] = process.argv.slice(2)
const program = Effect.gen(function*() {
  yield* FileLock.acquire(path, "a child of the tests")
  process.stdout.write("locked\n")
  yield* Effect.never
})
setInterval(() => {}, 60_000)
await Effect.runPromise(Effect.scoped(program))
