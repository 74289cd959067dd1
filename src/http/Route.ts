import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import { refuse } from "./Refusal.ts"

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"] as const

/** What a handler may use besides what its layer took. */
export type Handler = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  HttpRouter.Provided
>

/** Answers every method but the allowed ones at `path` with 405. Where GET is allowed HEAD is. */
export const notAllowed = (
  router: HttpRouter.HttpRouter,
  path: HttpRouter.PathInput,
  allowed: ReadonlyArray<(typeof methods)[number] | "HEAD">
): Effect.Effect<void> => {
  const list = `${allowed.slice(0, -1).join(", ")}${allowed.length > 1 ? " and " : ""}${allowed.at(-1)}`
  return router.addAll(
    methods.filter((method) => !allowed.includes(method)).map((method) =>
      HttpRouter.route(
        method,
        path,
        refuse(405, `${method} is not allowed at ${path}: ${list} ${allowed.length > 1 ? "are" : "is"}`, {
          allow: allowed.join(", ")
        })
      )
    )
  )
}

/** Answers every method but GET and HEAD at `path` with 405. */
export const onlyGet = (router: HttpRouter.HttpRouter, path: HttpRouter.PathInput): Effect.Effect<void> =>
  notAllowed(router, path, ["GET", "HEAD"])

/** A route for GET and HEAD; other methods are answered with 405. */
export const get = (
  router: HttpRouter.HttpRouter,
  path: HttpRouter.PathInput,
  handler: Handler
): Effect.Effect<void> => Effect.andThen(router.add("GET", path, handler), onlyGet(router, path))
