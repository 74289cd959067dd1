import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { AppendFiles } from "../../src/node/AppendFiles.ts"

/** Appends numbered records of different lengths until it is killed, and says the number of each when it is appended. */
const [directory = ""] = process.argv.slice(2)
const program = Effect.gen(function*() {
  const files = yield* AppendFiles
  const file = yield* files.open("a.log")
  const first = yield* Stream.runCount(files.read("a.log"))
  for (let n = first;; n++) {
    yield* file.append([`${n} ${"x".repeat((n * 7919) % 30_000)}`])
    process.stdout.write(`${n}\n`)
  }
})
await Effect.runPromise(Effect.scoped(Effect.provide(program, AppendFiles.layer(directory))))
