import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { toUserError } from "../failure.ts"
import { writeFiles } from "./configFiles.ts"
import { starterDocuments, starterName } from "./configStarter.ts"

export const init = Command.make(
  "init",
  {
    folder: Argument.String("dir").pipe(
      Argument.withDescription("Where to write them; this folder when it is left out"),
      Argument.withDefault(".")
    )
  },
  Effect.fn(function*({ folder }) {
    const key = randomBytes(24).toString("base64url")
    const paths = yield* toUserError(writeFiles(folder, starterDocuments({ key }), { replace: false }))
    const local = join(folder, "local.json")
    yield* Console.log([
      ...paths.map((path) => `wrote ${path}`),
      "",
      "Everything is on loopback, and both members are the node itself, at two addresses. Next:",
      `  geodns config check ${local} --role standalone`,
      `  geodns standalone --config ${local}`,
      `  geodns dig ${starterName} --server 127.0.0.1:5300`,
      "",
      `The key for changes by hand stands in ${local}, under MgmtApi.AuthKeys.`
    ].join("\n"))
  })
).pipe(
  Command.withDescription(
    "Writes a complete set of documents to begin with, which geodns standalone runs at once on loopback. Overwrites nothing."
  ),
  Command.withExamples([{ command: "geodns config init ./geodns", description: "Begin in a folder of its own" }])
)
