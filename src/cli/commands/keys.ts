import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { newKeyFile, readKeyFile } from "../../consensus/sealed/keyFile.ts"
import { toUserError } from "../failure.ts"

const file = Argument.String("file").pipe(Argument.withDescription("The file of the private key"))
const json = Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false))

const make = Command.make("new", { file, json }, ({ file, json }) =>
  toUserError(Effect.gen(function*() {
    const { publicKey } = yield* newKeyFile(file)
    yield* Console.log(
      json
        ? JSON.stringify({ file, publicKey })
        : `wrote ${file}, which only this user may read. Keep it, and give it to nobody.\nIts public key, for the roster:\n${publicKey}`
    )
  }))).pipe(
    Command.withDescription(
      "Makes a private key (Ed25519) for a node or an operator, in a file that only this user may read, and prints its public key. Overwrites nothing."
    ),
    Command.withShortDescription("Make a private key"),
    Command.withExamples([{ command: "geodns keys new /etc/geodns/node.key", description: "The key of a node" }])
  )

const show = Command.make("show", { file, json }, ({ file, json }) =>
  toUserError(Effect.gen(function*() {
    const { publicKey } = yield* readKeyFile(file)
    yield* Console.log(json ? JSON.stringify({ file, publicKey }) : publicKey)
  }))).pipe(
    Command.withDescription(
      "Prints the public key of a private key, as it stands in a roster, after checking that nobody else may read the file"
    ),
    Command.withShortDescription("Print the public key"),
    Command.withExamples([{
      command: "geodns keys show /etc/geodns/node.key",
      description: "For who keeps the roster"
    }])
  )

export const keys = Command.make("keys").pipe(
  Command.withDescription("Make the keys that nodes and operators sign with, and show their public keys"),
  Command.withSubcommands([make, show])
)
