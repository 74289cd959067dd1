import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"

/** The question is not one: 400, and `error` says what is wrong with it. */
export class BadRequest extends Schema.Error<BadRequest>("BadRequest")(
  { error: Schema.String },
  { httpApiStatus: 400 }
) {}

/** That key may not do this: 403. */
export class Forbidden extends Schema.Error<Forbidden>("Forbidden")(
  { error: Schema.String },
  { httpApiStatus: 403 }
) {}

/** There is nothing of that name: 404. */
export class NotFound extends Schema.Error<NotFound>("NotFound")(
  { error: Schema.String },
  { httpApiStatus: 404 }
) {}

/** It was understood and cannot be done now: 503, and `error` says why. */
export class NotNow extends Schema.Error<NotNow>("NotNow")(
  { error: Schema.String },
  { httpApiStatus: 503 }
) {}

/** An answer that is none: `{"error": "…"}`, the one shape that all errors of the API have. */
export const refuse = (
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse => HttpServerResponse.jsonUnsafe({ error }, { status, headers })
