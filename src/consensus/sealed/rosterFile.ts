import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeOrTell, parseOrTell } from "../../config/decodeOrTell.ts"
import { Roster } from "./Roster.ts"
import { rosterBytes } from "./sealedBytes.ts"
import { verifierOf } from "./Verifier.ts"

/** A roster with the signature of an operator. */
const SignedRoster = Schema.Struct({
  ...Roster.fields,
  sig: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256)))
})
export type SignedRoster = typeof SignedRoster.Type

/** Rosters before the current one that a file holds. */
export const maxEarlier = 255

/**
 * The file of a roster: the current one, signed or not, and the earlier ones, by which earlier certificates are checked. A
 * roster written into the local document has the same form.
 */
export const RosterFile = Schema.Struct({
  ...SignedRoster.fields,
  /** The oldest first. */
  earlier: Schema.optionalKey(Schema.Array(SignedRoster).check(Schema.isMaxLength(maxEarlier)))
})
export type RosterFile = typeof RosterFile.Type

/** Reads a roster file, or says what is wrong with it, and where. Whether its rosters can be used is another question. */
export const parseRosterFile = (text: string): Result.Result<RosterFile, string> =>
  Result.flatMap(parseOrTell(text), (value) => decodeOrTell(RosterFile, value))

/** The file as it is written: a member a line would be too long, so it is indented. */
export const formatRosterFile = (file: RosterFile): string => `${JSON.stringify(file, null, 2)}\n`

/** The roster alone: without signature and earlier ones. */
export const rosterOf = ({ cluster, epoch, members, minEpoch }: SignedRoster): Roster => ({
  cluster,
  epoch,
  minEpoch,
  members
})

const signed = (roster: SignedRoster, sign: (text: string) => string): SignedRoster => ({
  ...rosterOf(roster),
  sig: sign(rosterBytes(roster))
})

/** Signs all rosters of a file with the key of an operator. */
export const signRosterFile = (file: RosterFile, sign: (text: string) => string): RosterFile => ({
  ...signed(file, sign),
  ...file.earlier !== undefined && { earlier: file.earlier.map((roster) => signed(roster, sign)) }
})

/** Whether a roster is signed by this key, which the operator has pinned. */
export const isSignedBy = (roster: SignedRoster, operatorKey: string): boolean =>
  roster.sig !== undefined && verifierOf(operatorKey)?.verify(rosterBytes(roster), roster.sig) === true

/**
 * The rosters of a file, the current one last. With the pinned key of an operator each must be signed by it; without one the file
 * is believed as it is, and so must be a local one.
 */
export const rostersOf = (
  file: RosterFile,
  operatorKey: string | undefined
): Result.Result<readonly [Roster, ...ReadonlyArray<Roster>], string> => {
  if (operatorKey !== undefined && verifierOf(operatorKey) === undefined) {
    return Result.fail(`the pinned key of the operator is not a public key: ${operatorKey}`)
  }
  const [first, ...rest] = [...file.earlier ?? [], file] as const
  const unsigned = operatorKey === undefined
    ? undefined
    : [first!, ...rest].find((roster) => !isSignedBy(roster, operatorKey))
  return unsigned === undefined
    ? Result.succeed([rosterOf(first!), ...rest.map(rosterOf)])
    : Result.fail(
      `the roster of epoch ${unsigned.epoch} is ${
        unsigned.sig === undefined ? "not signed" : "not signed by the pinned key of the operator"
      }`
    )
}
