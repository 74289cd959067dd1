import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { agent as runAgent } from "../../roles/agent.ts"
import { toUserError } from "../failure.ts"
import { localDocument } from "../localDocument.ts"
import { service } from "../service.ts"
import { plain } from "../text/plain.ts"

export const agent = Command.make("agent", { config: localDocument }, ({ config }) =>
  Effect.suspend(() => {
    let said = ""
    /** Only what changes is logged: a report a few times a minute would hide it. */
    const say = (text: string, isGood: boolean) => {
      if (text === said) return Effect.void
      said = text
      return isGood ? Effect.logInfo(text) : Effect.logWarning(text)
    }
    return runAgent(config, {
      onStart: ({ interval, member, services }) =>
        Console.log(
          plain(
            `Agent of ${member}: reports every ${interval} s on ${
              services.length === 0 ? "nothing but itself" : services.join(", ")
            }`
          )
        ),
      onReport: (seen, problem) => {
        const down = seen.filter(({ up }) => !up).map(({ error, name }) => `${name} is down: ${error}`)
        const lines = [...problem === undefined ? [] : [`nobody is told: ${problem}`], ...down]
        return say(plain(lines.join("; ") || "all is well, and reported"), lines.length === 0)
      }
    })
  }).pipe(toUserError, service)).pipe(
    Command.withDescription(
      "Runs on the machine of a member: looks at its services from inside and reports to the monitors, whose check heartbeat goes by it. Its local document needs GeoDNS.Agent and the broker, and nothing else."
    ),
    Command.withShortDescription("Reports from the machine of a member"),
    Command.withExamples([{ command: "geodns agent --config agent.json", description: "Run the agent of a member" }])
  )
