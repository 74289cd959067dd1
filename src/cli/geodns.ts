import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { packageVersion } from "../node/packageVersion.ts"
import { geodns } from "./command.ts"
import * as invocation from "./invocation.ts"
import * as logging from "./logging.ts"
import { teardown } from "./teardown.ts"

/**
 * Who reads the output has gone, as `head` does: the same end as by a signal, with everything tidied up. What cannot be
 * written for another reason, as on a full disk, is lost, and stops no node.
 */
let readerGone = false
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // Once: a second signal would end it without tidying up.
    if (error.code === "EPIPE" && !readerGone) {
      readerGone = true
      process.emit("SIGINT")
    }
  })
}

Effect.flatMap(packageVersion, (version) => Command.run(geodns, { version })).pipe(
  Effect.provide([NodeServices.layer, logging.layer, invocation.layer]),
  NodeRuntime.runMain({ teardown })
)
