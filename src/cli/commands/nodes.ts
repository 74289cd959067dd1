import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { askRemote, remote, remoteFlags, remoteHelp } from "../remote.ts"
import { terminalColumns } from "../terminal.ts"
import { nodeConditions, nodesText } from "../text/nodesText.ts"

export const nodes = Command.make("nodes", {
  ...remoteFlags,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print the nodes as JSON"), Flag.withDefault(false))
}, ({ json, ...options }) =>
  toUserError(Effect.gen(function*() {
    const status = yield* askRemote(yield* remote(options), (client) => client.status())
    const now = yield* Clock.currentTimeMillis
    yield* Console.log(
      json
        ? JSON.stringify({ electorate: status.electorate, nodes: status.nodes, conditions: nodeConditions(status) })
        : nodesText(status, { now, room: terminalColumns(), paint }).join("\n")
    )
  }))).pipe(
    Command.withDescription(
      `Lists the nodes of the cluster that one node knows: who is active, and whose votes count. That node is among them, marked (this). ${remoteHelp}`
    ),
    Command.withShortDescription("The nodes of the cluster, and who votes"),
    Command.withExamples([
      { command: "geodns nodes", description: "Ask the node on this machine" },
      { command: "geodns nodes --json --node http://192.0.2.53:6100", description: "Another one, for scripts" }
    ])
  )
