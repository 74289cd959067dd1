import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { readRosters, readTextFile } from "../../consensus/sealed/readRosters.ts"
import { storesOf } from "../../roles/stores.ts"
import { toUserError, whereMissing, wrongUsage } from "../failure.ts"
import {
  exportedProof,
  judge,
  outageProof,
  outagesOf,
  type OutageVerdict,
  problemOf,
  provedOf
} from "../outageProof.ts"
import { paint } from "../paint.ts"
import { formatProof, readEvidence } from "../proofFile.ts"
import { terminalColumns } from "../terminal.ts"
import type { RosterFileOf } from "../text/invalidText.ts"
import { outageProofDocument, outageProofText } from "../text/outageProofText.ts"
import { proofDocument, proofText } from "../text/proofText.ts"
import { writeNewFile } from "./newFile.ts"
import { exampleKey, operatorKey } from "./sealedFlags.ts"

/** The longest file that is read, in bytes. */
const maxFileBytes = 1024 * 1024

const unknownOutage = (id: string) =>
  wrongUsage("verify", `the store has no outage ${JSON.stringify(id)}: geodns outages --json lists their ids`)

const severalOutages = (id: string, ids: ReadonlyArray<string>) =>
  wrongUsage(
    "verify",
    `${JSON.stringify(id)} is the beginning of several ids: write more of it, as ${
      ids.slice(0, 3).map((one) => JSON.stringify(one)).join(", ")
    }${ids.length > 3 ? " and so on" : ""}`
  )

const show = (verdict: OutageVerdict, options: { readonly json: boolean; readonly isStored: boolean }) =>
  Console.log(
    options.json
      ? JSON.stringify(outageProofDocument(verdict))
      : outageProofText(verdict, { room: terminalColumns(), paint, isStored: options.isStored }).join("\n")
  )

const verifyFile = Effect.fnUntraced(function*(file: string, by: RosterFileOf, json: boolean) {
  const text = yield* readTextFile(file, maxFileBytes).pipe(
    whereMissing("Without --config it is a file that is verified; --config names the store of an outage")
  )
  const evidence = yield* Effect.fromResult(
    Result.mapError(readEvidence(text), (problem) => ({ message: `${file} ${problem}` }))
  )
  if (evidence._tag === "Outage") {
    const verdict = exportedProof(evidence.file, by)
    yield* show(verdict, { json, isStored: false })
    const problem = problemOf(verdict)
    return problem === undefined ? undefined : yield* Effect.fail({ message: `${file} does not prove it: ${problem}` })
  }
  const verdict = judge(evidence.certificate, evidence.message, by)
  yield* Console.log(
    json
      ? JSON.stringify(proofDocument(verdict))
      : proofText(verdict, { room: terminalColumns(), paint }).join("\n")
  )
  if (verdict.invalid !== undefined) {
    return yield* Effect.fail({ message: `${file} does not prove the decision: ${verdict.invalid.problem}` })
  }
})

/** Writes what of an outage is proved, and says on standard error that it did: standard output is the verdict. */
const exportProof = Effect.fnUntraced(function*(verdict: OutageVerdict, file: string) {
  const proved = provedOf(verdict)
  if (proved === undefined) {
    return yield* Effect.fail({
      message: `${file} was not written, as the outage is not proved: ${problemOf(verdict)}`
    })
  }
  yield* writeNewFile(file, formatProof(proved))
  yield* Console.error(
    `wrote ${file}, with what proves ${
      proved.closing === undefined ? "its beginning" : "its beginning and its end"
    }. Who has the roster checks it: geodns verify ${file} --roster ROSTER`
  )
})

const verifyOutage = Effect.fnUntraced(function*(options: {
  readonly id: string
  readonly config: string
  readonly by: RosterFileOf
  readonly file: Option.Option<string>
  readonly json: boolean
}) {
  const { by, config, file, id, json } = options
  const verdict = yield* Effect.gen(function*() {
    const [outage, ...others] = yield* outagesOf(id)
    if (outage === undefined) return yield* Effect.fail(unknownOutage(id))
    if (others.length > 0) return yield* Effect.fail(severalOutages(id, [outage, ...others].map(({ id }) => id)))
    return yield* outageProof(outage, by)
  }).pipe(Effect.provide(storesOf(config)))
  yield* show(verdict, { json, isStored: true })
  if (Option.isSome(file)) yield* exportProof(verdict, file.value)
  const problem = problemOf(verdict)
  if (problem !== undefined) {
    return yield* Effect.fail({ message: `the outage ${verdict.outage.id} is not proved: ${problem}` })
  }
})

export const verify = Command.make("verify", {
  what: Argument.String("outage-or-file").pipe(
    Argument.withDescription(
      "With --config the id of an outage, or as much of it as geodns outages shows; without it a file, as JSON: a certificate, a decision that has one, or what --export wrote"
    )
  ),
  roster: Flag.String("roster").pipe(
    Flag.withDescription(
      "The file of the roster: GeoDNS.Consensus.Roster in the local document of a node names that of its cluster"
    )
  ),
  operatorKey,
  config: Flag.String("config").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("The local document that names the store with the outage, of a collator or a standalone node"),
    Flag.optional
  ),
  file: Flag.String("export").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription(
      "Write what proves the outage of the store into a new file, for who has the roster only. What is not proved is not in it"
    ),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false))
}, ({ config, file, json, operatorKey, roster, what }) =>
  toUserError(Effect.gen(function*() {
    const rosters = yield* readRosters(roster, Option.getOrUndefined(operatorKey)).pipe(
      whereMissing(
        "--roster names that of the cluster, as GeoDNS.Consensus.Roster does in the local document of a node"
      )
    )
    const by = { path: roster, rosters }
    return yield* Option.isSome(config)
      ? verifyOutage({ id: what, config: config.value, by, file, json })
      : verifyFile(what, by, json)
  }))).pipe(
    Command.validate(({ config, file }) =>
      Option.isSome(file) && Option.isNone(config)
        ? Effect.fail(
          new CliError.ValidationError({
            message: "--export goes with --config: it writes what the store has of an outage"
          })
        )
        : Effect.void
    ),
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
        command: "geodns verify OUTAGE --roster roster.json --config /etc/geodns/collator.json --export proof.json",
        description: "The same, and a file for somebody who checks it without the store"
      },
      {
        command: `geodns verify proof.json --roster roster.json --operator-key ${exampleKey}`,
        description: "By a roster from elsewhere, which this operator has signed"
      }
    ])
  )
