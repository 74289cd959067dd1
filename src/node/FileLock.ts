import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { mkdir, readFile, unlink, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import { dirname, resolve } from "node:path"
import { fileProblem } from "./fileProblem.ts"
import { nodeSqlite } from "./nodeSqlite.ts"

/** Somebody else, or something else in this process, holds the lock. */
export class Held extends Schema.TaggedError<Held>()("Held", {
  /** Who says that they hold it, e.g. `process 4711 on dns-host since 2026-03-01T10:00:00.000Z (dns)`. */
  holder: Schema.String
}) {}

/** The file cannot be made or locked at all. */
export class Unlockable extends Schema.TaggedError<Unlockable>()("Unlockable", { problem: Schema.String }) {}

/** A lock was not taken. */
export class FileLockError extends Schema.TaggedError<FileLockError>()("FileLockError", {
  file: Schema.String,
  reason: Schema.Union([Held, Unlockable])
}) {
  override get message(): string {
    return this.reason._tag === "Held"
      ? `${this.file} is locked by ${this.reason.holder}: stop it first, or use another directory`
      : this.reason.problem
  }
}

/** Beside the lock, since nobody may open the lock itself but SQLite: closing it would give the lock away. */
const noteOf = (path: string): string => `${path}.holder`

const unknownHolder = "another process"

/** SQLite's `SQLITE_BUSY`. */
const isBusy = (cause: unknown): boolean =>
  cause instanceof Error && "errcode" in cause && (Number(cause.errcode) & 0xff) === 5

/** Node has no `flock`; an exclusive transaction of SQLite is one, of the kernel's, that ends with the process. */
const lock = (path: string) => {
  const { DatabaseSync } = nodeSqlite()
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

/**
 * Locks a file until the scope closes, and never waits. It excludes all other processes of the machine and every other
 * scope of this one, also in worker threads; the kernel releases it when the process dies, by kill -9 too. The file (empty,
 * made with its folder when missing) stays. `purpose` is what the one who comes later reads about this holder.
 *
 * Not on network file systems whose locks are only of one machine: two machines must not share a directory.
 */
export const acquire = (path: string, purpose: string): Effect.Effect<void, FileLockError, Scope.Scope> => {
  const file = resolve(path)
  const refuse = (cause: unknown) =>
    isBusy(cause)
      ? Effect.flatMap(
        Effect.promise(() => readFile(noteOf(file), "utf8").catch(() => "")),
        (holder) =>
          Effect.fail(new FileLockError({ file, reason: new Held({ holder: holder.trim() || unknownHolder }) }))
      )
      : Effect.fail(new FileLockError({ file, reason: new Unlockable({ problem: fileProblem("write", file, cause) }) }))
  const tell = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.promise(() =>
      // Only a help for people: a disk that is full must not keep the lock from being taken.
      writeFile(
        noteOf(file),
        `process ${process.pid} on ${hostname()} since ${new Date(now).toISOString()} (${purpose})\n`,
        { mode: 0o644 }
      ).catch(() => undefined)
    ))
  return Effect.acquireRelease(
    Effect.tryPromise({
      try: () => mkdir(dirname(file), { recursive: true }).then(() => lock(file)),
      catch: (cause) => cause
    }).pipe(Effect.catch(refuse)),
    (database) =>
      Effect.andThen(
        Effect.promise(() => unlink(noteOf(file)).catch(() => undefined)),
        Effect.sync(() => database.close())
      )
  ).pipe(Effect.andThen(tell))
}
