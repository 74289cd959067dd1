import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { randomBytes } from "node:crypto"
import { rename, stat, unlink } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { usableRosters } from "../../consensus/sealed/readRosters.ts"
import { memberProblems, type RosterMember, rosterProblems } from "../../consensus/sealed/Roster.ts"
import { formatRosterFile, maxEarlier, type RosterFile } from "../../consensus/sealed/rosterFile.ts"
import { BadRoster, SealError } from "../../consensus/sealed/SealError.ts"
import { unwritable, writeNew, writeNewFile } from "./newFile.ts"

/** Writes a roster that is not there yet. It is no secret. */
export const writeNewRoster = (path: string, file: RosterFile): Effect.Effect<void, SealError> =>
  writeNewFile(path, formatRosterFile(file))

/** Writes a roster in the place of one that is there, with its rights: whoever reads it sees the old or the new. */
export const replaceRoster = (path: string, file: RosterFile): Effect.Effect<void, SealError> =>
  Effect.tryPromise({
    try: async () => {
      const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`)
      try {
        const { mode } = await stat(path)
        await writeNew(temporary, formatRosterFile(file), mode & 0o777)
        await rename(temporary, path)
      } catch (cause) {
        await unlink(temporary).catch(() => undefined)
        throw cause
      }
    },
    catch: (cause) => unwritable(path, cause)
  })

/** Whether a roster could be in use somewhere. One that is still being put together could not. */
export const isDraft = (file: RosterFile): boolean => file.earlier === undefined && rosterProblems(file).length > 0

/**
 * The file with other members. What could be in use already is kept as an earlier roster, and the next epoch begins, with
 * `retire` as the first that counts. The new one is not signed.
 */
export const withMembers = (
  path: string,
  file: RosterFile,
  members: ReadonlyArray<RosterMember>,
  options: { readonly retire: boolean }
): Result.Result<RosterFile, SealError> => {
  const { earlier = [], sig, ...current } = file
  if (isDraft(file)) {
    // What was wrong already may have to be mended in steps.
    const before = memberProblems(file.members)
    const problems = memberProblems(members).filter((problem) => !before.includes(problem))
    return problems.length === 0
      ? Result.succeed({ ...current, members })
      : Result.fail(new SealError({ reason: new BadRoster({ path, problems }) }))
  }
  const epoch = file.epoch + 1
  const next: RosterFile = {
    ...current,
    epoch,
    minEpoch: options.retire ? epoch : file.minEpoch,
    members,
    earlier: [...earlier, { ...current, ...sig !== undefined && { sig } }].slice(-maxEarlier)
  }
  return Result.map(usableRosters(path, next), () => next)
}
