import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readFile } from "../../config/fileDocument.ts"
import { parseRosterFile, type RosterFile, rostersOf } from "./rosterFile.ts"
import { describeRosterRefusal, Rosters } from "./Rosters.ts"
import { BadRoster, MissingFile, NotARoster, SealError, UnreadableFile } from "./SealError.ts"

/** The longest roster file, in bytes: that of 256 epochs with 64 members. */
const maxFileBytes = 8 * 1024 * 1024

/** Reads a text file that somebody names; `of` says what it should be, if that is a roster. */
export const readTextFile = (path: string, limit: number, of?: "roster"): Effect.Effect<string, SealError> =>
  Effect.mapError(readFile(path, limit), (reason) =>
    new SealError({
      reason: reason._tag === "NotFound"
        ? new MissingFile({ path, ...of !== undefined && { of } })
        : new UnreadableFile({
          path,
          problem: reason._tag === "TooLarge"
            ? `it is longer than ${limit} bytes`
            : reason._tag === "Unreadable"
            ? reason.detail
            : reason._tag
        })
    }))

/** Reads a roster file. Whether its rosters can be used is another question: {@link usableRosters}. */
export const readRosterFile = Effect.fn("readRosterFile")(function*(
  path: string
): Effect.fn.Return<RosterFile, SealError> {
  const parsed = parseRosterFile(yield* readTextFile(path, maxFileBytes, "roster"))
  return yield* Effect.fromResult(
    Result.mapError(parsed, (problem) => new SealError({ reason: new NotARoster({ path, problem }) }))
  )
})

/** The rosters of a file, if they can be used: each by itself and in a row, and signed when the key of an operator is pinned. */
export const usableRosters = (
  path: string,
  file: RosterFile,
  operatorKey?: string
): Result.Result<Rosters, SealError> =>
  rostersOf(file, operatorKey).pipe(
    Result.mapError((problem) => badRoster(path, [problem])),
    Result.flatMap((rosters) =>
      Result.mapError(Rosters.from(rosters), (refusal) =>
        badRoster(path, refusal._tag === "Unusable" ? refusal.problems : [describeRosterRefusal(refusal)]))
    )
  )

/** Reads the rosters that a node, or who verifies, goes by. */
export const readRosters = Effect.fn("readRosters")(function*(
  path: string,
  operatorKey?: string
): Effect.fn.Return<Rosters, SealError> {
  return yield* Effect.fromResult(usableRosters(path, yield* readRosterFile(path), operatorKey))
})

const badRoster = (path: string, problems: ReadonlyArray<string>) =>
  new SealError({ reason: new BadRoster({ path, problems }) })
