import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describeInvalid } from "../../consensus/sealed/Invalid.ts"
import { readRosters, readTextFile } from "../../consensus/sealed/readRosters.ts"
import type { Rosters } from "../../consensus/sealed/Rosters.ts"
import { FinalizeMessage } from "../../domain/wire/Consensus.ts"
import { Certificate } from "../../domain/wire/Seal.ts"
import { storesOf } from "../../roles/stores.ts"
import { toUserError } from "../failure.ts"
import { judge, outageProof, problemOf } from "../outageProof.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
import { outageProofDocument, outageProofText } from "../text/outageProofText.ts"
import { proofDocument, proofText } from "../text/proofText.ts"
import { exampleKey, operatorKey } from "./sealedFlags.ts"

/** The longest file that is read, in bytes. */
const maxFileBytes = 1024 * 1024

const decodeCertificate = Schema.decodeUnknownResult(Certificate)
const decodeMessage = Schema.decodeUnknownResult(FinalizeMessage)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** A certificate by itself, or a decision as it is published (`consensus.finalize`) with the certificate in it. */
const parse = (
  text: string
): Result.Result<{ readonly certificate: Certificate; readonly message: FinalizeMessage | undefined }, string> =>
  Result.gen(function*() {
    const value = yield* Result.try({
      try: (): unknown => JSON.parse(text),
      catch: (cause) => `it is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`
    })
    if (!isObject(value) || value["Proposal"] === undefined) {
      const certificate = yield* Result.mapError(decodeCertificate(value), (issue) => `it is no certificate: ${issue}`)
      return { certificate, message: undefined }
    }
    const message = yield* Result.mapError(decodeMessage(value), (issue) => `it is no decision: ${issue}`)
    if (value["Certificate"] === undefined) {
      return yield* Result.fail(
        "the decision has no certificate: it was made without signatures, and nothing proves it"
      )
    }
    const certificate = yield* Result.mapError(
      decodeCertificate(value["Certificate"]),
      (issue) => `its certificate is none: ${issue}`
    )
    return { certificate, message }
  })

const commandPath = ["geodns", "verify"]

/** The outage is not there: like a command line that names nothing. */
const unknownOutage = (id: string) =>
  new CliError.ShowHelp({
    commandPath,
    errors: [
      new CliError.ValidationError({
        message: `the store has no outage ${JSON.stringify(id)}: geodns outages --json lists their ids`
      })
    ]
  })

const verifyFile = Effect.fnUntraced(function*(file: string, rosters: Rosters, json: boolean) {
  const text = yield* readTextFile(file, maxFileBytes)
  const { certificate, message } = yield* Effect.fromResult(
    Result.mapError(parse(text), (problem) => ({ message: `${file}: ${problem}` }))
  )
  const verdict = judge(certificate, message, rosters)
  yield* Console.log(
    json
      ? JSON.stringify(proofDocument(verdict))
      : proofText(verdict, { room: terminalColumns(), paint }).join("\n")
  )
  if (verdict.invalid !== undefined) {
    return yield* Effect.fail({ message: `${file} does not prove the decision: ${describeInvalid(verdict.invalid)}` })
  }
})

/** False when the store does not have the outage. */
const verifyOutage = Effect.fnUntraced(function*(id: string, config: string, rosters: Rosters, json: boolean) {
  const verdict = yield* Effect.provide(outageProof(id, rosters), storesOf(config))
  if (verdict === undefined) return false
  yield* Console.log(
    json
      ? JSON.stringify(outageProofDocument(verdict))
      : outageProofText(verdict, { room: terminalColumns(), paint }).join("\n")
  )
  const problem = problemOf(verdict)
  if (problem !== undefined) return yield* Effect.fail({ message: `the outage ${id} is not proved: ${problem}` })
  return true
})

export const verify = Command.make("verify", {
  what: Argument.String("outage-or-file").pipe(
    Argument.withDescription(
      "With --config the id of an outage; without it a file with a certificate, or with a decision that has one, as JSON"
    )
  ),
  roster: Flag.String("roster").pipe(Flag.withDescription("The file of the roster")),
  operatorKey,
  config: Flag.String("config").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("The local document that names the store with the outage, of a collator or a standalone node"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false))
}, ({ config, json, operatorKey, roster, what }) =>
  Effect.gen(function*() {
    const found = yield* toUserError(Effect.gen(function*() {
      const rosters = yield* readRosters(roster, Option.getOrUndefined(operatorKey))
      if (Option.isSome(config)) return yield* verifyOutage(what, config.value, rosters, json)
      yield* verifyFile(what, rosters, json)
      return true
    }))
    if (!found) return yield* unknownOutage(what)
  })).pipe(
    Command.withDescription(
      "Shows who saw what and when, and whether it proves a decision, or both of an outage: by the roster alone, without the network, exactly as the nodes decide it. Exit codes: 0 proved, 1 not proved, 2 the command is not one or the store has no such outage."
    ),
    Command.withShortDescription("Check the proof of a decision or an outage"),
    Command.withExamples([
      { command: "geodns verify decision.json --roster roster.json", description: "By the roster of a node" },
      {
        command: "geodns verify OUTAGE --roster roster.json --config /etc/geodns/collator.json",
        description: "The beginning and the end of an outage, from the store of a collator"
      },
      {
        command: `geodns verify decision.json --roster roster.json --operator-key ${exampleKey}`,
        description: "By a roster from elsewhere, which this operator has signed"
      }
    ])
  )
