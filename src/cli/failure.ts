import * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"

/** A failure that is the operator's to mend: its message alone is shown, on standard error, and the exit code is 1. */
export const toUserError = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, CliError.UserError, R> =>
  Effect.mapError(effect, (error) => new CliError.UserError({ cause: error, userMessage: error.message }))
