import { Effect, Layer } from "effect"
import type { Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Store, type StoreError } from "../../src/store/index.ts"

/** A folder that goes with the scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-store-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** The implementations that every conformance suite runs against, each new and empty. */
export const implementations: ReadonlyArray<readonly [name: string, layer: Layer.Layer<Store.Stores, StoreError>]> = [
  ["in memory", Store.layerMemory],
  ["SQLite in memory", Store.layerSqlite({ filename: ":memory:" })],
  [
    "SQLite on file",
    Layer.unwrap(Effect.map(temporaryFolder, (folder) => Store.layerSqlite({ filename: join(folder, "geodns.db") })))
  ]
]
