import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { service } from "../../src/cli/service.ts"
import { teardown } from "../../src/cli/teardown.ts"

// A service of a test: how it tidies up is the first argument, and in how many milliseconds it must be done the second.
const [, , tidying = "quick", within = "10000"] = process.argv

// Last: whether its log tells of the end.
const logged = process.argv[4] === "logged"

const tidyUp = tidying === "hangs"
  ? Effect.never
  : tidying === "slow"
  ? Effect.andThen(Effect.sleep("1500 millis"), Console.log("tidied up"))
  : Console.log("tidied up")

NodeRuntime.runMain(
  service(
    Effect.acquireUseRelease(
      Console.log("runs"),
      () => Effect.never,
      () => tidyUp
    ),
    {
      ...logged && { log: Effect.logInfo },
      within: Number(within),
      ...tidying === "hangup" && { hangup: "stop" as const }
    }
  ),
  { teardown }
)
process.on("SIGHUP", () => console.log("SIGHUP came"))
