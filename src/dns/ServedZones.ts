import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Config } from "../config/Config.ts"
import type { Conditions } from "../node/Conditions.ts"
import type { DurableFiles } from "../node/DurableFiles.ts"
import type { ZoneData } from "./ZoneData.ts"
import { keepZones } from "./Zones.ts"

/** The zone data that this node serves: one for all that answers questions, so that they never differ. */
export class ServedZones extends Context.Service<ServedZones, {
  /** The zone data of now. Synchronous, for the hot path. */
  readonly current: () => ZoneData
}>()("effect-geodns/dns/ServedZones") {
  /** As the configuration has it, kept up to date: see `keepZones`. */
  static readonly layer: Layer.Layer<ServedZones, never, Config | Conditions | DurableFiles> = Layer.effect(
    ServedZones,
    Effect.map(keepZones, (current) => ServedZones.of({ current }))
  )
}
