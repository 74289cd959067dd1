import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describeInvalid } from "../../consensus/sealed/Invalid.ts"
import { judgeVotes } from "../../consensus/sealed/judgeVotes.ts"
import { readRosters, readTextFile } from "../../consensus/sealed/readRosters.ts"
import { verify as verifyCertificate } from "../../consensus/sealed/verify.ts"
import { FinalizeMessage } from "../../domain/wire/Consensus.ts"
import { Certificate } from "../../domain/wire/Seal.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
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

export const verify = Command.make("verify", {
  file: Argument.String("file").pipe(
    Argument.withDescription("A file with a certificate, or with a decision that has one, as JSON")
  ),
  roster: Flag.String("roster").pipe(Flag.withDescription("The file of the roster")),
  operatorKey,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false))
}, ({ file, json, operatorKey, roster }) =>
  toUserError(Effect.gen(function*() {
    const rosters = yield* readRosters(roster, Option.getOrUndefined(operatorKey))
    const text = yield* readTextFile(file, maxFileBytes)
    const { certificate, message } = yield* Effect.fromResult(
      Result.mapError(parse(text), (problem) => ({ message: `${file}: ${problem}` }))
    )
    const verified = verifyCertificate(certificate, message, rosters)
    const verdict = {
      certificate,
      votes: judgeVotes(certificate, rosters),
      proof: Result.getOrUndefined(verified),
      invalid: Result.isFailure(verified) ? verified.failure : undefined
    }
    yield* Console.log(
      json
        ? JSON.stringify(proofDocument(verdict))
        : proofText(verdict, { room: terminalColumns(), paint }).join("\n")
    )
    if (verdict.invalid !== undefined) {
      return yield* Effect.fail({ message: `${file} does not prove the decision: ${describeInvalid(verdict.invalid)}` })
    }
  }))).pipe(
    Command.withDescription(
      "Shows who saw what and when, and whether it proves the decision: by the roster alone, without the network, exactly as the nodes decide it. Exits with 1 if it does not."
    ),
    Command.withShortDescription("Check the proof of a decision"),
    Command.withExamples([
      { command: "geodns verify decision.json --roster roster.json", description: "By the roster of a node" },
      {
        command: `geodns verify decision.json --roster roster.json --operator-key ${exampleKey}`,
        description: "By a roster from elsewhere, which this operator has signed"
      }
    ])
  )
