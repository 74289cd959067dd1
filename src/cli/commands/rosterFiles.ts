import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { randomBytes } from "node:crypto"
import { open, rename, stat, unlink } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { usableRosters } from "../../consensus/sealed/readRosters.ts"
import { type RosterMember, rosterProblems } from "../../consensus/sealed/Roster.ts"
import { formatRosterFile, maxEarlier, type RosterFile } from "../../consensus/sealed/rosterFile.ts"
import { SealError, UnwritableFile } from "../../consensus/sealed/SealError.ts"

const unwritable = (path: string, cause: unknown) =>
  new SealError({
    reason: new UnwritableFile({
      path,
      problem: cause instanceof Error && "code" in cause && cause.code === "EEXIST"
        ? "it is there already"
        : cause instanceof Error
        ? cause.message
        : String(cause)
    })
  })

const writeNew = async (path: string, text: string, mode: number) => {
  const handle = await open(path, "wx", mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a roster that is not there yet. It is no secret. */
export const writeNewRoster = (path: string, file: RosterFile): Effect.Effect<void, SealError> =>
  Effect.tryPromise({
    try: () => writeNew(path, formatRosterFile(file), 0o644),
    catch: (cause) => unwritable(path, cause)
  })

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
  if (isDraft(file)) return Result.succeed({ ...current, members })
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
