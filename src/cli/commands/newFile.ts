import * as Effect from "effect/Effect"
import { open } from "node:fs/promises"
import { writeProblem } from "../../consensus/sealed/keyFile.ts"
import { SealError, UnwritableFile } from "../../consensus/sealed/SealError.ts"

/** Why a file was not written. */
export const unwritable = (path: string, cause: unknown) =>
  new SealError({ reason: new UnwritableFile({ path, problem: writeProblem(path, cause) }) })

/** Writes a file that is not there yet, down to the disk. */
export const writeNew = async (path: string, text: string, mode: number): Promise<void> => {
  const handle = await open(path, "wx", mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a file that everybody may read, and replaces none. */
export const writeNewFile = (path: string, text: string): Effect.Effect<void, SealError> =>
  Effect.tryPromise({ try: () => writeNew(path, text, 0o644), catch: (cause) => unwritable(path, cause) })
