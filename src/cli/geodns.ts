import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"
import { readFileSync } from "node:fs"
import { config } from "./commands/configCheck.ts"
import { demo } from "./commands/demo.ts"
import { dig } from "./commands/dig.ts"
import { explain } from "./commands/explain.ts"
import { standalone } from "./commands/standalone.ts"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

const geodns = Command.make("geodns").pipe(
  Command.withDescription(
    "An open GeoDNS control plane: many operators serve one domain, the nodes decide together who is up, and DNS answers with the nearest."
  ),
  Command.withSubcommands([demo, standalone, config, explain, dig])
)

/** What commands print goes to standard output, what nodes log to standard error. */
const logging = Layer.mergeAll(
  Logger.layer([process.stderr.isTTY ? Logger.consolePretty() : Logger.withConsoleError(Logger.formatJson)]),
  Layer.succeed(Logger.LogToStderr, true)
)

/** A command that a signal stops has not given its result: 130, unless it is a service and said so. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Runtime.defaultTeardown(
    exit,
    (code) =>
      onExit(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? Number(process.exitCode ?? code) : code)
  )

/**
 * Who reads the output has gone, as `head` does: the same end as by a signal, with everything tidied up. What cannot be
 * written for another reason, as on a full disk, is lost, and stops no node.
 */
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.emit("SIGINT")
  })
}

geodns.pipe(
  Command.run({ version }),
  Effect.provide([NodeServices.layer, logging]),
  NodeRuntime.runMain({ teardown })
)
