import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type { Config } from "../config/Config.ts"
import { reloadOnHangup } from "../config/reloadOnSignal.ts"
import { toUserError } from "./failure.ts"
import { service } from "./service.ts"
import * as telemetry from "./telemetry.ts"

/**
 * Runs a node until a signal stops it, and exports what it does to OpenTelemetry when the environment asks for it. `role`
 * has the services of the node among what it gives: its metrics are found by them. SIGHUP reads its documents again.
 */
export const runNode = <A, E extends { readonly message: string }, R>(role: Layer.Layer<A | Config, E, R>) =>
  Effect.suspend(() => {
    // Whose log it is, for what is said when the node is gone.
    let annotations: Readonly<Record<string, unknown>> = {}
    const known = Layer.effectDiscard(Effect.gen(function*() {
      annotations = yield* References.CurrentLogAnnotations
    }))
    return Layer.launch(Layer.provideMerge(Layer.mergeAll(telemetry.metrics, reloadOnHangup(), known), role)).pipe(
      Effect.provide(telemetry.logsAndTraces),
      toUserError,
      (node) => service(node, { log: (text) => Effect.annotateLogs(Effect.logInfo(text), annotations) })
    )
  })
