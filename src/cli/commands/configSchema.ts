import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { documentNames } from "../../config/allProblems.ts"
import { jsonSchemaOf } from "../../config/jsonSchemas.ts"
import { toUserError } from "../failure.ts"
import { writeFiles } from "./configFiles.ts"

export const schema = Command.make(
  "schema",
  {
    document: Argument.Literals("document", documentNames as ReadonlyArray<(typeof documentNames)[number]>).pipe(
      Argument.withDescription("Which document; local when it is left out, all with --out"),
      Argument.optional
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription("Write DOCUMENT.schema.json into this folder"),
      Flag.optional
    )
  },
  Effect.fn(function*({ document, out }) {
    if (Option.isNone(out)) {
      return yield* Console.log(JSON.stringify(jsonSchemaOf(Option.getOrElse(document, () => "local")), null, 2))
    }
    if (out.value === "") {
      return yield* new CliError.UserError({ cause: out, userMessage: "--out needs the name of a folder" })
    }
    const names = Option.isSome(document) ? [document.value] : documentNames
    const schemas = Object.fromEntries(names.map((name) => [`${name}.schema.json`, jsonSchemaOf(name)]))
    for (const path of yield* toUserError(writeFiles(out.value, schemas, { replace: true }))) {
      yield* Console.log(`wrote ${path}`)
    }
  })
).pipe(
  Command.withDescription(
    "Prints the JSON Schema of a document, or writes those of all, for editors to help with them"
  ),
  Command.withExamples([
    { command: "geodns config schema", description: "The local document" },
    { command: "geodns config schema --out schemas", description: "All documents, one file each" }
  ])
)
