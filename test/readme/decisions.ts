import { Effect, Layer, Stream } from "effect"
import { Bus, MemoryBroker } from "effect-geodns/bus"
import { Membership } from "effect-geodns/cluster"
import { Config, Documents } from "effect-geodns/config"
import { Consensus } from "effect-geodns/consensus"
import { Conditions, DurableFiles, NodeIdentity } from "effect-geodns/node"
import { Observer, OfficialStatus } from "effect-geodns/status"

/** The first decision that the cluster makes from now on. */
export const nextDecision = Effect.gen(function*() {
  const events = yield* Consensus.use((consensus) => consensus.subscribe)
  return yield* events.pipe(Stream.filter((event) => event._tag === "Decided"), Stream.runHead)
}).pipe(Effect.scoped)

/** A node that observes: it hears every proposal, vote and decision, and casts none. */
export const live = Consensus.layer.pipe(
  Layer.provide([Membership.layer, OfficialStatus.layer, Observer.layerNone]),
  Layer.provide([Bus.layerMemory({ name: "dns-1" }), Config.layer({ path: "local.json" })]),
  Layer.provide([NodeIdentity.layer({ id: "dns-1", role: "IBPDns" }), DurableFiles.layer("work"), Conditions.layer]),
  Layer.provide([MemoryBroker.layer, Documents.layer])
)
