import * as Schema from "effect/Schema"

/** The demo cannot go on. The message says what was wrong and what to do. */
export class DemoError extends Schema.TaggedError<DemoError>()("DemoError", { message: Schema.String }) {}
