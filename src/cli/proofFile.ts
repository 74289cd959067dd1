import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeOrTell, parseOrTell } from "../config/decodeOrTell.ts"
import { FinalizeMessage } from "../domain/wire/Consensus.ts"
import { Certificate } from "../domain/wire/Seal.ts"

/**
 * What proves an outage, as `geodns verify --export` writes it: for who has the roster, and neither the store nor the network. It holds
 * signed votes only. Whatever else stood in it would be the word of who wrote it.
 */
export const OutageProofFile = Schema.Struct({
  /** Of the odd step that the outage began with. */
  opening: Certificate,
  /** Of the step that it ended with. Missing while it is open, or where it is not proved. */
  closing: Schema.optionalKey(Certificate)
})
export type OutageProofFile = typeof OutageProofFile.Type

/** What a file proves, or seems to. */
export type Evidence =
  | { readonly _tag: "Decision"; readonly certificate: Certificate; readonly message: FinalizeMessage | undefined }
  | { readonly _tag: "Outage"; readonly file: OutageProofFile }

const hasKey = (value: unknown, key: string): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)

const decode = <A>(schema: Schema.ConstraintDecoder<A>, value: unknown, what: string): Result.Result<A, string> =>
  Result.mapError(decodeOrTell(schema, value), (problem) => `is not ${what}: ${problem}`)

/**
 * Reads a certificate by itself, a decision as it is published (`consensus.finalize`) with the certificate in it, or an
 * {@link OutageProofFile}. Fails with what follows the name of the file.
 */
export const readEvidence = (text: string): Result.Result<Evidence, string> =>
  Result.gen(function*() {
    const value = yield* Result.mapError(parseOrTell(text), (problem) => `is not a certificate: ${problem}`)
    if (hasKey(value, "opening")) {
      return { _tag: "Outage", file: yield* decode(OutageProofFile, value, "the proof of an outage") }
    }
    if (!hasKey(value, "Proposal")) {
      return { _tag: "Decision", certificate: yield* decode(Certificate, value, "a certificate"), message: undefined }
    }
    const message = yield* decode(FinalizeMessage, value, "a decision")
    if (value["Certificate"] === undefined) {
      return yield* Result.fail(
        "is a decision without a certificate: it was made without signatures, and nothing proves it"
      )
    }
    const certificate = yield* Result.mapError(
      decodeOrTell(Certificate, value["Certificate"]),
      (problem) => `is a decision with a certificate that is none: ${problem}`
    )
    return { _tag: "Decision", certificate, message }
  })

/** An exported proof as it is written. */
export const formatProof = (file: OutageProofFile): string => `${JSON.stringify(file, null, 2)}\n`
