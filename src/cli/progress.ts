import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { plain } from "./text/plain.ts"
import { spanText } from "./text/span.ts"
import { cut } from "./text/table.ts"

/** What progress is shown on: standard error, as far as it is a terminal. */
export interface ProgressScreen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly write: (text: string) => unknown
}

/** Shows what is being done now, in place of what was shown before. */
export type ShowProgress = (doing: string) => Effect.Effect<void>

const clearLine = "\r\u001b[K"

/**
 * Runs long work, which says what it is at, with one line on the terminal that tells so, and since when. The line is gone
 * when the work ends. Where standard error is no terminal nothing is written.
 */
export const withProgress = <A, E, R>(
  work: (show: ShowProgress) => Effect.Effect<A, E, R>,
  screen: ProgressScreen = process.stderr
): Effect.Effect<A, E, R> => {
  if (screen.isTTY !== true) return work(() => Effect.void)
  return Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    let doing = ""
    const draw = Effect.map(Clock.currentTimeMillis, (now) => {
      if (doing === "") return
      const line = `${spanText(now - began)}  ${plain(doing)}`
      // Some terminals say that they have no columns at all.
      screen.write(`${clearLine}${cut(line, (screen.columns || 80) - 1)}`)
    })
    yield* Effect.forkScoped(Effect.forever(Effect.delay(draw, "1 second")))
    return yield* work((text) => {
      doing = text
      return draw
    })
  }).pipe(
    Effect.scoped,
    Effect.ensuring(Effect.sync(() => screen.write(clearLine)))
  )
}
