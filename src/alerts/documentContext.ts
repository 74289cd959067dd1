import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { Outage } from "../domain/Outage.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { AlertContext } from "./AlertContext.ts"
import { severityIn } from "./severity.ts"
import { belongsIn } from "./storms.ts"

/**
 * The network as its documents say, now and after each change of them. Countries and networks of members are known where
 * there is a `GeoIp`; without one only members near each other belong together.
 */
export const documentContext: Layer.Layer<never, never, Config> = Layer.effect(
  AlertContext,
  Effect.gen(function*() {
    const config = yield* Config
    const geo = yield* Effect.serviceOption(GeoIp)
    let snapshot = yield* config.current
    yield* config.changes.pipe(
      Stream.runForEach(({ after }) => Effect.sync(() => snapshot = after)),
      Effect.forkScoped({ startImmediately: true })
    )
    // Many messages are made of what is open at one moment.
    let last: { readonly open: ReadonlyArray<Outage>; readonly of: ReturnType<typeof severityIn> } | undefined
    return {
      severity: (outages, open) => {
        if (last?.open !== open) last = { open, of: severityIn(snapshot.catalog, open) }
        return last.of(outages)
      },
      belongs: (lead, outage) => {
        const { StormRadius, StormWindow } = snapshot.local.GeoDNS.Alerts
        return belongsIn({
          window: StormWindow * 1_000,
          radius: StormRadius,
          catalog: snapshot.catalog,
          locate: Option.getOrUndefined(geo)?.locate
        })(lead, outage)
      }
    }
  })
)
