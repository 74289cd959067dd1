import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"
import { type AppendFile, AppendFiles } from "./AppendFiles.ts"
import { Conditions } from "./Conditions.ts"
import type { DurableFileError } from "./DurableFiles.ts"

/** A file shorter than this many bytes is not worth a rewrite. */
const smallFile = 1024 * 1024

/** How long a write that has failed waits for the next attempt. */
const writeAgain = "5 seconds"

/** A file of `AppendFiles` that holds what counts now, and is replaced by a new one when most of it does not any more. */
export interface CompactedFile {
  /**
   * Brings records into the file; they count already, so that a rewrite has them. `mustLast`: also after a power cut. Never fails: what
   * the disk does not take is written again soon, all of it, and the condition says so meanwhile. In the turn of the caller.
   */
  readonly write: (records: ReadonlyArray<string>, mustLast: boolean) => Effect.Effect<void>
  /** Lets the next write make a new file: what does not count any more must not come back. */
  readonly renew: Effect.Effect<void>
}

/** Opens the file with the first write, until the scope closes. Reading what an earlier process left is for the caller. */
export const makeCompactedFile = Effect.fnUntraced(function*(options: {
  readonly name: string
  /** Whether the file of an earlier process is gone on with; else the first write makes a new one. */
  readonly goesOn: boolean
  /** All that counts, and how many bytes that takes. */
  readonly records: () => Iterable<string>
  readonly bytes: () => number
  /** Records of one write of a rewrite: few enough that none of them holds up the event loop. */
  readonly slice: number
  /** The condition while the disk takes nothing, and what that means. */
  readonly condition: string
  readonly inMemory: string
  /** One at a time writes, and changes what counts. */
  readonly turn: Semaphore.Semaphore
}) {
  const { bytes, condition, goesOn, inMemory, name, records: all, slice, turn } = options
  const files = yield* AppendFiles
  const conditions = yield* Conditions
  const failed = yield* Latch.make()
  const next = `${name}.next`
  let current: { readonly file: AppendFile; readonly scope: Scope.Closeable } | undefined
  // After a failure nobody knows what is in the file.
  let isKnown = goesOn

  const close = Effect.suspend(() => {
    const open = current
    current = undefined
    return open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)
  })
  const renew = Effect.suspend(() => {
    isKnown = false
    return close
  })

  const open = Effect.gen(function*() {
    const scope = yield* Scope.make()
    const file = yield* Scope.provide(files.open(name), scope).pipe(
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    current = { file, scope }
    return file
  })

  /** Puts a new file with all that counts in the place of the old one. */
  const rewrite = Effect.gen(function*() {
    yield* files.remove(next)
    const scope = yield* Scope.make()
    yield* Effect.gen(function*() {
      const file = yield* Scope.provide(files.open(next), scope)
      let records: Array<string> = []
      for (const record of all()) {
        if (records.push(record) < slice) continue
        yield* file.append(records)
        records = []
      }
      yield* file.append(records)
      yield* file.sync
      yield* files.rename(next, name)
      yield* close
      current = { file, scope }
    }).pipe(
      // What is half written takes room on a disk that may be full.
      Effect.onError(() => Effect.andThen(Scope.close(scope, Exit.void), Effect.ignore(files.remove(next))))
    )
  })

  const append = Effect.fnUntraced(function*(
    records: ReadonlyArray<string>,
    mustLast: boolean
  ): Effect.fn.Return<void, DurableFileError> {
    if (current === undefined && !isKnown) return yield* rewrite
    const file = current?.file ?? (yield* open)
    if (file.size() > smallFile + 2 * bytes()) return yield* rewrite
    yield* file.append(records)
    if (mustLast) yield* file.sync
  })

  const write = (records: ReadonlyArray<string>, mustLast: boolean) =>
    Effect.suspend(() =>
      // After a failure all of it is written again soon.
      failed.isOpen() ? Effect.void : append(records, mustLast).pipe(
        Effect.andThen(conditions.clear(condition)),
        Effect.catch(({ message }) =>
          Effect.gen(function*() {
            yield* renew
            yield* conditions.raise(condition, `${inMemory}: ${message}`)
            yield* failed.open
          })
        )
      )
    )

  yield* Effect.addFinalizer(() => close)
  yield* failed.await.pipe(
    Effect.andThen(Effect.sleep(writeAgain)),
    Effect.andThen(failed.close),
    Effect.andThen(turn.withPermit(Effect.uninterruptible(write([], true)))),
    Effect.forever,
    Effect.forkScoped
  )

  return { write, renew } satisfies CompactedFile
})
