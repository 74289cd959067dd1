import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { Config } from "../config/Config.ts"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { Local } from "../domain/documents/Local.ts"
import { storeDriver } from "../domain/documents/storeDriver.ts"
import { mysqlConfig } from "../store/mysqlConfig.ts"
import * as Store from "../store/Store.ts"
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

/** The stores that the local document at `path` names, for those who only look at them: nothing is made or migrated. */
export const storesOf = (path: string) =>
  Layer.unwrap(Effect.gen(function*() {
    const local = yield* readLocal(path, { uses: ["Mysql"] })
    const place = placeOf(path, local)
    switch (storeDriver(local)) {
      case "mysql":
        return Store.layerMysqlAsIs(yield* mysqlOf(local, place.file))
      case "sqlite": {
        const file = sqliteFileOf(local, place)
        if (!existsSync(file)) {
          const detail = "no collator or standalone node of this document has written it yet"
          return yield* new RoleError({ reason: new BadFile({ setting: "GeoDNS.Store.File", file, detail }) })
        }
        return Store.layerSqlite({ filename: file })
      }
      case "memory": {
        const detail = "the store is in the memory of the node: there is nothing that another process could read"
        return yield* new RoleError({ reason: new Incomplete({ detail }) })
      }
    }
  })).pipe(Layer.provide(Documents.layer))
