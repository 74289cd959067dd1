import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { Catalog } from "../domain/Catalog.ts"
import type { Override } from "../domain/Override.ts"
import { Conditions } from "../node/Conditions.ts"
import { overriddenNames } from "./overriddenNames.ts"
import { named } from "./overrideNews.ts"

/** Overrides for members that the documents do not have. */
const strangersDetail = (catalog: Catalog, active: ReadonlyMap<string, Override>): string | undefined => {
  const unknown = [...active.keys()].filter((name) => catalog.member(name) === undefined)
  return catalog.members.length === 0 || unknown.length === 0
    ? undefined
    : `out by hand, but not in the members document: ${
      named(unknown)
    }. If a member has another name now, take it out under that one and end the old override`
}

/** Names from which overrides took all members. */
const emptyDetail = (catalog: Catalog, active: ReadonlyMap<string, Override>): string | undefined => {
  const empty = overriddenNames(catalog, active)
  if (empty.length === 0) return undefined
  const by = empty.flatMap(({ by }) => by)
  return `all members of ${named(empty.map(({ name }) => name))} are out by hand (${
    named(by.map(({ member }) => member))
  }), given by ${
    named(by.map(({ author, node }) => `${author} at ${node}`))
  }: the overrides do not hold for these names, which are answered as if all were down (AllDown). End some of them; if nobody gave them, somebody forges on the bus`
}

/**
 * Raises the condition `overrides:member` while an override is in force for a member that the documents do not have: it
 * may have got another name, under which it is not out. And `overrides:names` while overrides leave a served name without
 * any member.
 */
export const noticeOverrides = Effect.fnUntraced(function*(
  active: Stream.Stream<ReadonlyMap<string, Override>>
): Effect.fn.Return<void, never, Config | Conditions> {
  const config = yield* Config
  const conditions = yield* Conditions
  const show = (name: string, detail: string | undefined) =>
    detail === undefined ? conditions.clear(name) : conditions.raise(name, detail)
  const versions = Stream.merge(Stream.succeed(undefined), config.changes)
  yield* Stream.zipLatest(active, versions).pipe(
    Stream.runForEach(Effect.fnUntraced(function*([out]) {
      const { catalog } = yield* config.current
      yield* show("overrides:member", strangersDetail(catalog, out))
      yield* show("overrides:names", emptyDetail(catalog, out))
    }))
  )
})
