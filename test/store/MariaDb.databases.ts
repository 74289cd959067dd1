import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { MysqlClient, Store, type StoreError } from "../../src/store/index.ts"
import type { MariaDb } from "../servers/MariaDb.ts"

let next = 0

/** A new and empty database on a server. */
export const newDatabase = (server: MariaDb): Effect.Effect<MysqlClient.MysqlClientConfig> =>
  Effect.promise(async () => {
    const name = `db${next++}`
    await server.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`, "")
    return { ...server.connection(name), maxConnections: 4 }
  })

/** All stores in a new and empty database, migrated when the layer is there, and its client. */
export const newStores = (server: () => MariaDb): Layer.Layer<Store.Stores | SqlClient.SqlClient, StoreError> =>
  Layer.unwrap(
    Effect.map(
      Effect.suspend(() => newDatabase(server())),
      (config) => Store.layerSql.pipe(Layer.provideMerge(MysqlClient.layer(config)))
    )
  )
