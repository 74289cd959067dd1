import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import { hostname } from "node:os"
import { resolve } from "node:path"
import { Config } from "../config/Config.ts"
import { Documents } from "../config/Documents.ts"
import { isHttp, resolveLocation } from "../config/location.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { DocumentKey, Local } from "../domain/documents/Local.ts"
import type { NodeRole } from "../domain/wire/Cluster.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import * as Store from "../store/Store.ts"
import { restartNotice } from "./restart.ts"

/** Which node. */
export interface NodeOptions {
  /** The local document: a path or URL. */
  readonly path: string
  readonly role: NodeRole
  /** Shared documents without which the role cannot start at all. */
  readonly required: ReadonlyArray<DocumentKey>
}

/** v2's names for log levels. What is not among them logs as `Info`. */
const logLevels: Readonly<Record<string, LogLevel>> = {
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal"
}

/** Where a node keeps its files, and finds its GeoIP databases. Paths count from the local document. */
export const placeOf = (path: string, local: Local) => {
  const place = (of: string) => {
    const location = resolveLocation(path, of)
    // A local document from the web has no folder: the paths in it count from where the process runs.
    return isHttp(location) ? resolve(of) : location
  }
  const workDir = place(local.System.WorkDir)
  const { MaxmindDBPath } = local.Maxmind
  return { workDir, maxmind: MaxmindDBPath === "" ? workDir : place(MaxmindDBPath) }
}

/** What a node of any role is made of, as its local document says: who it is, its documents, files and databases. */
export const node = (options: NodeOptions) =>
  Layer.unwrap(Effect.gen(function*() {
    const local = yield* readLocal(options.path)
    const { maxmind, workDir } = placeOf(options.path, local)
    return Layer.mergeAll(
      NodeIdentity.layer({ id: local.Nats.NodeID === "" ? hostname() : local.Nats.NodeID, role: options.role }),
      restartNotice.pipe(Layer.provideMerge(Config.layer({ path: options.path, required: options.required }))),
      GeoIp.layer(maxmind),
      store(local, workDir)
    ).pipe(
      Layer.provideMerge(Layer.mergeAll(DurableFiles.layer(workDir), Conditions.layer)),
      Layer.provideMerge(Layer.mergeAll(
        // Two nodes in one process count apart.
        Layer.sync(Metric.MetricRegistry, () => new Map()),
        Layer.succeed(References.MinimumLogLevel, logLevels[local.System.LogLevel.toLowerCase()] ?? "Info")
      ))
    )
  })).pipe(Layer.provide(Documents.layer))

const store = (local: Local, workDir: string) => {
  const { Driver, File } = local.GeoDNS.Store
  const stores = Driver === "memory" ? Store.layerMemory : Store.layerSqlite({ filename: resolve(workDir, File) })
  return local.Mysql.Host === "" ? stores : Layer.merge(
    stores,
    Layer.effectDiscard(Conditions.use((conditions) =>
      conditions.raise(
        "store:mysql",
        `Mysql.Host is set, but there is no MySQL driver yet: outages and usage are kept in ${
          Driver === "memory" ? "memory" : resolve(workDir, File)
        }`
      )
    ))
  )
}
