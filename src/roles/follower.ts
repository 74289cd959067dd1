import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { KnownTargets } from "../status/KnownTargets.ts"
import { Observer } from "../status/Observer.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"

/** Forgets the official status of targets that the documents do not know any more, now and with every new version. */
const forgetting = Layer.effectDiscard(Effect.gen(function*() {
  const config = yield* Config
  const official = yield* OfficialStatus
  const known = yield* KnownTargets
  const forget = Effect.flatMap(config.current, (snapshot) => official.retain(known(snapshot)))
  yield* Stream.runForEach(config.changes, () => forget).pipe(Effect.forkScoped({ startImmediately: true }))
  yield* forget
}))

/** What every role needs of the cluster: who is there, and what is decided. `consensus` says how it takes part. */
export const participating = <E, R>(consensus: Layer.Layer<Consensus, E, R>) =>
  Layer.merge(consensus, forgetting).pipe(
    Layer.provideMerge(Layer.mergeAll(Membership.layer, OfficialStatus.layer))
  )

/** A node that follows decisions and takes no part in them. */
export const follower = participating(Consensus.layer).pipe(Layer.provide(Observer.layerNone))
