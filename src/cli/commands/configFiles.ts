import * as Effect from "effect/Effect"
import { access, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"

const reasonOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/**
 * Writes JSON documents into a folder, which may have to be made. Fails, and writes nothing, when one of them is there
 * and is not to be replaced.
 */
export const writeFiles = Effect.fnUntraced(function*(
  folder: string,
  documents: Readonly<Record<string, unknown>>,
  options: { readonly replace: boolean }
): Effect.fn.Return<ReadonlyArray<string>, { readonly message: string }> {
  const attempt = <A>(what: () => Promise<A>) =>
    Effect.tryPromise({ try: what, catch: (cause) => ({ message: `cannot write to ${folder}: ${reasonOf(cause)}` }) })
  const paths = Object.keys(documents).map((name) => join(folder, name))
  const there: Array<string> = []
  for (const path of options.replace ? [] : paths) {
    if (yield* Effect.promise(() => access(path).then(() => true, () => false))) there.push(path)
  }
  if (there.length > 0) {
    return yield* Effect.fail({
      message: `nothing was written, as there is already ${there[0]}${
        there.length === 1 ? "" : ` (and ${there.length - 1} more)`
      }: name another folder, or move it away`
    })
  }
  yield* attempt(() => mkdir(folder, { recursive: true }))
  for (const [i, document] of Object.values(documents).entries()) {
    // Keys of the operator may be in it: it is for this user alone.
    yield* attempt(() =>
      writeFile(paths[i]!, `${JSON.stringify(document, null, 2)}\n`, {
        flag: options.replace ? "w" : "wx",
        mode: 0o600
      })
    )
  }
  return paths
})
