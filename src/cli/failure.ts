import * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import type { SealError } from "../consensus/sealed/SealError.ts"
import { isUsageError } from "./invocation.ts"

/**
 * A failure that is the operator's to mend: its message alone is shown, on standard error, and the exit code is 1. A
 * {@link wrongUsage} stays one.
 */
export const toUserError = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, CliError.UserError | CliError.ShowHelp, R> =>
  Effect.mapError(
    effect,
    (error) => isUsageError(error) ? error : new CliError.UserError({ cause: error, userMessage: error.message })
  )

/** The command line asks for what cannot be: answered as one that is not understood, with exit code 2. `command` without `geodns`. */
export const wrongUsage = (command: string, message: string): CliError.ShowHelp =>
  new CliError.ShowHelp({
    commandPath: ["geodns", ...command.split(" ")],
    errors: [new CliError.ValidationError({ message })]
  })

/** Says of a file that is not there where its name comes from, or what makes it. */
export const whereMissing =
  (hint: string) => <A, R>(effect: Effect.Effect<A, SealError, R>): Effect.Effect<A, { readonly message: string }, R> =>
    Effect.mapError(effect, (error) =>
      error.reason._tag === "MissingFile"
        ? { message: `${error.reason.path}: there is no such file. ${hint}` }
        : error)
