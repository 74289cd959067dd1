import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import { hostname } from "node:os"
import { join } from "node:path"
import { Config } from "../config/Config.ts"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { LocalPart } from "../config/usedSettings.ts"
import type { DocumentKey, Local } from "../domain/documents/Local.ts"
import type { NodeRole } from "../domain/wire/Cluster.ts"
import { AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import * as FileLock from "../node/FileLock.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { Place, placeOf } from "./Place.ts"
import { restartNotice } from "./restart.ts"

/** Which node. */
export interface NodeOptions {
  /** The local document: a path or URL. */
  readonly path: string
  readonly role: NodeRole
  /** Shared documents without which the role cannot start at all. */
  readonly required: ReadonlyArray<DocumentKey>
  /** Parts of the local document that the role makes use of: their secrets have to be there. */
  readonly uses: ReadonlyArray<LocalPart>
}

/** v2's names for log levels. What is not among them logs as `Info`. */
export const logLevels: Readonly<Record<string, LogLevel>> = {
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal"
}

/** A node that was given no id gets one that tells two roles on one machine apart, and their roles to v2. */
const idOf = (local: Local, role: NodeRole): string =>
  local.Nats.NodeID === "" ? `${hostname()}-${role.slice("IBP".length).toLowerCase()}` : local.Nats.NodeID

/** Two nodes on one directory would overwrite each other's files: the second does not start. */
const workDirLock = (workDir: string, purpose: string) =>
  Layer.effectDiscard(
    FileLock.acquire(join(workDir, "work.lock"), purpose).pipe(
      // Without a lock a node runs as well as without a disk, and says so.
      Effect.catchReason("FileLockError", "Unlockable", ({ problem }) =>
        Conditions.use(({ raise }) =>
          raise("work-dir", `nothing keeps a second node off ${workDir}: ${problem}`)
        ))
    )
  )

/** What a node of any role is made of, as its local document says: who it is, its documents and files. */
export const node = (options: NodeOptions) =>
  Layer.unwrap(Effect.gen(function*() {
    const local = yield* readLocal(options.path, options)
    const place = placeOf(options.path, local)
    const id = idOf(local, options.role)
    return Layer.mergeAll(
      NodeIdentity.layer({ id, role: options.role }),
      restartNotice.pipe(Layer.provideMerge(Config.layer(options))),
      Layer.succeed(Place, place)
    ).pipe(
      Layer.provideMerge(Layer.mergeAll(DurableFiles.layer(place.workDir), AppendFiles.layer(place.workDir))),
      Layer.provideMerge(workDirLock(place.workDir, `${options.role} ${id}`)),
      Layer.provideMerge(Conditions.layer),
      Layer.provideMerge(Layer.mergeAll(
        // Two nodes in one process count apart.
        Layer.sync(Metric.MetricRegistry, () => new Map()),
        Layer.succeed(References.MinimumLogLevel, logLevels[local.System.LogLevel.toLowerCase()] ?? "Info"),
        // Logs of many nodes come together in one place.
        Layer.succeed(References.CurrentLogAnnotations, { node: id, role: options.role })
      ))
    )
  })).pipe(Layer.provide(Documents.layer))
