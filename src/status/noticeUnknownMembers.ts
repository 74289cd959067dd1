import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { Override } from "../domain/Override.ts"
import { Conditions } from "../node/Conditions.ts"

/**
 * Raises the condition `overrides:member` while an override is in force for a member that the documents do not have: it
 * may have got another name, under which it is not out.
 */
export const noticeUnknownMembers = Effect.fnUntraced(function*(
  active: Stream.Stream<ReadonlyMap<string, Override>>
): Effect.fn.Return<void, never, Config | Conditions> {
  const config = yield* Config
  const conditions = yield* Conditions
  const versions = Stream.merge(Stream.succeed(undefined), config.changes)
  yield* Stream.zipLatest(active, versions).pipe(
    Stream.runForEach(Effect.fnUntraced(function*([out]) {
      const { catalog } = yield* config.current
      const unknown = [...out.keys()].filter((name) => catalog.member(name) === undefined)
      yield* catalog.members.length === 0 || unknown.length === 0
        ? conditions.clear("overrides:member")
        : conditions.raise(
          "overrides:member",
          `out by hand, but not in the members document: ${unknown.slice(0, 10).join(", ")}${
            unknown.length > 10 ? ` and ${unknown.length - 10} more` : ""
          }. If a member has another name now, take it out under that one and end the old override`
        )
    }))
  )
})
