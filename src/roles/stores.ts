import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { Config } from "../config/Config.ts"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { Local } from "../domain/documents/Local.ts"
import { storeDriver } from "../domain/documents/storeDriver.ts"
import * as MysqlClient from "../store/MysqlClient.ts"
import { mysqlConfig } from "../store/mysqlConfig.ts"
import * as Store from "../store/Store.ts"
import type { StoreError } from "../store/StoreError.ts"
import { Place, placeOf } from "./Place.ts"
import { BadFile, Incomplete, RoleError } from "./RoleError.ts"

/** The database of a local document, with the authority that it names. */
export const mysqlOf = Effect.fnUntraced(function*(local: Local, file: (path: string) => string) {
  const { Tls } = local.GeoDNS.Store
  const ca = Tls?.CaFile === undefined ? undefined : yield* readAuthority(file(Tls.CaFile))
  return yield* Effect.mapError(
    Effect.fromResult(mysqlConfig(local, ca)),
    (detail) => new RoleError({ reason: new Incomplete({ detail }) })
  )
})

const readAuthority = (file: string) =>
  Effect.tryPromise({
    try: (signal) => readFile(file, { encoding: "utf8", signal }),
    catch: (cause) =>
      new RoleError({ reason: new BadFile({ setting: "GeoDNS.Store.Tls.CaFile", file, detail: String(cause) }) })
  })

/** The file of a local document whose driver is SQLite. */
export const sqliteFileOf = (local: Local, { workDir }: Place["Service"]): string =>
  resolve(workDir, local.GeoDNS.Store.File)

/** The stores of a node, as its local document says. With MySQL they stand also while the database is away. */
export const stores = Layer.unwrap(Effect.gen(function*() {
  const { local } = yield* Config.use((config) => config.current)
  const place = yield* Place
  switch (storeDriver(local)) {
    case "mysql":
      return Store.layerMysql(yield* mysqlOf(local, place.file), {
        minimumOffline: local.System.MinimumOfflineTime * 1_000
      })
    case "sqlite":
      return Store.layerSqlite({ filename: sqliteFileOf(local, place) })
    case "memory":
      return Store.layerMemory
  }
}))

/** A database that is there, as an operator works on it: nothing is made or migrated by opening it. */
export interface NamedDatabase {
  /** For the operator: a file, or a database and its server. */
  readonly name: string
  readonly client: Layer.Layer<SqlClient.SqlClient, StoreError>
  /** `MinimumOfflineTime`, in milliseconds. */
  readonly minimumOffline: number
}

/** The database that the local document at `path` names. */
export const databaseOf = Effect.fnUntraced(function*(path: string) {
  const local = yield* readLocal(path, { uses: ["Mysql"] })
  const place = placeOf(path, local)
  const minimumOffline = local.System.MinimumOfflineTime * 1_000
  switch (storeDriver(local)) {
    case "mysql": {
      const config = yield* mysqlOf(local, place.file)
      const name = `${config.database} at ${config.host}:${config.port}`
      return { name, minimumOffline, client: MysqlClient.layer(config) } satisfies NamedDatabase
    }
    case "sqlite": {
      const file = sqliteFileOf(local, place)
      if (!existsSync(file)) {
        const detail = "no collator or standalone node of this document has written it yet"
        return yield* new RoleError({ reason: new BadFile({ setting: "GeoDNS.Store.File", file, detail }) })
      }
      return { name: file, minimumOffline, client: Store.sqliteClient({ filename: file }) } satisfies NamedDatabase
    }
    case "memory": {
      const detail = "the store is in the memory of the node: there is nothing that another process could read"
      return yield* new RoleError({ reason: new Incomplete({ detail }) })
    }
  }
}, Effect.provide(Documents.layer))

/** The stores that the local document at `path` names, for those who only look at them: nothing is made or migrated. */
export const storesOf = (path: string) =>
  Layer.unwrap(Effect.map(databaseOf(path), ({ client }) => Layer.provide(Store.layerAsIs, client)))
