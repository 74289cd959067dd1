import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AlertChannels } from "../../../src/alerts/AlertChannel.ts"
import { Alerts } from "../../../src/alerts/Alerts.ts"
import { Bus } from "../../../src/bus/Bus.ts"
import type { MemoryClient } from "../../../src/bus/MemoryBroker.ts"
import { makeMemoryBus } from "../../../src/bus/MemoryBus.ts"
import { Membership } from "../../../src/cluster/Membership.ts"
import { Consensus } from "../../../src/consensus/Consensus.ts"
import { CertificateFile } from "../../../src/consensus/sealed/CertificateFile.ts"
import { joinSeals } from "../../../src/consensus/sealed/joinSeals.ts"
import { RosterSource } from "../../../src/consensus/sealed/RosterSource.ts"
import { layerRequired, layerRoster } from "../../../src/consensus/sealed/Sealing.ts"
import { cheapSigner, Signer } from "../../../src/consensus/sealed/Signer.ts"
import type { Target } from "../../../src/domain/Target.ts"
import { Families } from "../../../src/monitor/Families.ts"
import { Monitor } from "../../../src/monitor/Monitor.ts"
import type { RunProbe } from "../../../src/monitor/Probe.ts"
import { Prober } from "../../../src/monitor/Prober.ts"
import { Probes } from "../../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../../src/monitor/ScriptedProbes.ts"
import type { AppendFiles } from "../../../src/node/AppendFiles.ts"
import { Conditions } from "../../../src/node/Conditions.ts"
import type { DurableFiles } from "../../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../../src/node/NodeIdentity.ts"
import { Observer } from "../../../src/status/Observer.ts"
import { OfficialStatus } from "../../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../../src/status/OutageLog.ts"
import { Overrides } from "../../../src/status/Overrides.ts"
import { Snapshots } from "../../../src/status/Snapshots.ts"
import type { Role } from "../world/AnyNode.ts"
import type { Ground } from "./Ground.ts"

/** What a node is made with, and who looks on. */
export interface NodeParts {
  readonly id: string
  readonly role: Role
  readonly life: number
  readonly client: MemoryClient
  readonly disk: Layer.Layer<AppendFiles | DurableFiles>
  /** What is to be seen of a target now. */
  readonly sight: (target: Target) => { readonly up: boolean; readonly slow: boolean }
  /** This monitor saw it. */
  readonly seen: (target: Target, up: boolean) => void
  readonly official: (official: OfficialStatus["Service"]) => OfficialStatus["Service"]
  readonly certificates: (certificates: CertificateFile["Service"]) => CertificateFile["Service"]
  readonly rosters: (rosters: RosterSource["Service"]) => void
}

/** The real services of a node, composed as in `src/roles`. */
export const nodeLayer = (ground: Ground, parts: NodeParts) => {
  const { client, disk, id, life, role } = parts
  const base = Layer.mergeAll(
    Layer.succeed(Bus, Bus.of(makeMemoryBus(client))),
    Layer.effect(
      NodeIdentity,
      Effect.sync(() => NodeIdentity.of({ id, role, boot: `${id}-${life}`, startedAt: 0 }))
    ),
    ground.config,
    Conditions.layerMemory,
    disk
  )
  const official = Layer.effect(OfficialStatus, Effect.map(OfficialStatus, parts.official)).pipe(
    Layer.provide(OfficialStatus.layer)
  )
  const following = Snapshots.layer.pipe(
    Layer.provideMerge(Consensus.layer),
    Layer.provideMerge(Layer.mergeAll(Membership.layer, official, Overrides.layerNone))
  )
  const below = Layer.provideMerge(Layer.provideMerge(joinSeals, sealing(ground, parts)), base)
  switch (role) {
    case "IBPMonitor":
      return Monitor.layer.pipe(
        Layer.provideMerge(following),
        Layer.provideMerge(Prober.layer),
        Layer.provide([probes(ground, parts), families(ground, id)]),
        Layer.provideMerge(below)
      )
    case "IBPDns":
      return following.pipe(Layer.provide(Observer.layerNone), Layer.provideMerge(below))
    case "IBPCollator":
      return Alerts.layer.pipe(
        Layer.provideMerge(OutageLog.layer),
        Layer.provideMerge(following),
        Layer.provide([Observer.layerNone, AlertChannels.layerMemory]),
        Layer.provideMerge(Layer.succeedContext(ground.storesOf(id))),
        Layer.provideMerge(below)
      )
  }
}

const families = ({ cluster: { plan } }: Ground, id: string) =>
  Families.layerOf({ ipv4: "all", ipv6: plan.ipv4Only.includes(id) ? "none" : "all" })

/** How it takes part: the mode, the rosters as operators gave them out, and its key. */
const sealing = ({ cluster }: Ground, parts: NodeParts) => {
  if (cluster.plan.mode === "open") return Layer.empty
  const signer = cheapSigner(cluster.keyName(parts.id))
  const rosters = Layer.effect(
    RosterSource,
    Effect.gen(function*() {
      const source = yield* RosterSource
      const [last, ...earlier] = cluster.rosters.all().toReversed()
      yield* source.offer({ ...last!, earlier: earlier.toReversed() })
      parts.rosters(source)
      return source
    })
  ).pipe(Layer.provide(RosterSource.layerMemory(cluster.rosters.all()[0]!)))
  const certificates = Layer.effect(CertificateFile, Effect.map(CertificateFile, parts.certificates)).pipe(
    Layer.provide(CertificateFile.layer)
  )
  const how = cluster.plan.mode === "require"
    ? Layer.provide(layerRequired, certificates)
    : layerRoster({ mode: cluster.plan.mode === "prefer" ? "prefer" : "open", electorate: "roster" })
  return how.pipe(
    Layer.provide(Layer.succeed(Signer, Signer.of({ ...signer, id: parts.id }))),
    Layer.provide(rosters)
  )
}

/** Probes that find what is true, or what this monitor takes for it, after a moment. */
const probes = (ground: Ground, { id, life, seen, sight }: NodeParts): Layer.Layer<Probes> => {
  const chance = ground.cluster.chanceOf(`${id}#${life} probes`)
  const run: RunProbe = ({ target }) =>
    Effect.suspend(() => {
      const { slow, up } = sight(target)
      if (!up) ground.cluster.onFailingProbe(target)
      const isSeen = Effect.sync(() => seen(target, up))
      // It is given up at its deadline.
      if (!up && slow) return Effect.onInterrupt(Effect.never, () => isSeen)
      return Effect.sleep(20 + chance.next() * 180).pipe(
        Effect.andThen(isSeen),
        Effect.as({ up, error: up ? "" : "connection refused", data: null })
      )
    })
  return Probes.layerMemory.pipe(Layer.provide(Layer.succeed(
    ScriptedProbes,
    ScriptedProbes.of({
      set: () => Effect.void,
      unset: () => Effect.void,
      started: () => Effect.succeed(0),
      run
    })
  )))
}
