import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Bus } from "../bus/Bus.ts"
import { Config } from "../config/Config.ts"
import { OverrideError, Overrides } from "../status/Overrides.ts"
import { OverridesGroup } from "./Api.ts"
import { Caller } from "./Caller.ts"
import { givenOverride } from "./givenOverride.ts"
import { BadRequest, Forbidden, NotFound, NotNow } from "./Refusal.ts"
import { readTime } from "./rfc3339.ts"
import * as Route from "./Route.ts"
import { overrideStatus } from "./shown.ts"

const OverridesOnly = HttpApi.make("geodns").add(OverridesGroup)

/** An answer for each way in which an override cannot be given or ended. */
const refusalOf = (error: OverrideError): BadRequest | Forbidden | NotFound | NotNow => {
  switch (error.reason._tag) {
    case "UnknownMember":
    case "NothingToEnd":
      return new NotFound({ error: error.message })
    case "InvalidOverride":
      return new BadRequest({ error: error.message })
    case "InShadow":
      return new Forbidden({ error: error.message })
    case "NotKept":
    case "TooMany":
      return new NotNow({ error: error.message })
  }
}

const timeOf = (name: string, text: string | undefined): Effect.Effect<number | undefined, BadRequest> => {
  const time = text === undefined ? undefined : readTime(text)
  return text !== undefined && time === undefined
    ? Effect.fail(
      new BadRequest({
        error: `${name}: ${
          JSON.stringify(text.slice(0, 60))
        } is no time; write it with its zone, as 2026-11-21T18:00:00Z`
      })
    )
    : Effect.succeed(time)
}

const authorOf = (key: string, person: string | undefined): string => {
  const named = person?.trim() ?? ""
  return named === "" || named === key ? key : `${named} (key ${key})`
}

/**
 * The name of the key that was shown. One that is called like a member is that member's own, as in v2: it takes out and
 * brings back nobody else.
 */
const keyFor = Effect.fnUntraced(function*(config: Config["Service"], member: string) {
  const key = yield* Caller
  if (key === undefined) return yield* new Forbidden({ error: "Writing needs a key of MgmtApi.AuthKeys" })
  const { catalog } = yield* config.current
  const owner = catalog.member(key)
  return owner === undefined || catalog.member(member) === owner ? key : yield* new Forbidden({
    error: `The key ${key} is that of a member, and only for ${owner.name}: use one that is not called like a member`
  })
})

const handlers = (overrides: Overrides["Service"]) =>
  HttpApiBuilder.group(
    OverridesOnly,
    "overrides",
    Effect.fnUntraced(function*(handlers) {
      const config = yield* Config
      const bus = yield* Effect.serviceOption(Bus)
      const list = Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        return { overrides: (yield* overrides.list).map((override) => overrideStatus(override, now)) }
      })

      return handlers
        .handle("list", () => list)
        .handle(
          "add",
          Effect.fnUntraced(function*({ payload: { author: person, from, kind, member, reason, until } }) {
            const author = authorOf(yield* keyFor(config, member), person)
            const given = yield* overrides.add({
              kind,
              member,
              reason,
              author,
              from: yield* timeOf("from", from),
              until: yield* timeOf("until", until)
            }).pipe(Effect.mapError(refusalOf))
            return givenOverride(given, {
              all: yield* overrides.list,
              catalog: (yield* config.current).catalog,
              connected: Option.isNone(bus) || (yield* bus.value.connected),
              now: yield* Clock.currentTimeMillis
            })
          })
        )
        .handle(
          "end",
          Effect.fnUntraced(function*({ payload: { author: person, kind, member, reason } }) {
            const author = authorOf(yield* keyFor(config, member), person)
            const ended = yield* overrides.end({ kind, member, reason: reason ?? "", author }).pipe(
              Effect.mapError(refusalOf)
            )
            const now = yield* Clock.currentTimeMillis
            return { overrides: ended.map((override) => overrideStatus(override, now)) }
          })
        )
    })
  )

/**
 * `GET /api/overrides`, `POST /api/overrides`, `POST /api/overrides/end`: members taken out by hand. On a node without
 * `Overrides` nothing is there.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | Config> = Layer.unwrap(
  Effect.map(Effect.serviceOption(Overrides), (overrides) =>
    Option.isNone(overrides) ? Layer.empty : Layer.mergeAll(
      HttpApiBuilder.layer(OverridesOnly).pipe(
        Layer.provide([handlers(overrides.value), HttpServer.layerServices])
      ),
      HttpRouter.use((router) =>
        Effect.andThen(
          Route.notAllowed(router, "/api/overrides", ["GET", "HEAD", "POST"]),
          Route.notAllowed(router, "/api/overrides/end", ["POST"])
        )
      )
    ))
)
