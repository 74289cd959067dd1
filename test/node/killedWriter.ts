import * as Effect from "effect/Effect"
import { DurableFiles } from "../../src/node/DurableFiles.ts"

/** Writes ever larger versions of one file until it is killed. A version is `n:` and `n % 10` repeated. */
const [directory = ""] = process.argv.slice(2)
const program = Effect.gen(function*() {
  const files = yield* DurableFiles
  for (let n = 0;; n++) {
    yield* files.write("state.json", `${n}:${String(n % 10).repeat(50_000 + (n % 7) * 40_000)}`)
    if (n === 0) process.stdout.write("writing\n")
  }
})
await Effect.runPromise(Effect.provide(program, DurableFiles.layer(directory)))
