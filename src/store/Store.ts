import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import { AlertStore } from "./AlertStore.ts"
import * as Migrations from "./Migrations.ts"
import { OutageStore } from "./OutageStore.ts"
import * as SqliteClient from "./SqliteClient.ts"
import { databaseError, type StoreError } from "./StoreError.ts"
import { UsageStore } from "./UsageStore.ts"

/** Everything that is stored. */
export type Stores = OutageStore | UsageStore | AlertStore

/** All stores in the database of any client, brought to the tables of this version first. */
export const layerSql: Layer.Layer<Stores, StoreError, SqlClient.SqlClient> = Layer.mergeAll(
  OutageStore.layer,
  UsageStore.layer,
  AlertStore.layer
).pipe(Layer.provide(Migrations.layer))

/**
 * All stores in one SQLite file. What a store has acknowledged survives kill -9. A power cut may take what was acknowledged
 * in the last seconds, unless `synchronous` is `full`: outages come again from the official status, usage from its writers.
 */
export const layerSqlite = (config: SqliteClient.SqliteClientConfig): Layer.Layer<Stores, StoreError> =>
  layerSql.pipe(
    Layer.provide(
      Layer.catchTag(SqliteClient.layer(config), "SqlError", (error) =>
        Layer.effectContext(Effect.fail(databaseError("open the store")(error))))
    )
  )

/** All stores in memory. */
export const layerMemory: Layer.Layer<Stores> = Layer.mergeAll(
  OutageStore.layerMemory,
  UsageStore.layerMemory,
  AlertStore.layerMemory
)
