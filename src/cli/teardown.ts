import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as invocation from "./invocation.ts"

/**
 * A command that a signal stops has not given its result: 130, unless it is a service and said so. One that could not be
 * understood ends with 2.
 */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  Runtime.defaultTeardown(
    exit,
    (code) =>
      onExit(
        !Exit.isFailure(exit)
          ? code
          : Cause.hasInterruptsOnly(exit.cause)
          ? Number(process.exitCode ?? code)
          : invocation.isUsageError(Cause.squash(exit.cause))
          ? invocation.usageExitCode
          : code
      )
  )
