import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { createSecureContext } from "node:tls"
import { type Probe, probeKinds } from "./Probe.ts"
import { makeHttp } from "./probes/http.ts"
import { makeSsl } from "./probes/ssl.ts"
import { tcp } from "./probes/tcp.ts"
import { ScriptedProbes } from "./ScriptedProbes.ts"

/** The names of the probes that look over the network: what a document may ask for today. */
export const liveProbes = ["http", "tcp", "ssl"] as const satisfies ReadonlyArray<keyof typeof probeKinds>

/** The probes there are, by name. */
export class Probes extends Context.Service<Probes, ReadonlyMap<string, Probe>>()("effect-geodns/monitor/Probes") {
  /** Those of {@link liveProbes}. */
  static readonly layer = Layer.sync(Probes, () => {
    const context = createSecureContext()
    return byName([makeHttp(context), tcp, makeSsl(context)])
  })

  /** Every probe that a document may name, without a network: `ScriptedProbes` says what they find. */
  static readonly layerMemory = Layer.effect(
    Probes,
    Effect.map(
      ScriptedProbes,
      ({ run }) => byName(Object.values(probeKinds).map((kind) => ({ ...kind, prepare: () => Result.succeed(run) })))
    )
  )
}

const byName = (probes: ReadonlyArray<Probe>): ReadonlyMap<string, Probe> =>
  new Map(probes.map((probe) => [probe.name, probe]))
