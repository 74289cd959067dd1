import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { Config } from "../config/Config.ts"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { Local } from "../domain/documents/Local.ts"
import { storeDriver } from "../domain/documents/storeDriver.ts"
import { Conditions } from "../node/Conditions.ts"
import { mysqlConfig } from "../store/mysqlConfig.ts"
import * as Store from "../store/Store.ts"
import type { StoreError } from "../store/StoreError.ts"
import { Place, placeOf } from "./Place.ts"
import { BadFile, Incomplete, RoleError } from "./RoleError.ts"

/** The stores of a node, as its local document says. */
export const stores = Layer.unwrap(Effect.gen(function*() {
  const { local } = yield* Config.use((config) => config.current)
  return open(local, yield* Place)
}))

/** The stores that the local document at `path` names, for those who only look at them. */
export const storesOf = (path: string) =>
  Layer.unwrap(Effect.map(readLocal(path, { uses: ["Mysql"] }), (local) => open(local, placeOf(path, local)))).pipe(
    Layer.provide([Documents.layer, Conditions.layer])
  )

const open = (
  local: Local,
  { file, workDir }: Place["Service"]
): Layer.Layer<Store.Stores, RoleError | StoreError, Conditions> => {
  switch (storeDriver(local)) {
    case "mysql":
      return Layer.unwrap(Effect.map(database(local, file), (config) => Store.layerMysql(config)))
    case "sqlite":
      return Store.layerSqlite({ filename: resolve(workDir, local.GeoDNS.Store.File) })
    case "memory":
      return Store.layerMemory
  }
}

/** The database of a local document, with the authority that it names. */
const database = Effect.fnUntraced(function*(local: Local, file: (path: string) => string) {
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
