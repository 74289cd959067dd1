import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { createSecureContext } from "node:tls"
import { Heartbeats } from "./Heartbeats.ts"
import { type Probe, probeKinds } from "./Probe.ts"
import { dns } from "./probes/dns.ts"
import { makeEthrpc } from "./probes/ethrpc.ts"
import { makeHeartbeat } from "./probes/heartbeat.ts"
import { makeHttp } from "./probes/http.ts"
import { makePing } from "./probes/ping.ts"
import { makeSsl } from "./probes/ssl.ts"
import { tcp } from "./probes/tcp.ts"
import { makeWss } from "./probes/wss.ts"
import { ScriptedProbes } from "./ScriptedProbes.ts"

/** The probes there are, by name. */
export class Probes extends Context.Service<Probes, ReadonlyMap<string, Probe>>()("effect-geodns/monitor/Probes") {
  /** Those that look over the network, and `heartbeat`, which goes by what `Heartbeats` was told. */
  static readonly layer: Layer.Layer<Probes | Heartbeats> = Layer.suspend(() => Probes.layerWith([]))

  /** The same, and probes of one's own; one with the name of another takes its place. */
  static layerWith(own: ReadonlyArray<Probe>): Layer.Layer<Probes | Heartbeats> {
    return Layer.provideMerge(
      Layer.effect(
        Probes,
        Effect.map(Heartbeats, (heartbeats) => {
          const context = createSecureContext()
          return byName([
            makePing(),
            makeSsl(context),
            makeWss(context),
            makeEthrpc(context),
            makeHttp(context),
            tcp,
            dns,
            makeHeartbeat(heartbeats),
            ...own
          ])
        })
      ),
      Heartbeats.layer
    )
  }

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
