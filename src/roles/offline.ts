import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Config } from "../config/Config.ts"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { explain, type Question } from "../http/ExplainApi.ts"
import { NotFound } from "../http/Refusal.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Steering } from "../steering/Steering.ts"
import { placeOf } from "./node.ts"

/** Steering from documents alone, with nothing decided: nothing is written, and nobody is asked. */
const offline = (path: string) =>
  Layer.unwrap(Effect.map(readLocal(path), (local) => {
    const place = placeOf(path, local)
    return Steering.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(
        OfficialStatus.layer,
        GeoIp.layer(place.maxmind),
        NodeIdentity.layer({ id: "offline", role: "IBPDns" }),
        Config.layer({ path, required: ["MembersConfig", "ServicesConfig"] })
      )),
      Layer.provide([DurableFiles.layerMemory, Conditions.layer])
    )
  })).pipe(Layer.provide(Documents.layer))

/** Explains from a local document and those that it names. Without decisions every member counts as healthy. */
export const explainOffline = (path: string, question: Question) =>
  explain(question).pipe(
    Effect.provide(offline(path)),
    Effect.mapError((error) => error instanceof NotFound ? { message: error.error } : error)
  )
