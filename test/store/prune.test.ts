import { Effect, Layer } from "effect"
import { join } from "node:path"
import { SqliteClient, Store } from "../../src/store/index.ts"
import { temporaryFolder } from "./databases.ts"
import { pruneConformance } from "./prune.conformance.ts"

pruneConformance(
  "SQLite",
  Layer.unwrap(
    Effect.map(
      temporaryFolder,
      (folder) =>
        Store.layerSql.pipe(
          Layer.provideMerge(SqliteClient.layer({ filename: join(folder, "geodns.db") }).pipe(Layer.orDie))
        )
    )
  )
)
