import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, ConfigProvider, Effect, Exit } from "effect"
import { Command } from "effect/cli"
import { TestConsole } from "effect/testing"
import { geodns } from "../../src/cli/command.ts"
import * as invocation from "../../src/cli/invocation.ts"

/** How a command ended, and what it wrote. */
export interface Written {
  readonly ok: boolean
  /** As the process would end. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command of `geodns` in this process, with this environment and no other. For commands that end by themselves. */
export const command = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<Written> =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(Command.runWith(geodns, { version: "test" })(args))
    return {
      ok: Exit.isSuccess(exit),
      code: Exit.isSuccess(exit) ? 0 : invocation.isUsageError(Cause.squash(exit.cause)) ? 2 : 1,
      stdout: (yield* TestConsole.logLines).join("\n"),
      stderr: (yield* TestConsole.errorLines).join("\n")
    }
  }).pipe(
    Effect.provide([
      NodeServices.layer,
      invocation.layer,
      TestConsole.layer,
      ConfigProvider.layer(ConfigProvider.fromEnv({ env }))
    ])
  ) as Effect.Effect<Written>
