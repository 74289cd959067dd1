import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { GeoIpSource } from "../geo/GeoIpSource.ts"
import { GeoIpUpdater, updateSettings } from "../geo/GeoIpUpdater.ts"
import { type Progress, updateDatabases } from "../geo/updateDatabases.ts"
import { Place, placeOf } from "./Place.ts"

/** Where clients are, for the roles that answer them: the databases of the node, kept up to date where it has an account. */
export const geo = Layer.unwrap(
  Effect.map(Place, ({ maxmind }) => Layer.merge(GeoIp.layer(maxmind), GeoIpUpdater.layer(maxmind)))
)

/** The directory of the databases that the local document at `path` names, and the document. */
export const geoOf = (path: string) =>
  readLocal(path, { uses: ["Maxmind"] }).pipe(
    Effect.map((local) => ({ local, directory: placeOf(path, local).maxmind })),
    Effect.provide(Documents.layer)
  )

/** Asks the provider for newer databases of the local document at `path` now, as its node would. */
export const updateGeo = Effect.fnUntraced(function*(path: string, progress: (progress: Progress) => void) {
  const { directory, local } = yield* geoOf(path)
  const settings = yield* Effect.fromResult(updateSettings(local))
  return { directory, ...yield* updateDatabases({ directory, settings, progress }) }
}, Effect.provide(GeoIpSource.layer))
